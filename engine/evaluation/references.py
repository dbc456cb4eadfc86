"""Clips of real music to set a model's beside: from a corpus' held-out pieces, a folder of recordings, or rendered for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.arrays import Audio
from engine.corpus.arrange import compose
from engine.corpus.dataset import SAMPLE_RATE, Corpus
from engine.corpus.render import SOUNDFONT, add_effects, synthesise
from engine.corpus.styles import STYLES

AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
_SEED = 20260  # of rendered pieces: no corpus is made with it


def reference_clips(
    count: int, seconds: float, *, corpus: Path | None = None, recordings: Path | None = None
) -> tuple[list[Audio], str]:
    """`count` clips at most of `seconds`, 48 kHz mono float32 [N], and what they are; none where there is nothing to take."""
    if corpus is not None and (held_out := Corpus(corpus, held_out=True)).names:
        names = held_out.names[:count]
        return [_middle(held_out.read(name), seconds) for name in names], f"{len(names)} held-out pieces of the corpus"
    if recordings is not None:
        files = [path for path in sorted(recordings.iterdir()) if path.suffix.lower() in AUDIO][:count]
        return [_middle(_read(path), seconds) for path in files], f"{len(files)} recordings of {recordings.name}"
    if shutil.which("fluidsynth") is None or not SOUNDFONT.exists():
        return [], "none: give --corpus or --recordings, or install fluidsynth and FluidR3"
    clips = [clip for number in range(count) if (clip := _rendered(number, seconds)) is not None]
    return clips, f"{len(clips)} pieces composed and rendered here, in General MIDI sounds, that no model was trained on"


def _rendered(number: int, seconds: float) -> Audio | None:
    """A piece of one style after another; None for a style whose players are not installed."""
    rng = np.random.default_rng([_SEED, number])
    try:
        piece = compose(STYLES[number % len(STYLES)], rng)
        return _middle(add_effects(synthesise(piece, SOUNDFONT), piece, rng), seconds)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None


def _read(path: Path) -> Audio:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    resampled: Audio = soxr.resample(audio.mean(1), rate, SAMPLE_RATE)
    return resampled


def _middle(audio: Audio, seconds: float) -> Audio:
    frames = min(len(audio), round(seconds * SAMPLE_RATE))
    first = (len(audio) - frames) // 2
    return np.asarray(audio[first : first + frames], np.float32)
