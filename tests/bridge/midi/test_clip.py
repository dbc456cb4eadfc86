"""A MIDI file as a clip: what it says of time is a job's, FluidSynth plays it, and what is missing is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from bridge.midi import clip as midi_clip
from bridge.osc.replies import Done, Fail
from engine.api import ClipError

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None, reason="needs fluidsynth: install the Debian packages fluidsynth and fluid-soundfont-gm"
)


def write(file: Path, notes: int = 6, bpm: float = 90.0) -> Path:
    """A bar of 3/4 twice, a note on each beat, the last ones missing where `notes` is less than six."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    track.append(mido.MetaMessage("time_signature", numerator=3))
    for number in range(notes):
        track += [mido.Message("note_on", note=60 + number, velocity=100), mido.Message("note_off", note=60 + number, time=480)]
    track.append(mido.MetaMessage("end_of_track", time=(6 - notes) * 480))
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(file)
    return file


def test_time_is_read(tmp_path):
    clip = midi_clip.read(write(tmp_path / "a.mid"))
    assert (clip.bpm, clip.beats_per_bar, clip.duration_s) == (90.0, 3, pytest.approx(4.0))


@pytest.mark.parametrize("content", [b"", b"MThd", b"RIFF" * 100, b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\xff\x51\3\0"])
def test_what_is_no_midi_file_is_said(tmp_path, content):
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(ClipError, match="a.mid"):
        midi_clip.read(tmp_path / "a.mid")


def test_no_notes_are_said(tmp_path):
    with pytest.raises(ClipError, match="no notes"):
        midi_clip.read(write(tmp_path / "a.mid", notes=0))


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    if shutil.which("fluidsynth"):
        with pytest.raises(ClipError, match="no /nowhere.sf2: set soundfont"):
            midi_clip.find_synth("/nowhere.sf2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClipError, match="apt install fluidsynth"):
        midi_clip.find_synth("")


@needs_fluidsynth
def test_it_sounds_to_the_files_end_and_no_further(tmp_path):
    samples, rate = soundfile.read(midi_clip.render(write(tmp_path / "a.mid", notes=5), "", tmp_path))
    assert len(samples) == 4 * rate
    for beat in range(5):
        assert np.abs(samples[int((beat + 0.1) * rate * 2 / 3) :][: rate // 4]).max() > 0.01


@needs_fluidsynth
def test_a_midi_file_is_continued_in_its_time(daemon, tmp_path):
    clip = write(tmp_path / "riff.mid")
    with daemon.client() as client:
        done = list(client.continue_clip(str(clip), bars=2))[-1]
        assert isinstance(done, Done) and done.duration_s == pytest.approx(4.0) and Path(done.path).name == "riff-continued.wav"
        sidecar = json.loads(Path(done.path).with_suffix(".json").read_text())
        assert (sidecar["request"]["bpm"], sidecar["request"]["beats_per_bar"]) == (90.0, 3)
        caption = Path(sidecar["engine"]["caption"])
        assert caption.name == "riff.wav" and not caption.exists()  # the fake's
        assert sidecar["request"]["clip"] == str(clip) == sidecar["source"]["path"]
        clip.write_bytes(b"spoilt")
        fail = list(client.continue_clip(str(clip), bars=2))[-1]
        assert isinstance(fail, Fail) and fail.code == "bad_clip"
