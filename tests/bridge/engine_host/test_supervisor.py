"""The engine's process is watched: killed, frozen, stalled or broken, it costs its job at most, and the next gets a fresh one."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import soundfile

from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Fail
from tests.bridge.conftest import is_running, until_chunk, wait_for


def test_a_killed_engine_loses_nothing_announced(start_daemon):
    daemon = start_daemon()
    victim = daemon.engine_pid()
    with daemon.client() as client:
        events = client.generate("slow tune", duration_s=60)
        chunk = until_chunk(events, 3)
        os.kill(victim, signal.SIGKILL)
        rest = list(events)
        end = rest[-1]
        assert isinstance(end, Fail) and end.code == "engine_died" and "SIGKILL" in end.message
        announced_s = max(c.start_s + c.duration_s for c in [chunk, *(e for e in rest if isinstance(e, Chunk))])
        assert end.pairs["duration_s"] >= announced_s - 1e-6
        assert soundfile.info(end.pairs["path"]).duration == pytest.approx(end.pairs["duration_s"])
        sidecar = json.loads(Path(end.pairs["path"]).with_suffix(".json").read_text())
        assert (sidecar["state"], sidecar["failure"]["code"]) == ("failed", "engine_died")
        assert daemon.serves_on()
        state = client.status()
        assert state.pairs["restarts"] == 1 and state.pairs["engine_pid"] != victim


def test_an_engine_killed_while_idle_fails_no_job(start_daemon):
    daemon = start_daemon()
    for _ in range(3):
        os.kill(daemon.engine_pid(), signal.SIGKILL)
        assert daemon.serves_on()


@pytest.mark.parametrize(("word", "code"), [("crash", "engine_died"), ("fault", "engine_error")])
def test_an_engine_that_ends_itself(start_daemon, word, code):
    daemon = start_daemon()
    with daemon.client() as client:
        end = list(client.generate(f"{word} tune", duration_s=2))[-1]
    assert (end.code, end.pairs["duration_s"]) == (code, 0.5)
    assert daemon.serves_on()


def test_an_engine_that_makes_no_progress_is_given_up(start_daemon):
    daemon = start_daemon(stall_timeout_s=4)
    with daemon.client() as client:
        end = list(client.generate("hang tune", duration_s=2))[-1]
    assert (end.code, end.pairs["duration_s"]) == ("engine_stalled", 0.5)
    assert daemon.serves_on()


def test_a_frozen_engine_is_given_up(start_daemon):
    daemon = start_daemon(silence_timeout_s=3)
    with daemon.client() as client:
        events = client.generate("slow tune", duration_s=60)
        until_chunk(events, 1)
        os.kill(daemon.engine_pid(), signal.SIGSTOP)
        assert list(events)[-1].code == "engine_stalled"
    assert daemon.serves_on()


@pytest.mark.parametrize("state", ["starting", "idle", "generating", "cancelling"])
def test_a_healthy_engine_survives_a_sleep_of_the_machine(start_daemon, state):
    """All processes are stopped for longer than any patience, as a laptop's lid does it."""
    daemon = start_daemon(silence_timeout_s=3, stall_timeout_s=3, cancel_timeout_s=3)
    with daemon.client() as client:
        if state == "starting":
            engine = wait_for(lambda: client.status().pairs.get("engine_pid"))
        else:
            wait_for(lambda: client.status().state == "idle")
            engine = daemon.engine_pid()
        if state in ("generating", "cancelling"):
            events = client.generate("deaf tune", id="j", duration_s=4)
            until_chunk(events, 1)
        if state == "cancelling":
            client.cancel("j")
        for pid in (engine, daemon.process.pid):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(5)
        for pid in (daemon.process.pid, engine):
            os.kill(pid, signal.SIGCONT)
        if state in ("generating", "cancelling"):
            end = list(events)[-1]
            assert isinstance(end, Done if state == "generating" else Cancelled), end
        time.sleep(1.5)  # three looks of the watch
        assert (daemon.engine_pid(), client.status().pairs["restarts"]) == (engine, 0)
    assert daemon.serves_on()


def test_an_engine_that_does_not_heed_a_cancel_is_given_up(start_daemon):
    daemon = start_daemon(cancel_timeout_s=1)
    with daemon.client() as client:
        events = client.generate("deaf tune", id="deaf", duration_s=400)
        until_chunk(events, 1)
        assert isinstance(client.cancel("deaf"), Ack)
        end = list(events)[-1]
    assert isinstance(end, Cancelled) and end.duration_s >= 0.5
    assert daemon.serves_on()


def test_an_engine_that_cannot_start_is_said_to_every_job(start_daemon):
    daemon = start_daemon(engine="tests.fake_engine:create_broken_engine")
    with daemon.client() as client:
        for _ in range(2):
            end = list(client.generate("tune"))[-1]
            assert end.code == "engine_error" and "asked not to start" in end.message
        state = client.status()
        assert state.state == "down" and "asked not to start" in state.pairs["problem"]


def test_an_engine_that_dies_of_its_model_is_not_begun_again_and_again(start_daemon):
    daemon = start_daemon(model="deadly")
    with daemon.client() as client:
        wait_for(lambda: client.status().state == "down")
        assert "ended with status 9" in client.status().pairs["problem"]
        assert [*client.generate("tune", duration_s=0.5)][-1].code == "engine_died"
        assert client.status().pairs["restarts"] == 0 and client.status().state == "down"


def test_a_model_that_is_missing_at_start_does_not_stop_the_others(start_daemon):
    daemon = start_daemon(model="missing")
    with daemon.client() as client:
        problem = wait_for(lambda: client.status().pairs.get("problem"))
        assert "only 'sketch'" in problem
        assert isinstance(list(client.generate("tune", duration_s=0.5, model="sketch"))[-1], Done)


def test_a_killed_daemon_takes_its_engine_along(start_daemon):
    daemon = start_daemon()
    engine = daemon.engine_pid()
    with daemon.client() as client:
        chunk = until_chunk(client.generate("slow tune", duration_s=60), 2)
        daemon.process.kill()
    daemon.process.wait()
    wait_for(lambda: not is_running(engine))
    assert soundfile.info(chunk.path).duration >= 0.75  # as far as it was made


def test_a_deaf_engine_does_not_hold_up_quit(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        events = client.generate("deaf tune", duration_s=400)
        while not isinstance(next(events), Chunk):
            pass
        client.quit()
        end = list(events)[-1]
    assert end.code == "interrupted" and soundfile.info(end.pairs["path"]).frames > 0
    wait_for(lambda: daemon.process.poll() is not None)
