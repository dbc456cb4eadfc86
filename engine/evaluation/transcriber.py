"""Notes by a transcriber that knows nothing of our corpus: the network of the package basic-pitch, where that is installed.

Bittner et al. 2022, Apache-2.0. Only its file of weights is read, by ONNX Runtime: `pip install --no-deps basic-pitch` is enough.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from scipy import signal

from engine.arrays import Audio, FloatArray

RATE, HOP = 22_050, 256  # Hz, samples a frame
WINDOW = 2 * RATE - HOP  # samples that the network takes
MARGIN = 15  # frames at either end of a window that are not used
LOWEST = 21  # MIDI pitch of the first of 88 rows
ONSET, SOUNDING, SHORTEST = 0.5, 0.3, 11  # least activation of an onset, of a note, and its frames: the package's own values
C5 = 72


@dataclass(frozen=True)
class Note:
    start_s: float
    pitch: int  # MIDI


def is_there() -> bool:
    """Whether the transcriber is installed."""
    return _weights() is not None


def transcribe(audio: Audio, samplerate: int) -> list[Note]:
    """The notes of mono audio [N], in the order in which they begin. Needs the transcriber."""
    audio = soxr.resample(audio.astype(np.float32), samplerate, RATE)
    step = WINDOW - 2 * MARGIN * HOP
    padded = np.pad(audio, (MARGIN * HOP, WINDOW))
    windows = np.stack([padded[start : start + WINDOW] for start in range(0, max(1, len(audio)), step)])
    sounding, onsets = (_joined(part, len(audio) // HOP) for part in _activations(windows))
    found = []
    for row in range(sounding.shape[1]):
        for peak in signal.find_peaks(np.pad(onsets[:, row], 1), height=ONSET)[0] - 1:
            if sounding[peak : peak + SHORTEST, row].mean() >= SOUNDING:
                found.append(Note(peak * HOP / RATE, LOWEST + row))
    return sorted(found, key=lambda note: (note.start_s, note.pitch))


def share_above(notes: Iterable[Note], pitch: int = C5) -> float | None:
    """How many of the notes are higher than `pitch`, in percent; None of none."""
    pitches = [note.pitch for note in notes]
    return 100 * float(np.mean([one > pitch for one in pitches])) if pitches else None


def _joined(windows: FloatArray, frames: int) -> FloatArray:
    """[windows, frames, 88] → [frames, 88] without their margins."""
    joined: FloatArray = np.concatenate(list(windows[:, MARGIN:-MARGIN]))[: max(1, frames)]
    return joined


def _activations(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of notes and of their onsets, each [windows, frames, 88]."""
    network = _network()
    names = [output.name for output in network.get_outputs()]
    made = dict(zip(names, network.run(None, {network.get_inputs()[0].name: windows[..., None]}), strict=True))
    pitched = sorted(name for name in names if made[name].shape[-1] == 88)
    return made[pitched[0]], made[pitched[1]]


@cache
def _network() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_weights()), options, providers=["CPUExecutionProvider"])


def _weights() -> Path | None:
    spec = importlib.util.find_spec("basic_pitch")
    path = Path(spec.origin).parent / "saved_models" / "icassp_2022" / "nmp.onnx" if spec and spec.origin else None
    return path if path and path.is_file() else None
