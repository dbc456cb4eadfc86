"""How far streamed audio is from the whole, and whether it shows where windows met. Mono [N] in, plain numbers out."""

from __future__ import annotations

import numpy as np
from scipy import signal

from engine.music.analysis import join_report
from engine.rendering.windows import FullRenderer

BLOCK_S = 0.05
INAUDIBLE = 1e-9  # of the music's energy, -90 dB: rounding below it is no difference


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def difference_db(one: np.ndarray, other: np.ndarray) -> float:
    """Energy of their difference against that of `other`."""
    return _db(np.square(one - other).sum() / np.square(other).sum())


def log_spectral_distance_db(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference of the log power spectra, over frames of 2,048 samples; 80 dB below the loudest bin all is
    silence. Two takes of white noise differ by 7.9 dB."""
    powers = [np.square(np.abs(signal.stft(audio, nperseg=2048)[2])) for audio in (one, other)]
    floor = 1e-8 * max(power.max() for power in powers)
    return float(np.sqrt(np.mean(np.square(10 * np.log10((powers[0] + floor) / (powers[1] + floor))))))


def join_excess_db(streamed: np.ndarray, whole: np.ndarray, joins: np.ndarray, samplerate: int) -> float:
    """How much more energy `streamed` − `whole` has in the 50 ms either side of its worst join than in the second around it;
    0: no more."""
    block = round(BLOCK_S * samplerate)
    error = np.square(streamed - whole, dtype=np.float64)
    floor = INAUDIBLE * np.square(whole, dtype=np.float64).mean()
    worst = 0.0
    for join in joins:
        here = slice(max(0, join - block), join + block)
        around = np.concatenate([error[max(0, join - samplerate) : here.start], error[here.stop : join + samplerate]])
        worst = max(worst, (error[here].mean() + floor) / (around.mean() + floor))
    return _db(worst)


def join_excess_of_music_db(streamed: np.ndarray, whole: np.ndarray, joins: np.ndarray, samplerate: int) -> tuple[float, float]:
    """As `join_excess_db`, of the energy of `streamed` − `whole` against the music's at the same place: a stroke on a join, whose
    difference is as loud as it is, does not count. The worst of the joins, and what 95 of 100 places everywhere stay below."""
    block = round(BLOCK_S * samplerate)
    powers = [np.square(audio, dtype=np.float64) for audio in (streamed - whole, whole)]
    floor = INAUDIBLE * powers[1].mean()

    def excess(place: int) -> float:
        begin, first, last = max(0, place - samplerate), max(0, place - block), place + block
        here = [power[first:last].mean() + floor for power in powers]
        around = [np.concatenate([power[begin:first], power[last : place + samplerate]]).mean() + floor for power in powers]
        return _db(here[0] / here[1] / (around[0] / around[1]))

    places = range(samplerate, len(whole) - samplerate, block)
    usual = float(np.percentile([excess(place) for place in places], 95)) if places else float("nan")
    return max(excess(int(join)) for join in joins), usual


def join_level_db(streamed: np.ndarray, whole: np.ndarray, joins: np.ndarray, samplerate: int, width_s: float) -> float:
    """How much louder (or softer, negative) `streamed` is than `whole` in the `width_s` seconds after its joins, all together,
    beyond what it is everywhere."""
    width = round(width_s * samplerate)
    powers = [np.square(audio, dtype=np.float64) for audio in (streamed, whole)]
    own, other = (sum(power[join : join + width].sum() for join in joins) / power.sum() for power in powers)
    return _db(own / other)


def click_db(streamed: np.ndarray, joins: np.ndarray, samplerate: int) -> float:
    """The worst join's click, see `join_report`: 0 or less is no louder than the music's own attacks."""
    return max(join_report(streamed, samplerate, int(join)).click_db for join in joins)


def flow_joins(renderer: FullRenderer, chunks: list[np.ndarray]) -> np.ndarray:
    """Sample frames at which the flow's windows met: as far after each chunk's end as the vocoder looks ahead."""
    ahead = (renderer.lookahead - renderer.right) * round(renderer.samplerate / renderer.token_rate)
    joins = np.cumsum([len(chunk) for chunk in chunks])[:-1] + ahead
    return joins[joins < sum(map(len, chunks))]


def _db(ratio: float) -> float:
    return float(10 * np.log10(max(ratio, 1e-30)))
