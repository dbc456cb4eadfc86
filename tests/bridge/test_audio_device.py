"""The audio device: what it plays is the file; gaps are counted and do not click. Also on a real PulseAudio server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from bridge.audio_device import lead_s
from bridge.playout import Playout
from bridge.replies import Ack, Done
from tests import fake_engine
from tests.bridge.conftest import RawClient, wait_for

RATE = 48_000
BLOCK = 256


# ---- the callback, without PortAudio


def heard(playout: Playout, blocks: int) -> np.ndarray:
    out = np.full((blocks * BLOCK, 1), np.nan, np.float32)
    for start in range(0, len(out), BLOCK):
        playout.fill(out[start : start + BLOCK], host_underflow=False)
    return out


def steps(samples: np.ndarray) -> float:
    """The largest jump between neighbouring samples: a click is a large one."""
    return float(np.abs(np.diff(samples[:, 0])).max())


TONE_STEP = steps(fake_engine.tone(RATE, RATE))


def test_a_whole_result_is_heard_sample_by_sample():
    playout, tone = Playout(RATE, 1), fake_engine.tone(9_000, RATE)
    playout.ring.write(tone)
    playout.final = True
    out = heard(playout, 40)
    np.testing.assert_array_equal(out[:9_000], tone)
    assert not out[9_000:].any() and playout.underruns == 0


def test_nothing_is_heard_before_there_is_enough():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(100, RATE))
    assert not heard(playout, 4).any() and playout.ring.readable == 100


@pytest.mark.parametrize("frame", [0, 1, BLOCK, 3 * BLOCK + 100])
def test_what_is_due_begins_on_its_very_frame(frame):
    playout, tone = Playout(RATE, 1), fake_engine.tone(9_000, RATE)
    playout.ring.write(tone)
    playout.final, playout.start_at = True, 7.0 + frame / RATE
    out = np.full((40 * BLOCK, 1), np.nan, np.float32)
    for start in range(0, len(out), BLOCK):
        playout.fill(out[start : start + BLOCK], host_underflow=False, heard_at=7.0 + start / RATE)
    np.testing.assert_array_equal(out[frame : frame + 9_000], tone)
    assert not out[:frame].any() and not out[frame + 9_000 :].any() and playout.underruns == 0


def test_what_is_due_can_be_stopped_before():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(9_000, RATE))
    playout.start_at = 1e9
    assert not heard(playout, 4).any() and playout.ring.readable == 9_000
    playout.stopping = True
    assert not heard(playout, 4).any() and playout.ring.readable == 0


def test_a_dry_ring_is_counted_once_and_neither_clicks_nor_skips():
    playout, tone = Playout(RATE, 1), fake_engine.tone(20_000, RATE) + np.float32(0.2)
    playout.ring.write(tone[:9_100])
    out = [heard(playout, 60)]
    assert playout.underruns == 1
    playout.ring.write(tone[9_100:])
    playout.final = True
    out.append(heard(playout, 60))
    out = np.concatenate(out)
    assert playout.underruns == 1
    # From silence the first sample is the result's own; from there on no step is larger than the tone's or a fade's.
    assert steps(out[1:19_000]) < TONE_STEP + 0.5 / (0.005 * RATE)
    played = np.abs(out[:, 0]) > 0
    assert played.sum() == pytest.approx(len(tone), abs=4)  # all of it, fades included


def test_stop_fades_out_and_forgets():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(40_000, RATE))
    out = [heard(playout, 10)]
    playout.stopping = True
    out.append(heard(playout, 4))
    out = np.concatenate(out)
    assert playout.ring.readable == 0 and not out[-2 * BLOCK :].any()
    assert steps(out) < TONE_STEP + 0.2 / (0.005 * RATE)
    assert playout.underruns == 0


def test_a_new_gain_is_come_to_without_a_click_and_kept():
    playout, tone = Playout(RATE, 1), fake_engine.tone(40_000, RATE)
    playout.ring.write(tone)
    out = [heard(playout, 30)]
    playout.gain = 0.25
    out.append(heard(playout, 100))
    out = np.concatenate(out)
    np.testing.assert_array_equal(out[: 30 * BLOCK], tone[: 30 * BLOCK])
    np.testing.assert_array_equal(out[60 * BLOCK :], tone[60 * BLOCK : 130 * BLOCK] * np.float32(0.25))
    assert steps(out) < TONE_STEP + 0.1 / (0.05 * RATE)


def test_the_meter_tells_peak_and_mean_of_what_is_heard():
    playout = Playout(RATE, 1, gain=0.5)
    playout.ring.write(fake_engine.tone(RATE, RATE))
    heard(playout, 100)
    assert playout.meter.peak_db == pytest.approx(20 * np.log10(fake_engine.AMPLITUDE / 2), abs=0.01)
    assert playout.meter.rms_db == pytest.approx(playout.meter.peak_db - 3.01, abs=0.05)


def test_after_an_interruption_it_fades_in_and_nothing_is_skipped():
    playout, tone = Playout(RATE, 1), fake_engine.tone(40_000, RATE) + np.float32(0.2)
    playout.ring.write(tone)
    before = heard(playout, 20)
    playout.interrupted()
    after = heard(playout, 20)
    assert after[0] == 0 and steps(after) < TONE_STEP + 0.5 / (0.005 * RATE)
    np.testing.assert_array_equal(after[BLOCK:], tone[len(before) + BLOCK : len(before) + len(after)])


def test_the_lead_covers_a_chunk_and_a_slow_engine():
    assert lead_s(rtf=0.2, chunk_s=1.0, left_s=60, least_s=0.3) == 0.3
    assert lead_s(rtf=0.8, chunk_s=2.0, left_s=60, least_s=0.3) == pytest.approx(2.0)
    assert lead_s(rtf=2.0, chunk_s=1.0, left_s=10, least_s=0.3) == pytest.approx(11.0)


# ---- without a device


def test_no_device_is_said_once_and_the_disk_goes_on(start_daemon):
    daemon = start_daemon(audio_device="a device that is not there")
    with daemon.client() as client:
        for _ in range(2):
            assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
        wait_for(lambda: "a device that is not there" in client.status().pairs["audio_device"])  # it is looked for meanwhile
    assert daemon.log.count("no audio device") == 1


def test_no_portaudio_library_is_said_once_and_the_disk_goes_on(start_daemon, monkeypatch, tmp_path):
    """What importing sounddevice does where the library is missing, done by a module of that name that comes first."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        assert isinstance(list(client.generate("tune", duration_s=0.5, play=1))[-1], Done)
    assert daemon.log.count("PortAudio library not found") == 1 and "libportaudio2" in daemon.log


# ---- with a real server


@pytest.fixture
def pulseaudio(tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """A PulseAudio server of our own with a null sink whose monitor can be recorded."""
    for program, package in (("pulseaudio", "pulseaudio"), ("parec", "pulseaudio-utils")):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: install the Debian packages {package}, libasound2-plugins and libportaudio2")
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

    def heard(self) -> np.ndarray:
        """What was recorded so far: float32 (frames, 2)."""
        data = self._file.read_bytes()
        return np.frombuffer(data[: len(data) // 8 * 8], np.float32).reshape(-1, 2)

    def until_silence(self) -> np.ndarray:
        """All of it, once a sound has come and gone."""
        wait_for(lambda: self.heard().any() and not self.heard()[-RATE // 4 :].any())
        return self.stop()

    def stop(self) -> np.ndarray:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        return self.heard()


def sounding(recorded: np.ndarray) -> np.ndarray:
    """From the first to the last sample that is not silence, one channel; both are the same."""
    np.testing.assert_array_equal(recorded[:, 0], recorded[:, 1])
    where = np.flatnonzero(recorded[:, 0])
    assert len(where), "silence"
    return recorded[where[0] : where[-1] + 1, 0]


@pytest.mark.parametrize("words", ["slow tune", "24k slow tune"])
def test_a_real_server_hears_what_the_file_holds(recorder, start_daemon, words):
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


def test_cancel_falls_silent_without_a_click(recorder, start_daemon):
    daemon = start_daemon(audio_device="default")
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "j", "tune", "duration_s", 120, "play", 1)  # generated at once, played for long
    raw.until_end()
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["playing"])
        wait_for(lambda: recorder.heard()[-1000:].any())
        raw.send("/inspire/cancel", "j")
        wait_for(lambda: client.status().pairs["playing"] == 0)
    raw.close()
    recorded = sounding(recorder.until_silence())
    assert len(recorded) < 60 * RATE
    assert np.abs(np.diff(recorded)).max() < TONE_STEP + 0.2 / (0.005 * RATE)


def test_results_that_follow_each_other_are_all_heard(recorder, start_daemon):
    """Also one that comes while the device is being let go."""
    daemon = start_daemon(audio_device="default")
    with daemon.client() as client:
        for duration_s in (0.5, 0.5, 0.7):
            assert isinstance(list(client.generate("tune", duration_s=duration_s, play=1))[-1], Done)
        wait_for(lambda: not recorder.heard()[-RATE // 8 :].any() and recorder.heard().any())
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
        wait_for(lambda: recorder.heard()[-1000:].any())
        raw.send("/inspire/cancel", "j")
        raw.close()
        wait_for(lambda: client.status().pairs["playing"] == 0)
        recorded = sounding(recorder.until_silence())
        assert np.abs(np.diff(recorded)).max() < TONE_STEP + 0.2 / (0.005 * RATE)
        assert isinstance(end, Done) and soundfile.info(end.path).duration == pytest.approx(30)
    assert daemon.log.count("went away (") == 1 and daemon.log.count("device is back") == 1


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
    recorded = sounding(recorder.until_silence())
    assert np.abs(np.diff(recorded)).max() < TONE_STEP


# ---- JACK: sample by sample


@pytest.fixture
def jack_server(tmp_path, monkeypatch) -> Iterator[str]:
    """The name of a JACK server of our own, in real time on no hardware, whose outputs can be recorded."""
    if shutil.which("jackd") is None:
        pytest.skip("needs jackd: install the Debian package jackd2")
    name = f"inspire-{os.getpid()}-{tmp_path.name}"[-40:]
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
    with open(tmp_path / "jack.log", "wb") as log:
        command = ["jackd", "-n", name, "--no-realtime", "-d", "dummy", "-r", str(RATE), "-p", "1024", "-P", "4", "-m"]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    subprocess.run(["jack_wait", "-s", name, "-w", "-t", "30"], check=True, stdout=subprocess.DEVNULL)
    yield name
    server.terminate()
    server.wait()


@pytest.mark.parametrize("channel", [1, 3])
def test_jack_hears_the_file_sample_by_sample(jack_server, start_daemon, tmp_path, channel):
    jack = pytest.importorskip("jack", reason="needs JACK-Client")
    listener = jack.Client("listener", no_start_server=True, servername=jack_server)
    ports = [listener.inports.register(f"in_{number}") for number in range(1, 5)]
    blocks: list[np.ndarray] = []
    listener.set_process_callback(lambda _frames: blocks.append(np.stack([port.get_array() for port in ports], axis=1)))
    daemon = start_daemon(audio_device="system, JACK", audio_channel=channel)
    with listener, daemon.client() as client:
        for number, port in enumerate(ports, 1):
            listener.connect(f"system:monitor_{number}", port)
        for _ in range(4):  # a busy machine may come too late: once it must not
            blocks.clear()
            before = client.status().pairs["underruns"]
            end = list(client.generate("slow stereo tune", duration_s=8, play=1))[-1]
            assert isinstance(end, Done), end
            wait_for(lambda: client.status().pairs["playing"] == 0)
            if client.status().pairs["underruns"] == before:
                break
    recorded = np.concatenate(blocks)
    ours = recorded[:, channel - 1 : channel + 1]
    assert not np.delete(recorded, [channel - 1, channel], axis=1).any()  # the other pair is silent
    file, rate = soundfile.read(end.path, dtype="float32")
    assert rate == RATE
    first, start = (np.flatnonzero(samples[:, 0])[0] for samples in (file, ours))
    start -= first
    played = ours[start : start + len(file)]
    np.testing.assert_array_equal(played, fake_engine.tone(8 * RATE, RATE, 2))
    np.testing.assert_allclose(file, played, rtol=0, atol=2**-24)  # half a step of the file's 24 bits
    assert not ours[start + len(file) :].any()
