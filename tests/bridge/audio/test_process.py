"""The audio device's process and what it plays on: whatever of them dies, the result goes on; on a real JACK server."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Done
from tests import fake_engine
from tests.bridge.conftest import RawClient, RunningDaemon, wait_for
from tests.jack import DEVICE, Listener, begun

RATE = 48_000
TONE_STEP = float(np.abs(np.diff(fake_engine.tone(RATE, RATE)[:, 0])).max())  # a click is a larger one



def test_a_server_killed_in_the_middle_and_back_at_another_rate_goes_on_with_the_result(jack_server, start_daemon):
    """The listener is the device itself: it hears all from its return on."""
    jack_server.start(RATE)
    with Listener(jack_server, direct=True) as listener:
        daemon = start_daemon(audio_device="listener, JACK")
        raw = RawClient(daemon.port)
        raw.send("/inspire/generate", "j", "slow stereo tune", "duration_s", 4, "play", 1)
        wait_for(lambda: listener.captured().any())
        jack_server.kill()
    before = begun(listener.captured())
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        assert client.status().pairs["playing"] == 1
        end = raw.until_end()[-1]
        assert isinstance(end, Done) and soundfile.info(end.path).duration == pytest.approx(4)
        jack_server.start(96_000, period=2048)
        with Listener(jack_server, direct=True) as listener:
            wait_for(lambda: client.status().pairs["playing"] == 0)
            assert client.status().pairs["audio_device"] == "listener, 96 kHz"
            late = client.status().pairs["underruns"]  # a busy machine's, of 21 ms each
    raw.close()
    after = begun(listener.captured())[:, 0]
    after = after[: np.flatnonzero(after)[-1] + 1]
    assert len(before) / RATE + len(after) / 96_000 == pytest.approx(4, abs=0.1 + 0.025 * late)
    assert np.abs(np.diff(after[:1000])).max() < (0.1 / (0.005 * RATE) + TONE_STEP) / 2  # it fades in
    spectrum = np.abs(np.fft.rfft(after[:96_000] * np.hanning(96_000)))
    assert np.argmax(spectrum) == pytest.approx(fake_engine.TONE_HZ, abs=2)  # at its pitch
    assert daemon.log.count("went away (") == 1 and daemon.log.count("device is back") == 1


def test_an_audio_process_that_dies_is_replaced_and_the_result_goes_on(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        assert isinstance(list(client.generate("tune", duration_s=3, play=1))[-1], Done)
        wait_for(lambda: listener.captured().any())
        os.kill(audio_pid(daemon), signal.SIGKILL)
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
        listener.forget()  # JACK repeats the last block of a client that is no more
        wait_for(lambda: client.status().pairs["playing"] == 0)
    assert 1 < listener.captured()[:, 0].astype(bool).sum() / RATE < 3.1
    assert daemon.log.count("went away (") == 1 and daemon.log.count("device is back") == 1


def audio_pid(daemon: RunningDaemon) -> int:
    pid = daemon.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spawned = [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
    (ours,) = {*spawned} - {daemon.engine_pid()}
    return ours


def test_a_server_that_went_while_nothing_was_played_is_found_again_by_the_next_result(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with daemon.client() as client:
        for samplerate in (RATE, 44_100):
            with Listener(jack_server) as listener:
                assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
                wait_for(lambda: client.status().pairs["playing"] == 0)
                assert listener.captured().any()
            assert client.status().pairs["audio_device"] == f"system, {samplerate / 1000:g} kHz"
            jack_server.kill()
            jack_server.start(44_100)
