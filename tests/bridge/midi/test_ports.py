"""MIDI ports of the system: over a real JACK server, and over ALSA where there is a sequencer; ports that come and go."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterator

import mido
import pytest

from bridge.osc.replies import Cancelled, Done
from tests.bridge.conftest import RunningDaemon, wait_for
from tests.bridge.midi.test_input import BPM, TICK_S, asked, finds_the_tempo, note, perform, state, write_map
from tests.missing import jack_library, needs_jack, needs_rtmidi


@pytest.fixture
def jack_name(monkeypatch) -> str:
    """Of a JACK server of our own, which does not run yet."""
    needs_jack()
    needs_rtmidi()
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"inspire-{os.getpid()}")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    return os.environ["JACK_DEFAULT_SERVER"]


@pytest.fixture
def jack_server(jack_name) -> Iterator[str]:
    with run_jack(jack_name):
        yield jack_name


@contextlib.contextmanager
def run_jack(name: str) -> Iterator[None]:
    """Without a sound card."""
    command = ["jackd", "--no-realtime", "--name", name, "-d", "dummy", "--rate", "48000", "--period", "1024"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _is_up(name))
        yield
    finally:
        server.terminate()
        server.wait()


class JackPad:
    """A MIDI output in JACK's graph."""

    def __init__(self, server: str, name: str = "pad"):
        self.client = jack_library().Client(name, servername=server, no_start_server=True)
        self._port = self.client.midi_outports.register("keys")
        self._waiting: deque[mido.Message] = deque()
        self.client.set_process_callback(self._process)

    def __enter__(self) -> JackPad:
        self.client.activate()
        return self

    def __exit__(self, *_) -> None:
        self.client.deactivate()
        self.client.close()

    def connect(self, client: str) -> None:
        (port,) = wait_for(lambda: self.client.get_ports(client, is_midi=True, is_input=True))
        self._port.connect(port)

    def send(self, message: mido.Message) -> None:
        self._waiting.append(message)

    def _process(self, _frames: int) -> None:
        self._port.clear_buffer()
        for offset in range(len(self._waiting)):
            self._port.write_midi_event(offset, self._waiting.popleft().bytes())


def _is_up(server: str) -> bool:
    jack = jack_library()
    try:
        jack.Client("probe", servername=server, no_start_server=True).close()
    except jack.JackOpenError:
        return False
    return True


# ---- playing


def test_a_clock_over_jack(jack_server, start_daemon):
    """Through python-rtmidi's JACK driver: what comes in a block of 1,024 frames comes at once."""
    daemon = start_daemon(midi_in="virtual")
    wait_for(lambda: "MIDI comes from" in daemon.log)
    client = jack_library().Client("host", servername=jack_server, no_start_server=True)
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
        finds_the_tempo(daemon)
        with daemon.client() as osc:
            done = list(osc.generate("tune", start="bar", bars=1))[-1]
        assert isinstance(done, Done) and asked(done)["bpm"] == pytest.approx(BPM, rel=0.05)
    assert "Traceback" not in daemon.log, daemon.log


def test_a_performance_over_jack(jack_server, start_daemon, tmp_path):
    write_map(tmp_path / "daemon0")
    daemon = start_daemon(midi_in="virtual")
    wait_for(lambda: "MIDI comes from" in daemon.log)
    with JackPad(jack_server) as pad:
        pad.connect("inspire")
        assert perform(daemon, pad.send) == [Done, Cancelled]


@pytest.mark.skipif(not os.path.exists("/dev/snd/seq"), reason="needs an ALSA sequencer: load the kernel module snd-seq")
def test_a_performance_over_alsa(start_daemon, tmp_path):
    needs_rtmidi()
    write_map(tmp_path / "daemon0")
    others = set(mido.get_output_names(api="LINUX_ALSA"))
    daemon = start_daemon(midi_in="virtual")
    (port,) = wait_for(lambda: set(mido.get_output_names(api="LINUX_ALSA")) - others)
    with mido.open_output(port, api="LINUX_ALSA") as out:
        assert perform(daemon, out.send) == [Done, Cancelled]


# ---- coming and going


def test_what_is_missing_is_said_once_and_the_daemon_goes_on(start_daemon, monkeypatch, tmp_path):
    (tmp_path / "rtmidi.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    daemon = start_daemon(midi_in="virtual")
    assert daemon.serves_on() and daemon.log.count("no MIDI") == 1 and "inspire-daw[midi]" in daemon.log
    assert "python-rtmidi" in state(daemon)["midi_in"]


def test_a_port_that_is_not_there_is_said_once(start_daemon, monkeypatch):
    needs_rtmidi()
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    daemon = start_daemon(midi_in="a port that is not there")
    wait_for(lambda: "no MIDI" in daemon.log)
    assert daemon.serves_on() and daemon.log.count("no MIDI: no MIDI input has 'a port that is not there'") == 1


def midi_in(daemon: RunningDaemon, reported: str) -> None:
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("midi_in", "").startswith(reported))


def test_a_port_that_is_plugged_in_later_is_found_and_found_again(jack_server, start_daemon, tmp_path):
    write_map(tmp_path / "daemon0", '[[midi_map]]\nnote = 36\naction = "preset/next"\n')
    daemon = start_daemon(midi_in="PAD")
    midi_in(daemon, "none: no MIDI input has 'PAD' in its name: there are none")
    for plugged in (1, 2):
        with JackPad(jack_server) as pad:
            midi_in(daemon, "pad:keys")
            pad.send(note(36))
            wait_for(lambda: daemon.log.count("MIDI note 36 on channel 1") == plugged)  # noqa: B023
        if plugged == 1:
            midi_in(daemon, "none: no MIDI input has 'PAD'")
    reported = re.findall(r"bridge\.midi\.input \w+ (.*?)(?:: |$)", daemon.log, re.MULTILINE)
    assert reported == ["no MIDI", "MIDI comes from pad:keys", "MIDI from pad:keys is gone", "MIDI comes from pad:keys"]


def test_a_jack_server_that_comes_and_goes(jack_name, start_daemon):
    daemon = start_daemon(midi_in="virtual")
    midi_in(daemon, "none: this system has no virtual MIDI ports, or their server is away")
    quiet = len(daemon.log)
    for started in (1, 2):
        with run_jack(jack_name):
            midi_in(daemon, "inspire")
            with JackPad(jack_name) as pad:
                pad.connect("inspire")
        if started == 1:
            midi_in(daemon, "none")
    assert daemon.log.count("no MIDI: ") == 1 and daemon.log.count("MIDI comes from inspire") == 2
    assert "Cannot connect to server" not in daemon.log[quiet:]  # nobody was asked in vain
