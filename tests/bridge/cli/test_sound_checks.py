"""What `inspire doctor` finds of MIDI and sound, with real ports and a real synthesiser."""

from __future__ import annotations

import shutil
import socket

import pytest

from bridge.cli import checks, sound_checks
from bridge.midi import clip
from tests.bridge.cli.test_checks import wrong
from tests.missing import needs_portaudio


def test_midi(daemon):
    assert sound_checks.midi("none").ok and sound_checks.midi("socket:127.0.0.1:0").ok
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        wrong(sound_checks.midi(f"socket:127.0.0.1:{number}"), str(number), "cannot be opened")
    running = checks.running_daemon(daemon.port)  # it was started without
    wrong(sound_checks.midi("virtual", running), "none in the daemon that runs")


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="needs fluidsynth: install the Debian package fluidsynth")
def test_fluidsynth(tmp_path):
    assert sound_checks.synth("").ok, sound_checks.synth("")
    missing, damaged = sound_checks.synth("/nowhere.sf2"), tmp_path / "damaged.sf2"
    wrong(missing, "/nowhere.sf2")
    assert not missing.optional  # it was set
    damaged.write_bytes(clip.find_synth("")[1].read_bytes()[:100_000])
    wrong(sound_checks.synth(str(damaged)), "damaged.sf2", "no sound comes of")


def test_without_fluidsynth_only_midi_clips_are_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = sound_checks.synth("")
    wrong(finding, "FluidSynth, which is not installed")
    assert finding.optional


def test_audio_device():
    assert sound_checks.audio("none").ok
    needs_portaudio()
    wrong(sound_checks.audio("no such device"), "no such device", "nothing could be played")
