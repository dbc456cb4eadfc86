"""Ray Serve with two replicas of `sketch` in processes of their own, and a real daemon here that plays through them.

Starts Ray, which takes about twenty seconds: `make test-cluster`, not `make test`.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Cancelled, Chunk, Done, Fail
from engine.api import AudioChunk, EngineError, Finished, GenerationRequest
from engine.cluster.access import TOKEN
from engine.cluster.client import create_engine
from tests.bridge.conftest import ROOT, RunningDaemon, wait_for
from tests.missing import needs_module

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
SECRET = "a-studio-secret"


def request(seconds, **values):
    usual = {"prompt": "techno, 124 bpm", "duration_s": seconds, "seed": 1, "model": "sketch", "decode": "fast"}
    return GenerationRequest(**usual | values)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    needs_module("ray.serve", "the extra cluster: pip install 'ray[serve]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "serve.log"
    environment = os.environ | {TOKEN: SECRET, "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "engine.cluster", "--model", "sketch", "--replicas", "2", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    wait_for(lambda: "2 engines with sketch" in log.read_text() or process.poll() is not None, 240)
    assert process.poll() is None, log.read_text()
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture
def engine(address, monkeypatch):
    monkeypatch.setenv(TOKEN, SECRET)
    return create_engine(address)


@pytest.fixture(scope="module")
def daemon(address, tmp_path_factory):
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"), engine=address, model="sketch", cluster_token=SECRET)
    yield running
    running.stop()


def replicas():
    """Processes that hold an engine."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ServeReplica:inspire:engine" in (process / "cmdline").read_bytes():
                found[int(process.name)] = sum(map(int, (process / "stat").read_text().rsplit(")")[-1].split()[11:13]))
        except OSError:
            continue
    return found


def work(seconds):
    """Hundredths of a second of the processor's time that each replica takes in so long."""
    before = replicas()
    time.sleep(seconds)
    return {pid: used - before[pid] for pid, used in replicas().items() if pid in before}


def busiest():
    used = work(1)
    return max(used, key=used.__getitem__)


def both_wait():
    """Whether two replicas are there and idle: one that was killed has been replaced, and its model is loaded."""
    used = work(1)
    return len(used) == 2 and max(used.values()) < 30


def test_the_daemon_plays_through_a_replica_what_it_plays_by_itself(daemon):
    from engine.pipeline import Pipeline

    with daemon.client() as client:
        *_, end = client.generate("techno, 124 bpm", duration_s=2, seed=5, decode="fast")
        assert isinstance(end, Done), end
        played, rate = soundfile.read(end.path, always_2d=True)
    local = [event for event in Pipeline().generate(request(2.0, seed=5)) if isinstance(event, AudioChunk)]
    assert rate == local[0].samplerate
    np.testing.assert_allclose(played, np.concatenate([chunk.samples for chunk in local]), atol=1e-3)


def test_a_clip_of_this_machine_is_continued_there(daemon):
    with daemon.client() as client:
        *_, end = client.continue_clip(str(ROOT / "tests" / "loops" / "compus.flac"), duration_s=2, decode="fast")
        assert isinstance(end, Done), end


def test_a_cancel_stops_the_replica_and_keeps_what_was_made(daemon):
    with daemon.client() as client:
        replies = client.generate("techno, 124 bpm", duration_s=300, seed=5, decode="fast", id="long")
        first = next(reply for reply in replies if isinstance(reply, Chunk))
        with daemon.client() as other:
            other.cancel("long")
        *_, end = replies
        assert isinstance(end, Cancelled) and first.id == "long"
        assert 0 < soundfile.info(end.path).duration < 250


def test_two_replicas_work_at_once(address, engine):
    spans, names, barrier = {}, {}, threading.Barrier(2)

    def play(number):
        own = create_engine(address)
        barrier.wait()
        times = [time.monotonic() for event in own.generate(request(15.0, decode="full")) if isinstance(event, AudioChunk)]
        spans[number], names[number] = (times[0], times[-1]), own.replica

    threads = [threading.Thread(target=play, args=(number,)) for number in (1, 2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert names[1] != names[2] and max(span[0] for span in spans.values()) < min(span[1] for span in spans.values())


def test_a_killed_replica_fails_its_job_by_name_and_the_next_runs(daemon):
    with daemon.client() as client:
        replies = client.generate("techno, 124 bpm", duration_s=300, seed=5, decode="fast")
        next(reply for reply in replies if isinstance(reply, Chunk))
        os.kill(busiest(), signal.SIGKILL)
        *_, end = replies
        assert isinstance(end, Fail) and end.code == "engine_died" and "the replica that worked on it died" in end.message
        *_, end = client.generate("techno, 124 bpm", duration_s=1, seed=5, decode="fast")
        assert isinstance(end, Done), end
    wait_for(lambda: len(replicas()) == 2, 120)  # Serve starts another


def test_who_goes_away_leaves_no_work_behind(address, engine):
    wait_for(both_wait, 120)
    for _ in range(2):  # one for each replica
        events = engine.generate(request(480.0))
        next(event for event in events if isinstance(event, AudioChunk))
        events.close()
    *_, end = engine.generate(request(1.0))
    assert isinstance(end, Finished)
    assert max(work(2).values()) < 60  # of 200 hundredths of a second: nothing is still computed


def test_without_the_token_nothing_is_played(address, monkeypatch):
    monkeypatch.delenv(TOKEN, raising=False)
    with pytest.raises(EngineError, match="asks for a token"):
        list(create_engine(address).generate(request(1.0)))


def test_a_web_page_is_turned_away(address):
    page = {"Origin": "https://example.org", "Content-Type": "text/plain", "Authorization": f"Bearer {SECRET}"}
    asked = urllib.request.Request(f"{address}/generate", b"play", page)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked, timeout=30)


def test_an_engines_error_is_its_own(engine):
    with pytest.raises(EngineError, match="no model 'nothing'"):
        engine.load("nothing")
