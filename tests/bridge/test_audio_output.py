"""The audio device on a real JACK server: sample by sample, at its rates, on its channels, and after it was killed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from bridge.client import Client
from bridge.replies import Done
from tests import fake_engine
from tests.bridge.conftest import RawClient, RunningDaemon, wait_for
from tests.jack import ENVIRONMENT, JackServer, Listener

RATE = 48_000
DEVICE = "system, JACK"
TONE_STEP = float(np.abs(np.diff(fake_engine.tone(RATE, RATE)[:, 0])).max())  # a click is a larger one

pytest.importorskip("jack", reason="needs JACK-Client")


@pytest.fixture
def jack_server(tmp_path, monkeypatch) -> Iterator[JackServer]:
    """Not started."""
    if shutil.which("jackd") is None:
        pytest.skip("needs jackd: install the Debian package jackd2")
    server = JackServer(f"inspire-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path / "jack.log")
    for name, value in {**ENVIRONMENT, "JACK_DEFAULT_SERVER": server.name}.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


def play_evenly(client: Client, listener: Listener, words: str, duration_s: float, underruns: int = 0) -> tuple[Done, np.ndarray]:
    """The job's end and what was heard. A busy machine may come too late: once it must not, more often than `underruns`."""
    for _ in range(4):
        wait_for(lambda: client.status().pairs["playing"] == 0)
        listener.forget()
        before = client.status().pairs["underruns"]
        end = list(client.generate(words, duration_s=duration_s, play=1))[-1]
        assert isinstance(end, Done), end
        wait_for(lambda: client.status().pairs["playing"] == 0)
        if client.status().pairs["underruns"] - before == underruns:
            break
    return end, listener.heard()


def begun(heard: np.ndarray, channel: int = 0) -> np.ndarray:
    """From the first sample that is not silence on."""
    return heard[np.flatnonzero(heard[:, channel])[0] :]


def test_what_is_heard_is_the_file_sample_by_sample(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        end, heard = play_evenly(client, listener, "slow stereo tune", 3)
    file, rate = soundfile.read(end.path, dtype="float32")
    assert rate == RATE
    file, ours = file[1:], begun(heard)[:, :2]  # a tone's first sample is silence
    np.testing.assert_array_equal(ours[: len(file)], fake_engine.tone(3 * RATE, RATE, 2)[1:])
    np.testing.assert_allclose(ours[: len(file)], file, rtol=0, atol=2**-24)  # half a step of the file's 24 bits
    assert not ours[len(file) :].any()


@pytest.mark.parametrize(("channels", "words"), [("3,4", "stereo"), ("6,2", "stereo"), ("5", "stereo"), ("2,5", "mono")])
def test_any_channels_are_played_on_and_no_others(jack_server, start_daemon, channels, words):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE, audio_channels=channels)
    with Listener(jack_server) as listener, daemon.client() as client:
        _, heard = play_evenly(client, listener, f"{words} panned tune", 1)
    left, right = int(channels[0]) - 1, int(channels[-1]) - 1
    assert {*np.flatnonzero(heard.any(axis=0))} == {left, right}
    tone = fake_engine.tone(RATE, RATE)[1:, 0]
    quieter = 1.0 if words == "mono" else fake_engine.PANNED
    expected = {left: tone, right: tone * np.float32(quieter)} if left != right else {left: tone * np.float32((1 + quieter) / 2)}
    heard = heard[np.flatnonzero(heard.any(axis=1))[0] :]
    for channel, samples in expected.items():
        np.testing.assert_allclose(heard[: len(samples), channel], samples, rtol=0, atol=1e-7)


def test_a_channel_that_the_device_has_not_is_said(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE, audio_channels="2,7")
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"] != "looking for it")
        told = client.status().pairs["audio_device"]
    assert told.startswith("none: system has 6 output channels: 7 (setting audio_channels)")


@pytest.mark.parametrize(
    ("samplerate", "words"), [(44_100, "24k stereo slow"), (44_100, "stereo"), (96_000, "stereo slow"), (192_000, "24k stereo")]
)
def test_at_other_rates_what_is_heard_is_the_result_resampled_whole(jack_server, start_daemon, samplerate, words):
    jack_server.start(samplerate, period=samplerate * 1024 // 48_000)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        end, heard = play_evenly(client, listener, words, 1)
        assert client.status().pairs["audio_device"] == f"system, {samplerate / 1000:g} kHz"
    rate = end.pairs["samplerate"]
    whole = begun(soxr.resample(fake_engine.tone(rate, rate, 2), rate, samplerate))
    ours = begun(heard)[:, :2]
    np.testing.assert_allclose(ours[: len(whole)], whole, rtol=0, atol=1e-6)
    assert not ours[len(whole) :].any()


@pytest.mark.parametrize("words", ["bursts", "waking"])
def test_a_slow_or_uneven_engine_does_not_run_dry(jack_server, start_daemon, words):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        _, heard = play_evenly(client, listener, words, 4)
    np.testing.assert_array_equal(begun(heard)[: 4 * RATE - 1, 0], fake_engine.tone(4 * RATE, RATE)[1:, 0])


def test_a_server_killed_in_the_middle_and_back_at_another_rate_goes_on_with_the_result(jack_server, start_daemon):
    """The listener is the device itself: it hears all from its return on."""
    jack_server.start(RATE)
    with Listener(jack_server, direct=True) as listener:
        daemon = start_daemon(audio_device="listener, JACK")
        raw = RawClient(daemon.port)
        raw.send("/inspire/generate", "j", "slow stereo tune", "duration_s", 6, "play", 1)
        wait_for(lambda: listener.heard().any())
        jack_server.kill()
    before = begun(listener.heard())
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        assert client.status().pairs["playing"] == 1
        end = raw.until_end()[-1]
        assert isinstance(end, Done) and soundfile.info(end.path).duration == pytest.approx(6)
        jack_server.start(96_000)
        with Listener(jack_server, direct=True) as listener:
            wait_for(lambda: client.status().pairs["playing"] == 0)
            assert client.status().pairs["audio_device"] == "listener, 96 kHz"
            late = client.status().pairs["underruns"]  # a busy machine's, of 21 ms each
    raw.close()
    after = begun(listener.heard())[:, 0]
    after = after[: np.flatnonzero(after)[-1] + 1]
    assert len(before) / RATE + len(after) / 96_000 == pytest.approx(6, abs=0.1 + 0.025 * late)
    assert np.abs(np.diff(after[:RATE])).max() < (0.1 / (0.005 * RATE) + TONE_STEP) / 2  # it fades in
    spectrum = np.abs(np.fft.rfft(after[:96_000] * np.hanning(96_000)))
    assert np.argmax(spectrum) == pytest.approx(fake_engine.TONE_HZ, abs=2)  # at its pitch
    assert daemon.log.count("went away (") == 1 and daemon.log.count("device is back") == 1


def test_a_ring_that_runs_dry_neither_clicks_nor_skips(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        _, heard = play_evenly(client, listener, "hiccup", 3, underruns=1)
        assert client.status().pairs["underruns"] >= 1
    heard = begun(heard)[:, 0]
    silence = np.flatnonzero(np.diff(np.flatnonzero(heard)) > RATE // 2)
    assert len(silence) == 1  # in the middle
    assert np.abs(np.diff(heard[: -RATE // 10])).max() < TONE_STEP + 0.1 / (0.005 * RATE)
    assert heard.astype(bool).sum() == pytest.approx(3 * RATE, abs=0.01 * RATE)  # a tone touches zero now and then


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_an_audio_process_that_dies_or_hangs_is_replaced_and_the_result_goes_on(jack_server, start_daemon, sign):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        assert isinstance(list(client.generate("tune", duration_s=3, play=1))[-1], Done)
        wait_for(lambda: listener.heard().any())
        os.kill(audio_pid(daemon), sign)
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
        listener.forget()  # JACK repeats the last block of a client that is no more
        wait_for(lambda: client.status().pairs["playing"] == 0)
    assert 1 < listener.heard()[:, 0].astype(bool).sum() / RATE < 3.1
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
                assert listener.heard().any()
            assert client.status().pairs["audio_device"] == f"system, {samplerate / 1000:g} kHz"
            jack_server.kill()
            jack_server.start(44_100)
