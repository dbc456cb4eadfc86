"""The mailbox of a real daemon, spoken to as a program without sockets would: files, and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import soundfile

from bridge.osc.client import Client
from bridge.osc.replies import Done, decode_reply
from tests.bridge.conftest import RunningDaemon, wait_for

ENDS = ("done", "fail", "cancelled")


class Box:
    """A client's folder."""

    def __init__(self, mailbox: Path, name: str):
        self.folder = mailbox / name
        (self.folder / "requests").mkdir(parents=True)

    def put(self, id: str, *message: object) -> None:
        self.put_bytes(f"{id}.json", json.dumps(message).encode())

    def put_bytes(self, name: str, content: bytes) -> None:
        part = self.folder / "requests" / f"{name}.part"
        part.write_bytes(content)
        part.rename(part.with_name(name))

    def replies(self, id: str) -> list[list]:
        """Whole lines so far."""
        file = self.folder / "replies" / f"{id}.jsonl"
        text = file.read_text("utf-8") if file.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def answer(self, id: str) -> list:
        return wait_for(lambda: self.replies(id))[0]

    def until_end(self, id: str) -> list[list]:
        wait_for(lambda: self.replies(id) and self.replies(id)[-1][0].rpartition("/")[2] in ENDS)
        return self.replies(id)


def test_a_transport_is_as_old_as_its_file(box, daemon):
    """It lay there for 0.9 s: 0.9 beats at 60 bpm, over the bar line."""
    part = box.folder / "requests" / "where.json.part"
    part.write_text(json.dumps(["/inspire/transport", 60, 3.3, 1, "beats_per_bar", 4]))
    os.utime(part, (time.time() - 0.9,) * 2)
    part.rename(part.with_name("where.json"))
    assert box.answer("where") == ["/inspire/ack", "where"]
    with daemon.client() as client:
        answers = client.status().pairs
    assert (answers["transport"], answers["transport_from"], answers["bpm"], answers["bar"]) == ("playing", "report", 60, 2)


@pytest.fixture
def mailbox(daemon) -> Path:
    return daemon.home / "state" / "mailbox"


@pytest.fixture
def box(mailbox, request) -> Box:
    return Box(mailbox, f"box-{abs(hash(request.node.name))}")


def test_a_job_is_answered_as_over_osc(daemon, box):
    box.put("job-1", "/inspire/generate", "dub – techno", "duration_s", 1, "seed", 7)
    reported = box.until_end("job-1")
    names = [address.rpartition("/")[2] for address, *_ in reported]
    assert [name for name in names if name != "progress"] == ["ack", "queued", *("chunk",) * 4, "done"]
    replies = [decode_reply(address, values) for address, *values in reported]
    assert isinstance(replies[-1], Done) and replies[-1].pairs["seed"] == 7
    assert soundfile.info(replies[-1].path).frames == 48_000
    assert wait_for(lambda: not [*(box.folder / "requests").iterdir()] or None) is not None
    with Client(daemon.port) as client:  # the same job, whichever door one comes through
        assert list(client.generate("dub – techno", id="job-1", duration_s=1.0, seed=7))[-1].path == replies[-1].path
        _, entries = client.history(words="techno")
    assert entries[0].pairs["client"] == f"mailbox:{box.folder.name}"


def test_an_identical_request_put_again_starts_nothing_anew(box):
    for _ in range(2):
        box.put("twice", "/inspire/generate", "dub", "duration_s", 0.5, "seed", 3)
        box.until_end("twice")
        (box.folder / "replies" / "twice.jsonl").unlink()
    box.put("twice", "/inspire/generate", "dub", "duration_s", 0.5, "seed", 3)
    assert [address for address, *_ in box.until_end("twice")] == ["/inspire/ack", "/inspire/done"]


def test_a_cancel_of_the_jobs_own_id_stops_it(box):
    box.put("stopped", "/inspire/generate", "slow", "duration_s", 60)
    wait_for(lambda: any(line[0] == "/inspire/chunk" for line in box.replies("stopped")))
    box.put("stopped", "/inspire/cancel")
    end = box.until_end("stopped")[-1]
    assert end[0] == "/inspire/cancelled" and 0 < end[3] < 60 and Path(end[2]).exists()


def test_a_client_that_says_hello_has_a_name_and_follows_all(daemon, box, mailbox):
    box.put("hello", "/inspire/hello", "REAPER", 1, "events", "all")
    assert box.answer("hello")[0] == "/inspire/welcome"
    other = Box(mailbox, "other")
    other.put("others-job", "/inspire/generate", "dub", "duration_s", 0.5)
    other.until_end("others-job")
    assert box.until_end("others-job")[-1][0] == "/inspire/done"
    with Client(daemon.port) as client:
        list(client.generate("dub", id="über/uns", duration_s=0.5))
    assert wait_for(lambda: [file for file in (box.folder / "replies").iterdir() if file.name.startswith("~")])
    box.put("mine", "/inspire/generate", "a tune of mine", "duration_s", 0.5)
    box.until_end("mine")
    with Client(daemon.port) as client:
        assert client.history(words="mine")[1][0].pairs["client"] == "REAPER"


BAD = {
    "nothing": (b"", "bad_packet", "JSON"),
    "no JSON": (b"{", "bad_packet", "line 1"),
    "no list": (b'{"address": "/inspire/ping"}', "bad_packet", "list"),
    "an empty list": (b"[]", "bad_packet", "list"),
    "a number for an address": (b"[1]", "bad_packet", "begins with an address"),
    "no UTF-8": (b'["/inspire/generate", "caf\xe9"]', "bad_packet", "UTF-8"),
    "a list in it": (b'["/inspire/generate", ["dub"]]', "bad_packet", "neither text nor a number"),
    "null": (b'["/inspire/generate", null]', "bad_packet", "neither text nor a number"),
    "no number": (b'["/inspire/generate", "dub", "bpm", NaN]', "bad_packet", "NaN"),
    "endless": (b'["/inspire/generate", "dub", "bpm", -Infinity]', "bad_packet", "Infinity"),
    "a number beyond all": (b'["/inspire/generate", "dub", "bpm", 1e999]', "bad_value", "bpm"),
    "5,000 digits": (b'["/inspire/generate", "dub", "seed", ' + b"9" * 5000 + b"]", "bad_packet", "JSON"),
    "too deep": (b"[" * 60_000, "bad_packet", "JSON"),
    "too long": (json.dumps(["/inspire/generate", "x" * 70_000]).encode(), "bad_packet", "65536"),
    "unknown address": (b'["/inspire/compose", "dub"]', "unknown_address", "/inspire/compose"),
    "a reply": (b'["/inspire/done", "x", 1]', "unknown_address", "/inspire/done"),
    "no prompt": (b'["/inspire/generate"]', "missing_argument", "prompt"),
    "unknown key": (b'["/inspire/generate", "dub", "tempo", 120]', "unknown_key", "tempo"),
    "a key without a value": (b'["/inspire/generate", "dub", "seed"]', "missing_argument", "seed"),
    "text for a number": (b'["/inspire/generate", "dub", "seed", "7"]', "bad_value", "seed"),
    "a reply port": (b'["/inspire/ping", "reply_port", 9000]', "bad_value", "reply_port"),
    "a path outside": (b'["/inspire/generate", "dub", "path", "../x.wav"]', "output", "path"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_gets_one_fail_and_is_removed(box, case):
    content, code, reported = BAD[case]
    box.put_bytes("bad.json", content)
    wait_for(lambda: not (box.folder / "requests" / "bad.json").exists())
    box.put("after", "/inspire/ping")
    assert box.answer("after")[0] == "/inspire/pong"
    assert len(box.replies("bad")) == 1
    address, id, fail_code, message = box.replies("bad")[0]
    assert (address, id, fail_code) == ("/inspire/fail", "bad", code) and reported in message


def test_what_is_no_file_is_reported_and_removed(box, tmp_path):
    requests = box.folder / "requests"
    (requests / "folder.json").mkdir()
    (requests / "folder.json" / "inside").write_text("x")
    secret = tmp_path / "secret.json"
    secret.write_text('["/inspire/ping"]')
    (requests / "link.json").symlink_to(secret)
    os.mkfifo(requests / "pipe.json")
    for id in ("folder", "link", "pipe"):
        assert box.answer(id)[:3] == ["/inspire/fail", id, "bad_packet"]
    assert wait_for(lambda: not [*requests.iterdir()] or None) is not None
    assert secret.exists()


def test_a_name_that_is_no_id_is_reported(box):
    box.put("über uns", "/inspire/ping")
    address, _, code, message = box.answer("invalid")
    assert (address, code) == ("/inspire/fail", "no_id") and "über uns" in message
    assert not [*(box.folder / "requests").iterdir()]


def test_a_name_that_is_no_utf_8_is_reported(box):
    name = os.fsencode(box.folder / "requests") + b"/caf\xe9.json"
    with open(name, "wb") as file:
        file.write(b'["/inspire/ping"]')
    assert "caf" in box.answer("invalid")[3]
    wait_for(lambda: not os.path.exists(name))
    box.put("after", "/inspire/ping")
    assert box.answer("after")[0] == "/inspire/pong"


def test_whatever_bytes_are_put_there_get_one_fail_or_the_answer_of_a_command(daemon, box):
    draw = random.Random(7)
    words = [b"[", b"]", b'"', b"/inspire/ping", b"/inspire/status", b",", b"{}", b"\x00", b"\xff", b"1e5", b"null", b"\\u", b" "]
    for number in range(400):
        box.put_bytes(f"noise-{number}.json", b"".join(draw.choices(words, k=draw.randrange(12))))
    for number in range(400):
        wait_for(lambda: box.replies(f"noise-{number}"))  # noqa: B023
    reported = [box.replies(f"noise-{number}") for number in range(400)]
    assert all(len(lines) == 1 and lines[0][0] in ("/inspire/fail", "/inspire/pong", "/inspire/state") for lines in reported)
    assert not [*(box.folder / "requests").iterdir()] and daemon.serves_on()


def test_a_request_still_being_written_is_left_alone(box):
    part = box.folder / "requests" / "half.json.part"
    part.write_text('["/inspire/pi')
    (box.folder / "requests" / ".hidden.json").write_text("{")
    box.put("ping", "/inspire/ping")
    box.answer("ping")
    assert part.exists() and not box.replies("half")


def test_a_thousand_requests_at_once_are_all_answered(box):
    for number in range(1000):
        box.put(f"ping-{number}", "/inspire/ping")
    wait_for(lambda: sum(1 for _ in (box.folder / "replies").glob("ping-*.jsonl")) == 1000)
    assert all(box.answer(f"ping-{number}")[0] == "/inspire/pong" for number in range(1000))


def test_the_daemon_is_known_by_its_heartbeat(daemon, box, mailbox):
    box.put("ping", "/inspire/ping")
    first = json.loads((mailbox / "daemon.json").read_text())
    assert (first["pid"], first["port"], first["protocol"]) == (daemon.process.pid, daemon.port, 1)
    wait_for(lambda: json.loads((mailbox / "daemon.json").read_text())["beat"] >= first["beat"] + 2)
    assert os.name != "posix" or mailbox.stat().st_mode & 0o777 == 0o700


def test_a_request_outlives_a_killed_daemon_and_an_old_one_is_answered_so(start_daemon, tmp_path):
    home = tmp_path / "shared"
    first = start_daemon(state_folder=home, folder=tmp_path / "music")
    box = Box(home / "mailbox", "reaper")
    box.put("job", "/inspire/generate", "slow", "duration_s", 60)
    wait_for(lambda: any(line[0] == "/inspire/chunk" for line in box.replies("job")))
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(60)
    assert (home / "mailbox" / "daemon.json").exists()
    box.put("late", "/inspire/generate", "dub", "duration_s", 0.5)
    box.put("old", "/inspire/generate", "dub", "duration_s", 0.5)
    long_ago = time.time() - 3600
    os.utime(box.folder / "requests" / "old.json", (long_ago, long_ago))
    (home / "daemon.json").unlink()
    start_daemon(state_folder=home, folder=tmp_path / "music")
    assert box.until_end("late")[-1][0] == "/inspire/done"
    assert box.until_end("old")[-1][2] == "too_late"
    box.put("job", "/inspire/generate", "slow", "duration_s", 60)  # as a client would that has waited
    end = box.until_end("job")[-1]
    assert end[2] == "interrupted"


def test_of_two_daemons_one_serves_the_mailbox(start_daemon, tmp_path):
    first = start_daemon(mailbox=tmp_path / "shared")
    box = Box(tmp_path / "shared", "reaper")
    second = start_daemon(mailbox=tmp_path / "shared")
    for number in range(20):
        box.put(f"status-{number}", "/inspire/status")
        state = box.answer(f"status-{number}")
        assert state[state.index("pid") + 1] == first.process.pid
        assert len(box.replies(f"status-{number}")) == 1
    first.stop()
    box.put("after", "/inspire/status")
    state = box.answer("after")
    assert state[state.index("pid") + 1] == second.process.pid


def test_what_nobody_reads_is_swept(tmp_path, start_daemon):
    home = tmp_path / "shared"
    box, left = Box(home / "mailbox", "reaper"), Box(home / "mailbox", "left")
    (box.folder / "replies").mkdir()
    old, new = box.folder / "replies" / "old.jsonl", box.folder / "replies" / "new.jsonl"
    part = box.folder / "requests" / "half.json.part"
    for file in (old, new, part):
        file.write_text("[]\n")
    days_ago = time.time() - 3 * 86_400
    for path in (old, part, left.folder / "requests", left.folder):
        os.utime(path, (days_ago, days_ago))
    start_daemon(state_folder=home)
    wait_for(lambda: not old.exists() and not part.exists() and not left.folder.exists())
    assert new.exists()


def test_without_a_folder_to_use_the_daemon_serves_on(start_daemon, tmp_path):
    (tmp_path / "taken").write_text("a file")
    daemon: RunningDaemon = start_daemon(mailbox=tmp_path / "taken")
    assert daemon.serves_on() and "no mailbox in" in daemon.log
    assert start_daemon(mailbox="none").serves_on()


def test_a_folder_taken_away_comes_back(start_daemon, tmp_path):
    daemon = start_daemon()
    mailbox = daemon.home / "state" / "mailbox"
    box = Box(mailbox, "first")
    box.put("ping", "/inspire/ping")
    box.answer("ping")
    mailbox.rename(tmp_path / "away")
    wait_for(mailbox.exists)
    again = Box(mailbox, "second")
    again.put("ping", "/inspire/ping")
    assert again.answer("ping")[0] == "/inspire/pong"
