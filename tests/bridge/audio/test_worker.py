"""The audio device on a real JACK server: sample by sample, at its rates, on its channels, without gaps or with one."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from bridge.osc.client import Client
from bridge.osc.replies import Done
from tests import fake_engine
from tests.bridge.conftest import wait_for
from tests.jack import DEVICE, Listener, begun

RATE = 48_000
TONE_STEP = float(np.abs(np.diff(fake_engine.tone(RATE, RATE)[:, 0])).max())  # a click is a larger one


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
    return end, listener.captured()


def test_what_is_played_is_the_file_sample_by_sample(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        end, captured = play_evenly(client, listener, "slow stereo tune", 3)
    file, rate = soundfile.read(end.path, dtype="float32")
    assert rate == RATE
    file, ours = file[1:], begun(captured)[:, :2]  # a tone's first sample is silence
    np.testing.assert_array_equal(ours[: len(file)], fake_engine.tone(3 * RATE, RATE, 2)[1:])
    np.testing.assert_allclose(ours[: len(file)], file, rtol=0, atol=2**-24)  # half a step of the file's 24 bits
    assert not ours[len(file) :].any()


@pytest.mark.parametrize(("channels", "words"), [("3,4", "stereo"), ("6,2", "stereo"), ("5", "stereo"), ("2,5", "mono")])
def test_any_channels_are_played_on_and_no_others(jack_server, start_daemon, channels, words):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE, audio_channels=channels)
    with Listener(jack_server) as listener, daemon.client() as client:
        _, captured = play_evenly(client, listener, f"{words} panned tune", 1)
    left, right = int(channels[0]) - 1, int(channels[-1]) - 1
    assert {*np.flatnonzero(captured.any(axis=0))} == {left, right}
    tone = fake_engine.tone(RATE, RATE)[1:, 0]
    quieter = 1.0 if words == "mono" else fake_engine.PANNED
    expected = {left: tone, right: tone * np.float32(quieter)} if left != right else {left: tone * np.float32((1 + quieter) / 2)}
    captured = captured[np.flatnonzero(captured.any(axis=1))[0] :]
    for channel, samples in expected.items():
        np.testing.assert_allclose(captured[: len(samples), channel], samples, rtol=0, atol=1e-7)


def test_a_channel_that_the_device_has_not_is_said(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE, audio_channels="2,7")
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"] != "looking for it")
        reported = client.status().pairs["audio_device"]
    assert reported.startswith("none: system has 6 output channels: 7 (setting audio_channels)")


def test_a_device_that_is_not_there_is_said_with_those_that_are(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device="no such device")
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"] != "looking for it")
        reported = client.status().pairs["audio_device"]
    assert "no output device 'no such device'" in reported and "may be default, none, 0 " in reported and " system" in reported


@pytest.mark.parametrize(
    ("samplerate", "words"), [(44_100, "24k stereo slow"), (44_100, "stereo"), (96_000, "stereo slow"), (192_000, "24k stereo")]
)
def test_at_other_rates_what_is_played_is_the_result_resampled_whole(jack_server, start_daemon, samplerate, words):
    jack_server.start(samplerate, period=samplerate * 1024 // 48_000)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        end, captured = play_evenly(client, listener, words, 1)
        assert client.status().pairs["audio_device"] == f"system, {samplerate / 1000:g} kHz"
    rate = end.pairs["samplerate"]
    whole = begun(soxr.resample(fake_engine.tone(rate, rate, 2), rate, samplerate))
    ours = begun(captured)[:, :2]
    np.testing.assert_allclose(ours[: len(whole)], whole, rtol=0, atol=1e-6)
    assert not ours[len(whole) :].any()


@pytest.mark.parametrize("words", ["bursts", "waking"])
def test_a_slow_or_uneven_engine_does_not_run_dry(jack_server, start_daemon, words):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        _, captured = play_evenly(client, listener, words, 4)
    np.testing.assert_array_equal(begun(captured)[: 4 * RATE - 1, 0], fake_engine.tone(4 * RATE, RATE)[1:, 0])


def test_a_ring_that_runs_dry_neither_clicks_nor_skips(jack_server, start_daemon):
    jack_server.start(RATE)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
        _, captured = play_evenly(client, listener, "hiccup", 3, underruns=1)
    captured = begun(captured)[:, 0]
    silence = np.flatnonzero(np.diff(np.flatnonzero(captured)) > RATE // 2)
    assert len(silence) == 1  # in the middle
    assert np.abs(np.diff(captured[: -RATE // 10])).max() < TONE_STEP + 0.1 / (0.005 * RATE)
    assert captured.astype(bool).sum() == pytest.approx(3 * RATE, abs=0.01 * RATE)  # a tone touches zero now and then
