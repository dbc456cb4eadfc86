"""MIDI on its way in, over mido's sockets."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import mido.sockets
import pytest

from bridge.config.presets import Presets
from bridge.osc.replies import Cancelled, Chunk, Done, Fail, Reply, Welcome
from tests.bridge.conftest import RawClient, RunningDaemon, serving, socket_port, wait_for

BPM = 240.0
TICK_S = 60 / BPM / 24


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


def finds_the_tempo(daemon: RunningDaemon) -> None:
    """On a busy machine the first ticks come at any time."""
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("bpm") == pytest.approx(BPM, rel=0.02))


def asked(done: Done) -> dict:
    assert isinstance(done, Done), done
    return json.loads(Path(done.path).with_suffix(".json").read_text())["request"]


@pytest.fixture(scope="module")
def clocked(tmp_path_factory) -> Iterator[RunningDaemon]:
    with serving(tmp_path_factory.mktemp("midi"), midi_in="socket:127.0.0.1:0") as daemon:
        yield daemon


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
            finds_the_tempo(clocked)
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
            finds_the_tempo(daemon)
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
        for seed in range(20):  # begins with a status byte: what begins otherwise is ended
            port._wfile.write(b"\xff\x90\xf7" + random.Random(seed).randbytes(500).replace(b"\xf0", b""))
        for byte in b"\xfc", b"\xf2", b"\x20", b"\x00":  # stop, and the position of bar 3
            port._wfile.write(byte)
            port._wfile.flush()
        with Host(port.send):
            state(clocked, transport="stopped", bar=3)
    assert clocked.serves_on()


def test_without_midi_nothing_is_said(start_daemon):
    daemon = start_daemon()
    assert "midi_in" not in state(daemon)
    with daemon.client() as client:
        (fail,) = client.generate("tune", start="bar", bars=1)
        assert fail.code == "no_clock" and "midi_in is not set" in fail.message
    assert "MIDI" not in daemon.log


# ---- a performance


MAP = """
[[midi_map]]
program = "any"
action = "preset/select"

[[midi_map]]
note = 36
action = "generate"
bars = 1

[[midi_map]]
note = 37
action = "generate"
prompt = "slow tune"
duration_s = 100

[[midi_map]]
note = 38
action = "cancel"

[[midi_map]]
controller = 7
action = "gain"

[[midi_map]]
controller = 1
action = "guidance"
"""


def note(number: int, channel: int = 1) -> mido.Message:
    return mido.Message("note_on", note=number, velocity=90, channel=channel - 1)


def controller(number: int, value: int) -> mido.Message:
    return mido.Message("control_change", control=number, value=value)


def write_map(home: Path, text: str = MAP) -> None:
    """Where the next daemon of `start_daemon` finds it."""
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(text)


def follows_all(daemon: RunningDaemon) -> RawClient:
    client = RawClient(daemon.port)
    client.send("/inspire/hello", "hello", "ear", 1, "events", "all")
    assert isinstance(client.receive(), Welcome)
    return client


def sounds(listener: RawClient) -> None:
    """A job has come so far."""
    while not isinstance(reply := listener.receive(), Chunk):
        assert reply is not None


def perform(daemon: RunningDaemon, send: Callable[[mido.Message], None]) -> list[type[Reply]]:
    """A program selects, a note starts, a controller turns the gain, another note cancels: as OSC would. Returns how its jobs
    ended.
    """
    listener = follows_all(daemon)
    with daemon.client() as client:
        send(mido.Message("program_change", program=3))
        send(controller(1, 127))
        send(note(36))
        done = listener.until_end()[-1]
        assert isinstance(done, Done)
        request, preset = asked(done), Presets(daemon.home / "none").all()[3]
        assert (request["prompt"], request["bars"], request["guidance"]) == (preset.values["prompt"], 1, 10)
        send(controller(7, 64))
        gain_db = pytest.approx(-60 + 60 * 64 / 127, abs=0.01)
        wait_for(lambda: client.status().pairs["gain_db"] == gain_db)
        send(note(37))
        sounds(listener)
        send(note(38))
        end = listener.until_end()[-1]
        assert isinstance(end, Cancelled) and 0 < end.duration_s < 100
    listener.close()
    assert "MIDI note 36 on channel 1: generate" in daemon.log and "Traceback" not in daemon.log
    return [type(done), type(end)]


def test_a_performance_over_a_socket(start_daemon, tmp_path):
    write_map(tmp_path / "daemon0")
    daemon = start_daemon(midi_in="socket:127.0.0.1:0")
    with socket_port(daemon) as port:
        assert perform(daemon, port.send) == [Done, Cancelled]


def test_a_socket_takes_midi_from_no_web_page(start_daemon):
    """A browser sends what a page likes, but after words of its own: bytes of MIDI in it were played."""
    daemon = start_daemon(midi_in="socket:127.0.0.1:0")
    with socket_port(daemon) as port:
        clock = bytes([0xF8]) * 48
        for beginning in (b"POST / HTTP/1.1\r\n\r\n", bytes.fromhex("16030100c8")):
            with socket.create_connection(port._socket.getpeername(), 20) as page, contextlib.suppress(ConnectionError):
                page.sendall(beginning + b"\xfa" + clock)
                assert page.recv(1) == b""
        assert daemon.log.count("something else than MIDI") == 2
        assert "transport" not in state(daemon)
        port.send(mido.Message("start"))
        with Host(port.send):
            state(daemon, transport="playing")
