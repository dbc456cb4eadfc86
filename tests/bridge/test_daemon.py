"""The daemon's promises over a real socket: one ack or fail per command, one end per job, repeated ids, cancel, status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc import codec, spec
from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Fail, Pong, ProgressReport, Queued, State, Welcome
from tests import fake_engine
from tests.bridge.conftest import RawClient
from tests.bridge.osc.test_codec import bundle


def of(type_, replies):
    return [reply for reply in replies if isinstance(reply, type_)]


def test_a_prompt_becomes_a_file_chunk_by_chunk(daemon, raw):
    raw.send("/inspire/generate", "whole", "slow tune", "duration_s", 1.1, "seed", 7)
    replies = []
    while not of(Done, replies):
        replies.append(raw.receive())
        if isinstance(replies[-1], Chunk):
            # On disk before it is announced, and playable while it grows.
            assert soundfile.info(replies[-1].path).duration >= replies[-1].start_s + replies[-1].duration_s - 1e-6
    assert (len(of(Ack, replies)), len(of(Fail, replies)), len(of(Done, replies))) == (1, 0, 1)
    assert [type(reply) for reply in replies[:2]] == [Ack, Queued]
    chunks, done = of(Chunk, replies), replies[-1]
    assert {chunk.path for chunk in chunks} == {done.path}  # a region that a DAW made of it stays whole
    assert [chunk.index for chunk in chunks] == [0, 1, 2, 3, 4]
    assert [chunk.start_s for chunk in chunks] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert of(ProgressReport, replies)[-1].total_s == pytest.approx(1.1)
    assert done.pairs["seed"] == 7 and done.pairs["samplerate"] == 48_000 and done.pairs["rtf"] > 0
    audio, rate = soundfile.read(done.path, dtype="float32", always_2d=True)
    np.testing.assert_allclose(audio, fake_engine.tone(len(audio), rate), atol=2**-23)
    assert len(audio) == round(1.1 * 48_000) and done.duration_s == pytest.approx(1.1)
    sidecar = json.loads(Path(done.path).with_suffix(".json").read_text())
    assert (sidecar["id"], sidecar["state"], sidecar["request"]["prompt"]) == ("whole", "done", "slow tune")
    assert sidecar["engine"]["model"] == "fake sketch" and sidecar["timings"]["first_chunk_s"] > 0
    assert not list(daemon.folder.glob("*.part*"))


def test_a_clip_is_continued_and_its_hash_kept(daemon, raw, tmp_path):
    clip = tmp_path / "my loop.wav"
    soundfile.write(clip, fake_engine.tone(48_000, 48_000), 48_000)
    raw.send("/inspire/continue", "cont", str(clip), "duration_s", 0.5)
    done = raw.until_end()[-1]
    assert Path(done.path).name == "my-loop-continued.wav"
    source = json.loads(Path(done.path).with_suffix(".json").read_text())["source"]
    assert source["path"] == str(clip) and len(source["sha256"]) == 64


def test_a_repeated_id_replays_and_does_not_start_again(daemon, raw):
    command = ("/inspire/generate", "again", "slow tune", "duration_s", 0.8)
    raw.send(*command)
    raw.send(*command)
    replies = raw.until_end()
    assert (len(of(Ack, replies)), len(of(Done, replies))) == (2, 1)
    raw.send(*command)
    assert raw.until_end() == [Ack("again"), replies[-1]]
    other = RawClient(daemon.port)
    other.send(*command)
    assert other.until_end() == [Ack("again"), replies[-1]]
    other.send("/inspire/generate", "again", "something else")
    assert other.receive().code == "id_taken"
    other.close()


def test_jobs_wait_in_line_and_waiting_ones_can_be_cancelled(raw):
    raw.send("/inspire/generate", "first", "slow tune", "duration_s", 3)
    for id in ("second", "third"):
        raw.send("/inspire/generate", id, "tune", "duration_s", 0.5)
    raw.send("/inspire/cancel", "second")
    replies = []
    while not [r for r in of(Done, replies) if r.id == "third"]:
        replies.append(raw.receive())
    mine = {id: [r for r in replies if r.id == id] for id in ("first", "second", "third")}
    assert [r.position for r in of(Queued, mine["third"])] == [2, 1]
    assert mine["second"] == [Ack("second"), Queued("second", 1), Ack("second"), Cancelled("second", "", 0.0)]
    assert of(Done, mine["first"])


def test_cancel_keeps_what_there_is(raw):
    raw.send("/inspire/generate", "stopped", "slow tune", "duration_s", 60)
    while not isinstance(raw.receive(), Chunk):
        pass
    raw.send("/inspire/cancel", "c1", "job", "stopped")
    replies = raw.until_end()
    assert [r.id for r in of(Ack, replies)] == ["c1"]
    end = replies[-1]
    assert isinstance(end, Cancelled) and 0.25 <= end.duration_s < 60
    assert soundfile.info(end.path).duration == pytest.approx(end.duration_s)
    assert json.loads(Path(end.path).with_suffix(".json").read_text())["state"] == "cancelled"
    raw.send("/inspire/cancel", "stopped")
    assert raw.receive() == Ack("stopped")  # harmless, and says where it is
    state = raw.receive()
    assert (state.id, state.state, state.pairs["path"]) == ("stopped", "cancelled", end.path)
    raw.send("/inspire/ping", "after")
    assert isinstance(raw.receive(), Pong)  # and the end is not sent again


def test_a_cancel_at_any_moment_ends_the_job_once(raw):
    for n in range(20):
        ask = codec.encode("/inspire/generate", [f"at-once{n}", "slow tune", "duration_s", 60.0])
        raw.send_bytes(bundle(ask, codec.encode("/inspire/cancel", [f"at-once{n}"])) if n % 2 else ask)
        if n % 2 == 0:
            raw.receive()
            raw.send("/inspire/cancel", f"at-once{n}")
        assert isinstance(raw.until_end()[-1], Cancelled)
    raw.send("/inspire/ping", "after")
    assert isinstance(raw.receive(), Pong)  # and no second end before it


def test_whoever_cancels_what_is_being_cancelled_receives_its_state_and_one_end(raw):
    raw.send("/inspire/generate", "ignores", "deaf tune", "duration_s", 1.5)
    while not isinstance(raw.receive(), Chunk):
        pass
    for id in ("c1", "c2", "c3"):
        raw.send("/inspire/cancel", id, "job", "ignores")
    replies = [reply for reply in raw.until_end() if not isinstance(reply, (Chunk, ProgressReport))]
    assert [r.id for r in of(Ack, replies)] == ["c1", "c2", "c3"] and isinstance(replies[-1], Cancelled)
    assert [(r.id, r.state) for r in of(State, replies)] == [("c2", "running"), ("c3", "running")]
    raw.send("/inspire/cancel", "c4", "job", "ignores")
    assert raw.receive() == Ack("c4") and raw.receive().state == "cancelled"


def test_cancel_of_no_job(raw):
    raw.send("/inspire/cancel", "never-was")
    assert raw.receive().code == "no_such_job"


def test_an_engines_error_ends_the_job_and_not_the_engine(daemon, raw):
    before = daemon.engine_pid()
    raw.send("/inspire/generate", "rejected", "refuse this")
    replies = raw.until_end()
    assert (len(of(Ack, replies)), replies[-1].code, replies[-1].pairs) == (1, "bad_request", {})
    raw.send("/inspire/generate", "no-model", "tune", "model", "missing")
    end = raw.until_end()[-1]
    assert end.code == "bad_model" and "only 'sketch'" in end.message
    assert daemon.engine_pid() == before and daemon.serves_on()


def test_replies_go_where_they_are_wanted(daemon, raw):
    listener = RawClient(daemon.port)
    raw.send("/inspire/ping", "p1", "reply_port", listener.port)
    assert isinstance(listener.receive(), Pong)
    raw.send("/inspire/generate", "p2", "tune", "nonsense", 1, "reply_port", listener.port)
    assert listener.receive().code == "unknown_key"
    # After a hello with a reply port, everything from that source is answered there.
    raw.send("/inspire/hello", "p3", "a Max device", spec.PROTOCOL, "reply_port", listener.port)
    assert isinstance(listener.receive(), Welcome)
    raw.send("/inspire/ping", "p4")
    assert listener.receive().id == "p4"
    # A device that receives nothing on its port says hello again from another: that one counts.
    other = RawClient(daemon.port)
    raw.send("/inspire/hello", "p5", "a Max device", spec.PROTOCOL, "reply_port", other.port)
    assert isinstance(other.receive(), Welcome)
    raw.send("/inspire/ping", "p6")
    assert other.receive().id == "p6"
    other.close()
    listener.close()


def test_a_client_may_follow_every_job(daemon, raw):
    monitor = RawClient(daemon.port)
    monitor.send("/inspire/hello", "m", "monitor", spec.PROTOCOL, "events", "all")
    assert isinstance(monitor.receive(), Welcome)
    raw.send("/inspire/generate", "followed", "tune", "duration_s", 0.5)
    raw.until_end()
    received = monitor.until_end()
    assert {r.id for r in received} == {"followed"} and isinstance(received[-1], Done) and not of(Ack, received)
    monitor.close()


def test_a_bundle_is_served_in_order(raw):
    raw.send_bytes(bundle(*(codec.encode("/inspire/ping", [f"b{n}"]) for n in range(3))))
    assert [raw.receive().id for _ in range(3)] == ["b0", "b1", "b2"]


def test_a_large_datagram_arrives(raw):
    raw.send("/inspire/generate", "large", "x" * 60_000)
    assert raw.receive().code == "bad_value"  # and not lost


@pytest.mark.realtime  # a daemon that a busy machine keeps from its socket loses what comes meanwhile: UDP may
@pytest.mark.parametrize("command", [("/inspire/ping",), ("/inspire/generate", "tune")], ids=["pings", "jobs"])
def test_a_burst_is_answered_to_the_last(start_daemon, command):
    """2,000 commands without a pause. The asking socket reads meanwhile, as its own buffer is the system's affair."""
    daemon = start_daemon()
    client = RawClient(daemon.port)
    client.send("/inspire/pause", "pause")  # else jobs would end meanwhile, and say so too
    assert client.receive() == Ack("pause")
    waiting = {f"burst{n}" for n in range(2000)}

    def read(timeout_s: float) -> bool:
        reply = client.receive(timeout_s)
        if isinstance(reply, (Ack, Pong)):
            waiting.remove(reply.id)  # one answer each
        return reply is not None

    for count, id in enumerate(sorted(waiting)):
        client.send(command[0], id, *command[1:])
        while count % 50 == 49 and read(0.0001):
            pass
    while waiting and read(20):
        pass
    client.close()
    assert not waiting


def test_progress_is_at_most_ten_a_second(raw):
    raw.send("/inspire/generate", "quick", "tune", "duration_s", 120)  # 480 steps as fast as they go
    replies = raw.until_end()
    done = replies[-1]
    assert len(of(ProgressReport, replies)) <= 2 + 10 * done.pairs["rtf"] * done.duration_s


def test_a_short_bar_count_is_exact(raw):
    raw.send("/inspire/generate", "bars", "tune", "bars", 1, "bpm", 133.0)
    done = raw.until_end()[-1]
    assert soundfile.info(done.path).frames == round(4 * 60 / 133 * 48_000)


def test_24_khz_stereo_passes_through(raw):
    raw.send("/inspire/generate", "odd", "24k stereo", "duration_s", 0.6)
    done = raw.until_end()[-1]
    info = soundfile.info(done.path)
    assert (info.samplerate, info.channels, done.pairs["samplerate"]) == (24_000, 2, 24_000)


def test_the_daemon_holds_no_torch(daemon):
    maps = Path(f"/proc/{daemon.process.pid}/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    assert "libtorch" not in maps.read_text()


def test_the_factor_that_is_reported_is_that_of_the_audio_made_so_far(raw):
    """From the first chunk on, and without the second that the model takes to load."""
    raw.send("/inspire/generate", "paced", "heavy paced 0.4 tune", "duration_s", 3.5)
    *replies, done = raw.until_end()
    reported = [(reply.done_s > 0, reply.rtf) for reply in of(ProgressReport, replies)]
    assert (True, 0.0) not in reported and {rtf for is_known, rtf in reported if not is_known} == {0.0}
    known = [done.pairs["rtf"], *(rtf for is_known, rtf in reported if is_known)]
    assert len(known) > 1 and all(0.4 <= rtf < 0.75 for rtf in known), reported  # a slow machine adds to it, and takes nothing
    assert done.pairs["first_chunk_s"] >= 1.2  # that wait is the listener's


def test_quit_ends_everything_in_order(start_daemon):
    daemon = start_daemon()
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "running", "slow tune", "duration_s", 60)
    raw.send("/inspire/generate", "waiting", "tune")
    while not isinstance(raw.receive(), Chunk):
        pass
    raw.send("/inspire/quit", "q")
    replies = []
    while not of(Fail, replies) or not of(Queued, replies):
        replies.append(raw.receive())
    raw.close()
    assert [r.id for r in of(Ack, replies)] == ["q"]
    (kept,) = of(Fail, replies)
    assert (kept.id, kept.code) == ("running", "interrupted") and soundfile.info(kept.pairs["path"]).frames > 0
    assert json.loads(Path(kept.pairs["path"]).with_suffix(".json").read_text())["state"] == "interrupted"
    assert of(Queued, replies)[-1] == Queued("waiting", 0, {"later": 1})
    assert daemon.process.wait(20) == 0
    assert not daemon.state_file.exists()
    assert "Traceback" not in daemon.log, daemon.log
