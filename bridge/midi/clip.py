"""A MIDI file as the clip to continue: its tempo read, its notes rendered to audio by the program FluidSynth.

The audio lasts exactly as long as the file: an exported region ends on its last bar line, and there the continuation begins.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile

from bridge.midi import standard_file
from engine.api import BEAT_UNITS, LEAST_BPM, MAX_BEATS_PER_BAR, MAX_CLIP_S, MOST_BPM, ClipError

SAMPLERATE = 48_000
_MAX_BYTES = 4_000_000
_PATIENCE_S = 300.0
_GAIN = "0.4"
_SILENCE = 1e-4  # FluidSynth's dither is a third of it
_SOUNDFONTS = (
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/opt/homebrew/share/soundfonts/default.sf2",
    "C:/soundfonts/default.sf2",
)


@dataclass(frozen=True)
class MidiClip:
    """Tempo and metre are those at its end, where a continuation begins. bpm: quarter notes a minute; 7/8: 7 beats of unit 8."""

    bpm: float
    beats_per_bar: int
    beat_unit: int
    duration_s: float


def read(path: Path) -> MidiClip:
    """Blocks. Raises ClipError."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ClipError(f"{path} is larger than a MIDI file of notes: at most {_MAX_BYTES // 1_000_000} MB are allowed")
        file = mido.MidiFile(file=io.BytesIO(standard_file.plain(path.read_bytes())))
        messages, duration_s = list(mido.merge_tracks(file.tracks)), file.length
    except OSError as error:
        raise ClipError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # a parser of others': whatever it raises, the file is the reason
        raise ClipError(f"{path} cannot be read as a MIDI file: {error or type(error).__name__}; export it again") from None
    if not any(message.type == "note_on" and message.velocity for message in messages):
        raise ClipError(f"{path} holds no notes: there is nothing to continue")
    if duration_s > MAX_CLIP_S:
        raise ClipError(f"{path} lasts {duration_s:.0f} s: at most {MAX_CLIP_S:g} s are allowed")
    bpm, metre = 120.0, (4, 4)  # as the standard says of a file that does not
    for message in messages:
        if message.type == "set_tempo":
            bpm = mido.tempo2bpm(message.tempo)
        elif message.type == "time_signature":
            metre = message.numerator, message.denominator
    while bpm < LEAST_BPM:  # notated in longer or shorter notes than music is asked for in
        bpm *= 2
    while bpm > MOST_BPM:
        bpm /= 2
    beats, unit = metre if metre[0] <= MAX_BEATS_PER_BAR and metre[1] in BEAT_UNITS else (4, 4)
    return MidiClip(round(bpm, 3), beats, unit, duration_s)


def find_synth(soundfont: str) -> tuple[str, Path]:
    """FluidSynth and the SoundFont it shall play: the given one, or where systems keep one. Raises ClipError."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise ClipError("a MIDI clip is played by FluidSynth, which is not installed: get it (Debian: apt install fluidsynth)")
    places = [Path(soundfont).expanduser()] if soundfont else [Path(place) for place in _SOUNDFONTS]
    for place in places:
        if place.is_file():
            return program, place
    why = f"there is no {soundfont}" if soundfont else "none is in the usual places"
    raise ClipError(f"a MIDI clip needs a SoundFont, and {why}: set soundfont to one (Debian: apt install fluid-soundfont-gm)")


def render(path: Path, soundfont: str, folder: Path) -> Path:
    """A WAV in `folder`, as long as the file. Blocks. Raises ClipError."""
    program, font = find_synth(soundfont)
    duration_s, raw, wave = read(path).duration_s, folder / "raw.wav", folder / f"{path.stem}.wav"
    notes = folder / "plain.mid"
    # Without its default it cannot play another SoundFont in place of one that is damaged.
    options = ["-niq", "-o", "synth.default-soundfont=", "-g", _GAIN, "-r", str(SAMPLERATE), "-F", str(raw)]
    command = [program, *options, str(font), str(notes)]
    try:
        notes.write_bytes(standard_file.plain(path.read_bytes()))
        subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S)
        samples, _ = soundfile.read(raw, dtype="float32", always_2d=True)
        whole = np.zeros((round(duration_s * SAMPLERATE), samples.shape[1]), np.float32)
        whole[: len(samples)] = samples[: len(whole)]
        soundfile.write(wave, whole, SAMPLERATE, subtype="FLOAT")
    except subprocess.CalledProcessError as error:
        raise ClipError(f"FluidSynth cannot play {path}: {error.stderr.strip()[-200:]}") from None
    except (OSError, ValueError, subprocess.TimeoutExpired, soundfile.SoundFileError) as error:
        raise ClipError(f"FluidSynth cannot play {path}: {error}") from None
    if np.abs(whole).max() < _SILENCE:
        raise ClipError(f"no sound comes of {path.name} when FluidSynth plays it with {font}: is that a whole SoundFont?")
    return wave
