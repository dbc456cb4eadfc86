"""Where music comes back to itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal

from engine.arrays import Audio

ALIKE_S = 2.0  # by as much of its end at most a place is known again
NEXT_S = 0.25  # of what came after it
CLEARLY_ALIKE = 0.6  # share of tokens; a recorded loop has more than 0.9
AS_ALIKE = 0.95  # of how alike it is at best, from which on fewer bars count as the same
QUIETEST = 1e-4  # of the energy of the loudest place: what is quieter is like nothing


def what_followed(audio: Audio, samplerate: int) -> Audio:
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
    """After how many bars, of `bar` tokens each, music comes back to itself, where a bar of it at least makes that clear.

    Else 4, as most music has it.
    """
    stream, alike = np.asarray(tokens), [0.0]
    for bars in range(1, int(len(stream) / bar)):
        lag = round(bars * bar)
        alike.append(float(np.mean(stream[lag:] == stream[:-lag])))
    return int(np.argmax(np.array(alike) >= AS_ALIKE * max(alike))) if max(alike) > CLEARLY_ALIKE else 4
