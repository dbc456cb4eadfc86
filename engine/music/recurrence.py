"""Where music comes back to itself: mono float32 [frames] in, the same out."""

from __future__ import annotations

import numpy as np
from scipy import signal

ALIKE_S = 2.0  # by as much of its end at most a place is known again
NEXT_S = 0.25  # of what came after it
QUIETEST = 1e-4  # of the energy of the loudest place: what is quieter is like nothing


def what_followed(audio: np.ndarray, samplerate: int) -> np.ndarray:
    """What came, for NEXT_S, after the place that is most like the end of `audio`; nothing where audio is too short for one.

    As like as two waveforms are: by their normalised cross-correlation.
    """
    following = round(NEXT_S * samplerate)
    alike = min(round(ALIKE_S * samplerate), (len(audio) - following) // 2)
    if alike < following:
        return audio[:0]
    before = audio[:-following]
    products = signal.correlate(before, audio[-alike:], "valid", "fft")
    energy = np.concatenate([[0.0], np.cumsum(np.square(before, dtype=np.float64))])
    energy = energy[alike:] - energy[:-alike]
    end = int(np.argmax(products / np.sqrt(np.maximum(energy, QUIETEST * energy.max() + 1e-12)))) + alike
    return audio[end : end + following]
