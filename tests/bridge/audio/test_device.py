"""The audio device on a real PulseAudio server: what it plays is the file; gaps are counted and do not click."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Ack, Done
from tests import fake_engine
from tests.bridge.conftest import ROOT, RawClient, wait_for
from tests.missing import needs, needs_portaudio

RATE = 48_000
TONE_STEP = float(np.abs(np.diff(fake_engine.tone(RATE, RATE)[:, 0])).max())  # a click is a larger one


# ---- without a device


def test_no_device_is_said_once_and_the_disk_goes_on(start_daemon):
    needs_portaudio()
    daemon = start_daemon(audio_device="a device that is not there")
    with daemon.client() as client:
        for _ in range(2):
            assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
        wait_for(lambda: client.status().pairs["playing"] == 0)  # it is looked for meanwhile
        assert "a device that is not there" in client.status().pairs["audio_device"]
    assert daemon.log.count("no audio device") == 1


def test_no_portaudio_library_is_said_once_and_the_disk_goes_on(start_daemon, monkeypatch, tmp_path):
    """What importing sounddevice does where the library is missing, done by a module of that name that comes first."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
        wait_for(lambda: client.status().pairs["playing"] == 0)  # it is looked for meanwhile
    assert daemon.log.count("PortAudio library not found") == 1 and "libportaudio2" in daemon.log


# ---- with a real server


@pytest.fixture
def pulseaudio(tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """A PulseAudio server of our own with a null sink whose monitor can be recorded."""
    for program, package in (("pulseaudio", "pulseaudio"), ("parec", "pulseaudio-utils")):
        needs(program, f"{package}, with libasound2-plugins and libportaudio2")
    socket, script = tmp_path / "native", tmp_path / "default.pa"
    script.write_text(
        f"load-module module-native-protocol-unix auth-anonymous=1 socket={socket}\n"
        "load-module module-null-sink sink_name=ci rate=48000 channels=2 format=float32le norewinds=1\n"
        "set-default-sink ci\n"
    )
    options = "--daemonize=no --exit-idle-time=-1 --use-pid-file=no --disable-shm=yes --realtime=no --high-priority=no"
    monkeypatch.setenv("PULSE_SERVER", f"unix:{socket}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    server: subprocess.Popen

    def start() -> None:
        nonlocal server
        with open(tmp_path / "pulse.log", "ab") as log:
            server = subprocess.Popen(["pulseaudio", "-n", "-F", str(script), *options.split()], stdout=log, stderr=log)
        wait_for(socket.exists)

    def kill() -> None:
        server.kill()
        server.wait()
        socket.unlink(missing_ok=True)

    start()
    yield SimpleNamespace(start=start, kill=kill)
    server.terminate()
    server.wait()


@pytest.fixture
def recorder(pulseaudio, tmp_path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "heard.raw")
    yield recorder
    recorder.stop()


class Recorder:
    """Records the null sink's monitor with parec from the start."""

    def __init__(self, file: Path):
        self._file = file
        command = "parec -d ci.monitor --format=float32le --rate=48000 --channels=2 --latency-msec=20 --raw"
        with open(file, "wb") as out:
            self._process = subprocess.Popen(command.split(), stdout=out)
        wait_for(lambda: file.stat().st_size > 0)

    def captured(self) -> np.ndarray:
        """What was recorded so far: float32 (frames, 2)."""
        data = self._file.read_bytes()
        return np.frombuffer(data[: len(data) // 8 * 8], np.float32).reshape(-1, 2)

    def until_silence(self) -> np.ndarray:
        """All of it, once a sound has come and gone."""
        wait_for(lambda: self.captured().any() and not self.captured()[-RATE // 4 :].any())
        return self.stop()

    def stop(self) -> np.ndarray:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        return self.captured()


def sounding(recorded: np.ndarray) -> np.ndarray:
    """From the first to the last sample that is not silence, one channel; both are the same."""
    np.testing.assert_array_equal(recorded[:, 0], recorded[:, 1])
    where = np.flatnonzero(recorded[:, 0])
    assert len(where), "silence"
    return recorded[where[0] : where[-1] + 1, 0]


def without_gaps(recorded: np.ndarray) -> np.ndarray:
    """Silence of a millisecond and more is NaN: there the server itself ran dry, as on a machine that is overloaded."""
    silent = np.convolve(recorded == 0, np.ones(48), "same") > 47.5
    return np.where(np.convolve(silent, np.ones(49), "same") > 0.5, np.nan, recorded)


@pytest.mark.parametrize("words", ["slow tune", "24k slow tune"])
def test_a_real_server_plays_what_the_file_holds(recorder, start_daemon, words):
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        end = list(client.generate(words, duration_s=1.5, play=1))[-1]
        assert isinstance(end, Done) and end.pairs["underruns"] == 0
        wait_for(lambda: client.status().pairs["playing"] == 0)
        assert client.status().pairs["underruns"] == 0
    recorded = sounding(recorder.until_silence())
    file, rate = soundfile.read(end.path, dtype="float32")
    if rate == RATE:
        frames = min(len(recorded), len(file))
        assert len(recorded) == pytest.approx(len(file), abs=2)
        np.testing.assert_allclose(recorded[:frames], file[1 : frames + 1], atol=1e-6)  # its first sample is 0, as silence is
    else:
        assert len(recorded) == pytest.approx(2 * len(file), abs=200)
        middle = recorded[2_000:-2_000]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        peak_hz = np.argmax(spectrum) * RATE / len(middle)
        assert peak_hz == pytest.approx(fake_engine.TONE_HZ, abs=1)
        assert np.abs(np.diff(middle)).max() < 1.05 * TONE_STEP  # no gap, no click


@pytest.mark.parametrize("command", ["cancel", "quit"])
def test_what_is_stopped_falls_silent_without_a_click(recorder, start_daemon, command):
    daemon = start_daemon(audio_device="default")
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "j", "tune", "duration_s", 120, "play", 1)  # generated at once, played for long
    raw.until_end()
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["playing"])
        wait_for(lambda: recorder.captured()[-1000:].any())
        raw.send(f"/inspire/{command}", "j")
    recorded = sounding(recorder.until_silence())
    raw.close()
    assert len(recorded) < 60 * RATE
    assert np.abs(np.diff(recorded)).max() < TONE_STEP + 0.2 / (0.005 * RATE)


def test_results_that_follow_each_other_are_all_heard(recorder, start_daemon):
    """Also one that comes while the device is being let go."""
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        for duration_s in (0.5, 0.5, 0.7):
            assert isinstance(list(client.generate("tune", duration_s=duration_s, play=1))[-1], Done)
        wait_for(lambda: not recorder.captured()[-RATE // 8 :].any() and recorder.captured().any())
        assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
        wait_for(lambda: client.status().pairs["playing"] == 0)
    samples = (np.abs(recorder.until_silence()[:, 0]) > 0).sum()
    assert samples == pytest.approx(2.2 * RATE, rel=0.01)  # a tone touches zero now and then


def test_a_server_killed_in_the_middle_and_back_goes_on_with_the_result(pulseaudio, start_daemon, tmp_path):
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        raw = RawClient(daemon.port)
        raw.send("/inspire/generate", "j", "tune", "duration_s", 30, "play", 1)
        end = raw.until_end()[-1]
        wait_for(lambda: client.status().pairs.get("peak_db", -120) > -30)
        pulseaudio.kill()
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        assert client.status().pairs["playing"] == 1
        pulseaudio.start()
        recorder = Recorder(tmp_path / "heard.raw")
        wait_for(lambda: client.status().pairs["audio_device"].endswith("kHz"))
        wait_for(lambda: recorder.captured()[-1000:].any())
        raw.send("/inspire/cancel", "j")
        raw.close()
        wait_for(lambda: client.status().pairs["playing"] == 0)
        recorded = sounding(recorder.until_silence())
        assert np.abs(np.diff(recorded)).max() < TONE_STEP + 0.2 / (0.005 * RATE)
        assert isinstance(end, Done) and soundfile.info(end.path).duration == pytest.approx(30)
    assert daemon.log.count("went away (") == 1 and daemon.log.count("device is back") == 1


def test_a_cancel_while_the_device_is_away_silences_only_its_own_job(pulseaudio, start_daemon, tmp_path):
    daemon = start_daemon(audio_device="default")
    raw = RawClient(daemon.port)
    with daemon.client() as client:
        for id in ("first", "second"):
            raw.send("/inspire/generate", id, "tune", "duration_s", 30, "play", 1)
            raw.until_end()
        wait_for(lambda: client.status().pairs.get("peak_db", -120) > -30)
        pulseaudio.kill()
        wait_for(lambda: client.status().pairs["audio_device"].startswith("went away"))
        assert isinstance(client.cancel("first"), Ack)
        pulseaudio.start()
        recorder = Recorder(tmp_path / "heard.raw")
        wait_for(lambda: recorder.captured()[-1000:].any())
        assert client.status().pairs["playing"] == 1
        assert isinstance(client.cancel("second"), Ack)
        wait_for(lambda: client.status().pairs["playing"] == 0)
    raw.close()
    sounding(recorder.until_silence())
    assert daemon.log.count("device is back") == 1


def test_a_server_killed_for_good_costs_the_sound_and_not_the_result(pulseaudio, start_daemon):
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        events = client.generate("slow tune", duration_s=4, play=1)
        for _ in range(12):
            next(events)
        wait_for(lambda: client.status().pairs.get("peak_db", -120) > -30)
        pulseaudio.kill()
        end = list(events)[-1]
        assert isinstance(end, Done) and soundfile.info(end.path).duration == pytest.approx(4)
        client.cancel(end.id)  # nobody waits for the sound
        wait_for(lambda: client.status().pairs["playing"] == 0)
    assert daemon.serves_on()


def test_the_gain_is_set_while_it_sounds(recorder, start_daemon):
    daemon = start_daemon(audio_device="default", gain_db=-20)
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "j", "tune", "duration_s", 60, "play", 1)
    raw.until_end()
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("peak_db", -120) == pytest.approx(-40, abs=0.1))
        assert isinstance(client.set_gain(-6), Ack) and client.status().pairs["gain_db"] == -6
        wait_for(lambda: client.status().pairs.get("peak_db", -120) == pytest.approx(-26, abs=0.1))
        raw.send("/inspire/cancel", "j")
        wait_for(lambda: client.status().pairs["playing"] == 0)
        assert client.set_gain(99).code == "bad_value"
    raw.close()
    captured = without_gaps(sounding(recorder.until_silence()))
    steps = np.abs(np.diff(captured))
    assert steps[~np.isnan(steps)].max() < TONE_STEP
    louder = np.flatnonzero(np.abs(captured) > 10 ** (-39 / 20))[0]
    assert not np.isnan(captured[louder - 480 : louder + 2_400]).any()  # where the gain changes even a gap would be the gain's


def test_the_doctors_click_is_played(recorder):
    """In a process of its own, as PortAudio looks for devices when it is loaded."""
    code = "from bridge.cli.sound_checks import audio; it = audio('default'); print(it.fact); raise SystemExit(not it.ok)"
    reported = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert reported.returncode == 0 and "played a click at -40 dB" in reported.stdout, reported
    assert -46 < 20 * np.log10(np.abs(recorder.until_silence()).max()) < -38


def test_a_result_is_played_again_from_its_file(recorder, start_daemon):
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        done = list(client.generate("24k noise", id="made", duration_s=3, play=0))[-1]
        assert isinstance(client.play("made"), Ack)
        assert client.status().pairs["playing"] == 1
        wait_for(lambda: client.status().pairs["playing"] == 0)
    captured, made = sounding(recorder.until_silence()), soundfile.read(done.path)[0]
    assert abs(len(captured) / RATE - len(made) / 24_000) < 0.02


def test_a_replay_ends_with_a_cancel_or_another_and_needs_its_file(recorder, start_daemon):
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        for id in ("long", "other"):
            list(client.generate("tune", id=id, duration_s=60, variations=1))
        assert isinstance(client.play("long"), Ack) and isinstance(client.play("other"), Ack)
        wait_for(lambda: client.status().pairs.get("peak_db", -100) > -60)
        assert isinstance(client.cancel("other"), Ack)
        wait_for(lambda: client.status().pairs["playing"] == 0, patience_s=30)  # of two minutes
        assert (client.play("other", 2).code, client.play("nobody").code) == ("bad_value", "no_such_job")
        Path(client.history(limit=1)[1][0].pairs["path"]).unlink()
        gone = client.play("other")
        assert gone.code == "no_audio" and "is gone" in gone.message
