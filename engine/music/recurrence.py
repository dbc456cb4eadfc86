"""Where music comes back to itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal

ALIKE_S = 2.0  # by as much of its end at most a place is known again
NEXT_S = 0.25  # of what came after it
AS_ALIKE = 0.95  # of how alike it is at best, from which on fewer bars count as the same
QUIETEST = 1e-4  # of the energy of the loudest place: what is quieter is like nothing


def what_followed(audio: np.ndarray, samplerate: int) -> np.ndarray:
    """What came, for NEXT_S, after the place that is most like the end of `audio`; nothing where audio is too short for one.

    audio: mono float32 [frames], and so is what is returned. As like as two waveforms are: by their normalised cross-correlation.
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


def bars_until_again(tokens: Sequence[int], bar: float) -> int:
    """After how many bars, of `bar` tokens each, music comes back to itself, as heard for a bar at least; 1 where it does not."""
    tokens, alike = np.asarray(tokens), []
    for bars in range(1, max(2, int(len(tokens) / bar))):
        lag = round(bars * bar)
        alike.append(np.mean(tokens[lag:] == tokens[:-lag]) if lag < len(tokens) else 0.0)
    return int(np.argmax(np.array(alike) >= AS_ALIKE * max(alike))) + 1
