"""The queue over a real socket: who goes first, pause and resume, a job's request again, and what of it outlives the daemon."""

from __future__ import annotations

import json
import re
from pathlib import Path

import soundfile

from bridge.osc import spec
from bridge.osc.replies import Ack, Chunk, Done, Fail, Queued, Reply
from tests import fake_engine
from tests.bridge.conftest import RawClient, RunningDaemon


def until(raw: RawClient, *wanted: Reply) -> list[Reply]:
    """Replies up to the last of those wanted."""
    replies = []
    while not set(map(repr, wanted)) <= set(map(repr, replies)):
        replies.append(raw.receive())
        assert replies[-1] is not None, f"{wanted} did not come, but {replies}"
    return replies


def test_continuations_go_first_and_clients_take_turns(daemon, raw, tmp_path):
    clip = tmp_path / "loop.wav"
    soundfile.write(clip, fake_engine.tone(48_000, 48_000), 48_000)
    monitor, other, player = (RawClient(daemon.port) for _ in range(3))
    monitor.send("/inspire/hello", "m", "monitor", spec.PROTOCOL, "events", "all")
    monitor.receive()
    other.send("/inspire/hello", "h", "other", spec.PROTOCOL)  # else it would be one client with all of this host
    other.receive()
    raw.send("/inspire/pause", "p")
    assert raw.receive() == Ack("p")
    for n in range(3):
        raw.send("/inspire/generate", f"sketch{n}", "tune", "duration_s", 0.5)
    until(raw, Queued("sketch2", 2, {"paused": 1}))
    other.send("/inspire/generate", "other", "tune", "duration_s", 0.5)
    until(other, Ack("other"), Queued("other", 1, {"paused": 1}))
    assert raw.receive() == Queued("sketch1", 2, {"paused": 1}) and raw.receive() == Queued("sketch2", 3, {"paused": 1})
    player.send("/inspire/continue", "live", str(clip), "duration_s", 0.5)
    until(player, Ack("live"), Queued("live", 0, {"paused": 1}))
    player.send("/inspire/resume", "r")
    ends = []
    while len(ends) < 5:
        reply = monitor.receive()
        assert reply is not None, ends
        ends += [reply.id] if isinstance(reply, Done) else []
    assert ends == ["live", "sketch0", "other", "sketch1", "sketch2"]
    for one in (monitor, other, player):
        one.close()


def test_those_who_did_not_register_share_their_turns(daemon, raw):
    """Each command typed in a terminal comes from a port of its own: that makes it no client of its own."""
    others = [RawClient(daemon.port) for _ in range(2)]
    raw.send("/inspire/pause", "p")
    assert raw.receive() == Ack("p")
    others[0].send("/inspire/hello", "h", "a device", spec.PROTOCOL)
    others[0].receive()
    for id, client in (("one", raw), ("two", raw), ("three", others[1]), ("registered", others[0])):
        client.send("/inspire/generate", id, "tune", "duration_s", 0.5)
        until(client, Ack(id))
    with daemon.client() as client:
        assert [entry.job for entry in client.jobs()[1]] == ["one", "registered", "two", "three"]
        for id in ("one", "two", "three", "registered"):
            client.cancel(id)
        client.resume()
    for one in others:
        one.close()


def test_while_paused_the_running_job_ends_and_waiting_ones_wait(daemon, raw):
    raw.send("/inspire/generate", "runs", "slow tune", "duration_s", 2)
    while not isinstance(raw.receive(), Chunk):
        pass
    raw.send("/inspire/generate", "waits", "tune", "duration_s", 0.5)
    raw.send("/inspire/pause", "p")
    assert Queued("waits", 1, {"paused": 1}) in until(raw, Ack("p"))
    while not isinstance(reply := raw.receive(), Done):
        assert reply is not None and reply.id == "runs"
    assert reply.id == "runs"
    with daemon.client() as client:
        state = client.status().pairs
        assert (state["paused"], state["queued"], state.get("running")) == (1, 1, None)
        assert client.status("waits").state == "queued"
        assert isinstance(client.resume(), Ack) and isinstance(client.resume(), Ack)
        assert client.status().pairs["paused"] == 0
    assert [r.id for r in raw.until_end() if isinstance(r, Done)] == ["waits"]


def without_its_time(path: str) -> bytes:
    """A WAV file but for the second it was written in, which its bext chunk says."""
    content, replaced = re.subn(rb"\d{4}-\d\d-\d\d\d\d:\d\d:\d\d", b"", Path(path).read_bytes())
    assert replaced == 1
    return content


def test_a_job_is_asked_for_again_with_its_seed_or_another(raw):
    def ask(*command: str | int) -> list[Reply]:
        raw.send(*command)
        return raw.until_end()

    first = ask("/inspire/generate", "first", "tune", "duration_s", 0.5, "path", "mine")[-1]
    replies = ask("/inspire/again", "second", "first")
    second = replies[-1]
    assert replies[0] == Ack("second") and second.pairs["seed"] == first.pairs["seed"]  # drawn, as none was given
    assert Path(second.path).name == "mine-2.wav" and without_its_time(second.path) == without_its_time(first.path)
    sidecars = [json.loads(Path(end.path).with_suffix(".json").read_text())["request"] for end in (first, second)]
    assert sidecars[0] == sidecars[1] and sidecars[0]["seed"] == first.pairs["seed"]
    assert ask("/inspire/again", "second", "first") == [Ack("second"), second]  # replayed, not started once more
    third = ask("/inspire/again", "third", "second", "seed", 5, "path", "other")[-1]
    assert third.pairs["seed"] == 5 and Path(third.path).name == "other.wav"
    assert ask("/inspire/again", "third", "second")[-1].code == "id_taken"
    assert ask("/inspire/again", "fourth", "nobody")[-1].code == "no_such_job"


def test_again_is_the_same_model_or_a_fail(daemon, tmp_path):
    model = tmp_path / "model"
    model.write_text("first weights")
    with daemon.client() as client:

        def ends(events) -> Reply:
            return list(events)[-1]

        made = ends(client.generate("tune", id="made", model=str(model), duration_s=0.5))
        assert made.pairs["weights"] == "first weights"
        assert isinstance(ends(client.again("made")), Done)
        model.write_text("other weights")
        assert isinstance(ends(client.generate("tune", duration_s=0.5)), Done)  # another model is loaded meanwhile
        end = ends(client.again("made"))
        assert isinstance(end, Fail) and end.code == "bad_model" and "first weights" in end.message and "seed" in end.message
        assert ends(client.again("made", seed=3)).pairs["weights"] == "other weights"


def test_pause_and_seeds_outlive_the_daemon(tmp_path):
    home = tmp_path / "home"
    first = RunningDaemon(home)
    try:
        with first.client() as client:
            assert isinstance(client.pause(), Ack)
            client.send("generate", "cut", ["tune"], {"duration_s": 0.5})
            assert client.receive("cut", 60) == Ack("cut")
            first.process.kill()  # nobody waits for anything but the acks
        first.process.wait()
        first.state_file.unlink()
        second = RunningDaemon(home)
        try:
            with second.client() as client:
                assert client.status().pairs["paused"] == 1 and "paused" in second.log
                (seed,) = (entry.pairs["seed"] for entry in client.history()[1])
                events = client.generate("tune", id="cut", duration_s=0.5)  # it waits still
                assert [next(events), next(events)] == [Ack("cut"), Queued("cut", 0, {"paused": 1})]
                more = client.again("cut", id="more")
                assert [next(more), next(more)] == [Ack("more"), Queued("more", 1, {"paused": 1})]
                client.resume()
                assert [list(reported)[-1].pairs["seed"] for reported in (events, more)] == [seed, seed]
        finally:
            second.stop()
    finally:
        first.stop()
