"""MIDI on its way in: over mido's sockets, and over a real JACK server."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jack
import mido
import mido.sockets
import pytest

from bridge.replies import Cancelled, Chunk, Done, Fail
from tests.bridge.conftest import RunningDaemon, wait_for

BPM = 240.0
TICK_S = 60 / BPM / 24


def socket_port(daemon: RunningDaemon) -> mido.sockets.SocketPort:
    """A port into a daemon whose midi_in is a socket."""
    port = wait_for(lambda: re.search(r"MIDI comes from socket:127\.0\.0\.1:(\d+)", daemon.log))
    return mido.sockets.connect("127.0.0.1", int(port[1]))


class Host:
    """Sends a MIDI clock from a thread until it is closed."""

    def __init__(self, send: Callable[[mido.Message], None]):
        self._send = send
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        began, count = time.monotonic(), 0
        while not self._ended.wait(max(0.0, began + count * TICK_S - time.monotonic())):
            self._send(mido.Message("clock"))
            count += 1

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()


def state(daemon: RunningDaemon, **wanted: object) -> dict:
    """The daemon's state once it has these values."""

    def look() -> dict | None:
        pairs = client.status().pairs
        return pairs if {name: pairs.get(name) for name in wanted} == wanted else None

    with daemon.client() as client:
        return wait_for(look)


def hears_the_tempo(daemon: RunningDaemon) -> None:
    """On a busy machine the first ticks come at any time."""
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("bpm") == pytest.approx(BPM, rel=0.02))


def asked(done: Done) -> dict:
    return json.loads(Path(done.path).with_suffix(".json").read_text())["request"]


# ---- mido's sockets


@pytest.fixture(scope="module")
def clocked(tmp_path_factory) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(tmp_path_factory.mktemp("midi"), midi_in="socket:127.0.0.1:0")
    yield daemon
    daemon.stop()
    assert "Traceback" not in daemon.log, daemon.log


def test_start_on_the_bar_needs_a_clock_that_plays(clocked):
    with clocked.client() as client:
        for pairs in ({"bars": 1}, {"duration_s": 1}):
            (fail,) = client.generate("tune", start="bar", **pairs)
            assert isinstance(fail, Fail) and fail.code == "no_clock" and "start the host" in fail.message


def test_the_clock_is_followed_and_its_tempo_is_a_jobs(clocked):
    with socket_port(clocked) as port, clocked.client() as client:
        with Host(port.send):
            assert "bar" not in state(clocked, transport="stopped")
            (fail,) = client.generate("tune", start="bar", bars=1)
            assert fail.code == "no_clock"
            port.send(mido.Message("songpos", pos=16))
            port.send(mido.Message("continue"))
            state(clocked, transport="playing")
            state(clocked, bar=3)
            hears_the_tempo(clocked)
            done = list(client.generate("tune", id="once", start="bar", bars=1))[-1]
            assert isinstance(done, Done) and asked(done)["bpm"] == pytest.approx(BPM, rel=0.05)
            assert done.duration_s == pytest.approx(4 * 60 / asked(done)["bpm"], abs=1e-4)
            done = list(client.generate("tune", start="bar", bars=1, bpm=120))[-1]
            assert done.duration_s == pytest.approx(2.0)
            done = list(client.generate("", preset="deep house", start="bar", bars=1))[-1]
            assert asked(done)["bpm"] == pytest.approx(BPM, rel=0.05)  # the host's tempo, not the preset's
            port.send(mido.Message("stop"))
            state(clocked, transport="stopped")
        state(clocked, transport=None, bpm=None, bar=None)
        again = list(client.generate("tune", id="once", start="bar", bars=1))[-1]
        assert isinstance(again, Done)  # a repeated id is answered with its job, whatever the clock does now


def test_bars_are_counted_in_the_hosts_metre(start_daemon):
    """As the settings have it, else as the job that runs has it: the clock does not tell."""
    for setting, idle, busy in ((3, 3, 3), (0, 4, 5)):
        daemon = start_daemon(midi_in="socket:127.0.0.1:0", midi_beats_per_bar=setting)
        with socket_port(daemon) as port, daemon.client() as client, Host(port.send):
            port.send(mido.Message("songpos", pos=24 * 4))  # in sixteenths
            state(daemon, transport="stopped", bar=24 // idle + 1, beats_per_bar=idle)
            port.send(mido.Message("continue"))
            state(daemon, transport="playing")
            done = list(client.generate("tune", start="bar", bars=2))[-1]
            assert asked(done)["beats_per_bar"] == idle
            events = client.generate("slow tune", id="runs", duration_s=100, beats_per_bar=5)
            while not isinstance(next(events), Chunk):
                pass
            assert client.status().pairs["beats_per_bar"] == busy
            client.cancel("runs")
            assert isinstance(list(events)[-1], Cancelled)


def test_bytes_come_in_any_pieces_and_nonsense_is_left_alone(clocked):
    with socket_port(clocked) as port:
        port._wfile.write(b"\x00\xff\x90\xf7" + os.urandom(500).replace(b"\xf0", b""))
        for byte in struct.pack("<B", 0xF2), b"\x20", b"\x00":
            port._wfile.write(byte)
            port._wfile.flush()
    assert clocked.serves_on()


def test_without_midi_nothing_is_said(start_daemon):
    daemon = start_daemon()
    assert "midi_in" not in state(daemon)
    with daemon.client() as client:
        (fail,) = client.generate("tune", start="bar", bars=1)
        assert fail.code == "no_clock" and "midi_in is not set" in fail.message
    assert "MIDI" not in daemon.log


def test_what_is_missing_is_said_once_and_the_daemon_goes_on(start_daemon, monkeypatch, tmp_path):
    (tmp_path / "rtmidi.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    daemon = start_daemon(midi_in="virtual")
    assert daemon.serves_on() and daemon.log.count("no MIDI") == 1 and "inspire-daw[midi]" in daemon.log
    assert "python-rtmidi" in state(daemon)["midi_in"]


def test_a_port_that_is_not_there_is_said_once(start_daemon, monkeypatch):
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    daemon = start_daemon(midi_in="a port that is not there")
    assert daemon.serves_on() and daemon.log.count("no MIDI: no MIDI input has 'a port that is not there'") == 1


# ---- JACK


@pytest.fixture
def jack_server(tmp_path, monkeypatch) -> Iterator[str]:
    """A JACK server of our own, without a sound card."""
    if shutil.which("jackd") is None:
        pytest.skip("needs jackd: install the Debian package jackd2")
    name = f"inspire-{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with open(tmp_path / "jackd.log", "wb") as log:
        command = ["jackd", "--no-realtime", "--name", name, "-d", "dummy", "--rate", "48000", "--period", "1024"]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: _is_up(name))
        yield name
    finally:
        server.terminate()
        server.wait()


def _is_up(server: str) -> bool:
    try:
        jack.Client("probe", servername=server, no_start_server=True).close()
    except jack.JackOpenError:
        return False
    return True


def test_a_clock_over_jack(jack_server, start_daemon):
    """Through python-rtmidi's JACK driver: what comes in a block of 1,024 frames comes at once."""
    pytest.importorskip("rtmidi")
    daemon = start_daemon(midi_in="virtual")
    wait_for(lambda: "MIDI comes from" in daemon.log)
    client = jack.Client("host", servername=jack_server, no_start_server=True)
    out = client.midi_outports.register("clock")
    tick_frames = TICK_S * client.samplerate
    sent = {"frames": 0, "ticks": 0, "begin": False}

    @client.set_process_callback
    def process(frames: int) -> None:
        out.clear_buffer()
        if sent["begin"]:
            out.write_midi_event(0, b"\xfa")
            sent["begin"] = False
        while (offset := round(sent["ticks"] * tick_frames) - sent["frames"]) < frames:
            out.write_midi_event(offset, b"\xf8")
            sent["ticks"] += 1
        sent["frames"] += frames

    with client:
        (inspire,) = wait_for(lambda: client.get_ports("inspire", is_midi=True, is_input=True))
        out.connect(inspire)
        state(daemon, transport="stopped")
        sent["begin"] = True
        playing = state(daemon, transport="playing")
        state(daemon, bar=playing["bar"] + 2)
        hears_the_tempo(daemon)
        with daemon.client() as osc:
            done = list(osc.generate("tune", start="bar", bars=1))[-1]
        assert isinstance(done, Done) and asked(done)["bpm"] == pytest.approx(BPM, rel=0.05)
    assert "Traceback" not in daemon.log, daemon.log
