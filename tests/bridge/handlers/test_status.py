"""The daemon itself over OSC: who may speak, what it is doing, which models it has."""

from __future__ import annotations

from pathlib import Path

from bridge.osc import spec
from bridge.osc.replies import Ack, Pong, State, Welcome
from bridge.version import version
from tests.bridge.conftest import RawClient
from tests.tiny_model import write_tiny_model


def test_a_ping_and_a_hello_say_which_daemon_it_is(raw):
    raw.send("/inspire/ping", "p")
    assert raw.receive() == Pong("p", version(), spec.PROTOCOL)
    raw.send("/inspire/hello", "h", "a test", spec.PROTOCOL)
    assert raw.receive() == Welcome("h", version(), spec.PROTOCOL, 60.0)


def test_another_protocol_is_rejected(raw):
    raw.send("/inspire/hello", "h", "from the future", 99)
    reply = raw.receive()
    assert reply.code == "protocol" and "99" in reply.message


def test_status_of_daemon_and_job(daemon, raw):
    raw.send("/inspire/status", "s1")
    state = raw.receive()
    assert isinstance(state, State) and state.state in ("idle", "starting")
    assert state.pairs["pid"] == daemon.process.pid and state.pairs["folder"] == str(daemon.folder)
    assert state.pairs["audio_device"].startswith("none")
    raw.send("/inspire/generate", "asked", "tune", "duration_s", 0.5)
    raw.until_end()
    raw.send("/inspire/status", "s2", "job", "asked")
    state = raw.receive()
    assert (state.state, state.pairs["job"]) == ("done", "asked") and Path(state.pairs["path"]).exists()
    raw.send("/inspire/status", "s3", "job", "nobody")
    assert raw.receive().code == "no_such_job"


def test_models_are_reported_one_reply_each(start_daemon, tmp_path):
    write_tiny_model(tmp_path / "models" / "mine")
    daemon = start_daemon(models_folder=tmp_path / "models")
    client = RawClient(daemon.port)
    client.send("/inspire/models", "m")
    replies = [client.receive() for _ in range(2)]
    assert [(r.index, r.count, r.name, r.pairs["kind"]) for r in replies] == [(0, 2, "sketch", "embedded"), (1, 2, "mine", "own")]
    assert replies[1].pairs["path"] == str(tmp_path / "models" / "mine") and replies[1].pairs["megabytes"] > 0
    client.close()


def test_the_gain_and_a_paused_queue_are_in_the_state(daemon, raw):
    for id, command in (("g", ("gain", "g", -6.0)), ("p", ("pause", "p"))):
        raw.send(f"/inspire/{command[0]}", *command[1:])
        assert raw.receive() == Ack(id)
    with daemon.client() as client:
        state = client.status().pairs
        assert (state["gain_db"], state["paused"], state["queued"], state["playing"]) == (-6.0, 1, 0, 0)
        client.set_gain(0.0)
        client.resume()
