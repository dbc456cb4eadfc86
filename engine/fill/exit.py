"""How well a candidate leads to what follows a region: measured at its end, against the music around it.

What sounded before the region ended is not known, but music comes back: where it was most as it is after the region, what led
there says what should lead there now. That is several places, the likelier the more alike, and a candidate is the better the
nearer it is to them on average. Weights are from regions of synthesised pieces, those for music that does not come back from 17
of game music, which guided the choice of the other constants too; no figure of this room is of any of these.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import asdict, dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.arrays import Audio
from engine.music.analysis import chroma, onset_envelope
from engine.music.level import rms_db_without_dc

RATE = 24_000  # Hz at which it is analysed
JUDGED_S = 4.0  # of a candidate's end, all that is judged
LEAD_S = 0.25  # of it, whose spectrum is
LEVEL_S = 0.5  # of it, whose level is
TONES_S = 3.0  # of it, whose key is
PULSE_S = 2.0  # of it, whose beat is
ALIKE_S = 1.5  # of what follows, by which a place is known again
PLACES, CLEARLY_DB = 60, 0.1  # that are compared at most; one less alike by so much in mel bands is e times less likely
MEL_BANDS, MEL_WINDOW, MEL_HOP = 64, 1024, 240
HOPS = RATE // MEL_HOP  # a second
LEAD_HOPS, AROUND_HOPS = round(LEAD_S * HOPS), 1 + MEL_WINDOW // 2 // MEL_HOP  # before which a window still reaches
SILENT_DB = -40.0  # of a mel band: what is softer is silence
# What a decibel of spectrum and level, a nat of likelihood, and all of key and tempo count; the second where nothing before or
# after the region is as what follows it, so that nobody knows what should lead there.
KNOWN = {"likelihood": 0.02, "spectrum_db": -1.0, "energy_db": -0.05, "key": -0.05, "tempo": -0.02}
UNKNOWN = {"likelihood": 1.0, "spectrum_db": -0.1, "energy_db": -0.1, "key": -3.0, "tempo": -1.0}


@dataclass(frozen=True)
class Exit:
    """What is measured of one candidate. Of all but `likelihood` less is better."""

    likelihood: float  # nats a token, of what follows after it
    spectrum_db: float  # mean distance in mel bands of its last LEAD_S to what is expected there
    energy_db: float  # by which its level there is off
    key: float  # 1 - cosine of the pitch classes of its end and of what follows
    tempo: float  # 1 - correlation of its onsets with those that are expected


class ExitJudge:
    """Knows the surroundings of a region and judges candidates for it. Mono float32 [frames] at `samplerate` Hz. Immutable."""

    def __init__(self, before: Audio, after: Audio, samplerate: int) -> None:
        self._samplerate = samplerate
        before, after = (_resampled(side, samplerate) for side in (before, after))
        self._after = after
        places = _places(before, after)
        self._weights = KNOWN if places else UNKNOWN
        led = places[0].led if places else _beginning(after, LEVEL_S)
        self._mels = [place.mel for place in places] or [log_mel(led)[-LEAD_HOPS:]]
        self._likely = [place.likely for place in places] or [1.0]
        self._level_db = rms_db_without_dc(_end(led, LEVEL_S))
        self._tones, self._onsets = chroma(_beginning(after, TONES_S), RATE), onset_envelope(led, RATE)[0]

    def judge(self, candidate: Audio, likelihood: float) -> Exit:
        """candidate: its last JUDGED_S."""
        end = _resampled(candidate, self._samplerate)
        mel, onsets = self._lead(end), onset_envelope(_end(end, PULSE_S), RATE)[0]
        moments = min(len(onsets), len(self._onsets))
        return Exit(
            likelihood=likelihood,
            spectrum_db=float(np.average([_apart_db(mel, one) for one in self._mels], weights=self._likely)),
            energy_db=abs(rms_db_without_dc(_end(end, LEVEL_S)) - self._level_db),
            key=1 - _cosine(chroma(_end(end, TONES_S), RATE), self._tones),
            tempo=1 - _cosine(onsets[-moments:], self._onsets[-moments:]) if moments else 0.0,
        )

    def _lead(self, end: Audio) -> NDArray[np.float32]:
        """Mel bands of LEAD_S of what ends at the region's end, as they are beside what follows."""
        lead = end[-(LEAD_HOPS + AROUND_HOPS) * MEL_HOP :]
        hops = len(lead) // MEL_HOP
        lead = lead[len(lead) - hops * MEL_HOP :]
        return log_mel(np.concatenate([lead, self._after[:MEL_WINDOW]]))[max(0, hops - LEAD_HOPS) : hops]

    def score(self, exit: Exit) -> float:
        """More is better; it only compares candidates for one region."""
        measured: dict[str, float] = asdict(exit)
        return sum(weight * measured[name] for name, weight in self._weights.items())


def log_mel(audio: Audio) -> NDArray[np.float32]:
    """[frames] at RATE → levels in dB [hops, MEL_BANDS], every 10 ms."""
    padded = np.pad(audio, MEL_WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEL_WINDOW)[::MEL_HOP][: len(audio) // MEL_HOP]
    power = np.abs(np.fft.rfft(windows * np.hanning(MEL_WINDOW).astype(np.float32))) ** 2
    levels: NDArray[np.float32] = np.maximum(10 * np.log10(power @ _mel_bands() + 1e-9), SILENT_DB).astype(np.float32)
    return levels


def _mel_bands() -> NDArray[np.float64]:
    """[bins, MEL_BANDS], triangles from 40 Hz to 11 kHz."""
    lowest, highest = 2595 * np.log10(1 + np.array([40.0, 11_000.0]) / 700)
    edges = 700 * (10 ** (np.linspace(lowest, highest, MEL_BANDS + 2) / 2595) - 1)
    bins = np.linspace(0, RATE / 2, MEL_WINDOW // 2 + 1)[:, None]
    rising, falling = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return bank


@dataclass(frozen=True, eq=False)
class _Place:
    """Where music was as it is after the region: what led there, its last mel bands, and how likely it comes again."""

    led: Audio
    mel: NDArray[np.float32]
    likely: float


def _places(before: Audio, after: Audio) -> list[_Place]:
    """The likeliest first; none where what follows is too short to tell."""
    least, alike = round(LEVEL_S * HOPS), round(ALIKE_S * HOPS)
    wanted = log_mel(after)[:alike]
    if len(wanted) < alike:
        return []
    found: list[tuple[float, int, int]] = []  # distance, side, hop
    mels = [log_mel(side) for side in (before, after)]
    for number, mel in enumerate(mels):
        for hop in range(least, len(mel) - alike):
            found.append((float(np.abs(mel[hop : hop + alike] - wanted).mean()), number, hop))
    nearest = heapq.nsmallest(PLACES, found)
    return [
        _Place(_end((before, after)[number][: hop * MEL_HOP], PULSE_S), mels[number][hop - LEAD_HOPS : hop],
               math.exp((nearest[0][0] - distance) / CLEARLY_DB))
        for distance, number, hop in nearest
    ]  # fmt: skip


def _apart_db(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The mean distance of as much of their ends as both have."""
    hops = min(len(one), len(other))
    return float(np.abs(one[len(one) - hops :] - other[len(other) - hops :]).mean()) if hops else 0.0


def _beginning(audio: Audio, seconds: float) -> Audio:
    return audio[: round(seconds * RATE)]


def _end(audio: Audio, seconds: float) -> Audio:
    return audio[-round(seconds * RATE) :]


def _resampled(audio: Audio, samplerate: int) -> Audio:
    return audio if samplerate == RATE or not len(audio) else soxr.resample(audio, samplerate, RATE)


def _cosine(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(one @ other / (np.sqrt((one @ one) * (other @ other)) + 1e-12))
