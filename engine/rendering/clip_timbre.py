"""A continuation in the clip's own sound: the model says what comes, the clip's recording is what plays it.

Concatenative synthesis. The clip and what the model generates are compared as the codec renders both, so that a codec's timbre
counts for nothing. In units of half a beat, each generated unit is played by the unit of the clip that is nearest to it in
spectrum, harmony and neighbours; phrases stay whole where that is as good, places in the bar are kept, and what has just served
serves again only where nothing else is near. Cuts fall on the grid, right before an onset, aligned in phase and cross-faded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from engine.arrays import Audio
from engine.music.channels import mean_over_channels
from engine.music.grid import Grid

UNITS_PER_BEAT = 2
FREE_UNIT_S = 0.25  # where there is no beat
MIN_UNITS = 8  # in a clip; one that has fewer is not enough to choose from

# Costs beside spectral distance, as shares of how far apart the clip's own units are.
CUT = 0.13  # of leaving a phrase
METRE = 0.15  # of another place in the bar
REUSE, REUSE_DECAY = 0.1, 0.6  # of a unit that has served, and how much of that is left a bar later
NEIGHBOUR_WEIGHT = 0.25  # of the units before and after
SOFT = 1.0  # of a unit SOFT_DB or more under the clip's level, where the result lacks LACKING_DB or more
SOFT_DB, LACKING_DB = 12.0, 6.0

LOOP_TOLERANCE = 0.02  # of a unit

FADE_S, FREE_FADE_S = 0.02, 0.03  # of a cut, with a beat and without
ALIGN_S = 0.006  # by which a cut moves at most, to meet in phase
OFF_GRID = 0.3  # so much more alike must the two sides be to be moved so far

HOP_S = 0.01
TIMBRE_WINDOW, TIMBRE_BANDS, TIMBRE_RANGE_DB = 512, 40, 60.0
HARMONY_WINDOW, HARMONY_NOTES, HARMONY_RANGE_DB = 4096, 72, 50.0
LOWEST_NOTE_HZ = 55.0


def enough(seconds: float, grid: Grid | None) -> bool:
    """Whether a clip of that length has enough to choose from: a bar at least."""
    unit_s, bar = units_of(grid)
    return int(seconds / unit_s + 1e-6) >= max(MIN_UNITS, bar)


def fade_frames(samplerate: int, grid: Grid | None) -> int:
    """Length of a cross-fade at a cut, and of that at the join."""
    return round((FADE_S if grid else FREE_FADE_S) * samplerate)


def units_of(grid: Grid | None) -> tuple[float, float]:
    """Seconds to a unit, and units to a bar."""
    return (60 / grid.bpm / UNITS_PER_BEAT, grid.beats_per_bar * UNITS_PER_BEAT) if grid else (FREE_UNIT_S, 1)


@dataclass(frozen=True)
class Cut:
    """Where a phrase of the clip begins in the result. `place_s` is counted back from the join."""

    at_s: float
    place_s: float


class ClipTimbre:
    """Streams: push the codec's rendering as it comes, get the clip's audio, whose first `fade` frames replace the clip's last.

    Not thread-safe. Memory does not grow with the length of the result.
    """

    def __init__(
        self, audio: Audio, rendering: Audio, *, samplerate: int, rendering_rate: int, stretch: float = 1.0,
        grid: Grid | None = None, loop_s: float | None = None, gaps: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """audio: the clip, (frames, channels) at `samplerate`, up to the join. rendering: [n] mono at `rendering_rate`, the
        codec's rendering of the same span, `stretch` times as long. loop_s: length of a clip that goes round and round. gaps:
        units, counted back from the join, that are never played: what is before and what is after do not belong together.
        """
        self.samplerate = samplerate
        unit_s, self.bar = units_of(grid)
        self.unit = unit_s * samplerate  # frames, not whole ones
        self.fade = fade_frames(samplerate, grid)
        self._search = round(ALIGN_S * samplerate)
        self._rate, self._unit_hops = rendering_rate, unit_s * stretch / HOP_S
        self._spectra = Spectra(rendering_rate, rendering)
        silence = np.zeros((self.fade + self._search, audio.shape[1]), np.float32)  # leads to the first place
        self.audio = np.concatenate([silence, audio])
        loop = round(loop_s * stretch * rendering_rate) if loop_s else 0
        after = rendering[len(rendering) - loop :][:HARMONY_WINDOW] if 0 < loop <= len(rendering) else rendering[:0]
        hops = self._spectra.of(np.concatenate([rendering, after]))[: -(-len(rendering) // round(HOP_S * rendering_rate))]
        self.count = min(int(len(hops) / self._unit_hops), int(len(audio) / self.unit))
        begins = [len(hops) - (self.count - place) * self._unit_hops for place in range(self.count)]
        self._places = np.stack([self._cut_unit(hops, begin) for begin in begins]) if begins else np.zeros((0, 0, 0), np.float32)
        self._apart = self._measure_apart()
        self._follow = np.full((self.count, self.count), CUT * self._apart, np.float32)
        self._follow[np.arange(self.count - 1), np.arange(1, self.count)] = 0
        units = loop_s / unit_s if loop_s else 0.0
        self._loop = round(units) if abs(units - round(units)) < LOOP_TOLERANCE and round(units) <= self.count else 0
        if self._loop:
            self._follow[self.count - 1, self.count - self._loop] = 0
        self._barred = np.zeros(self.count, np.float32)
        self._barred[[self.count - gap for gap in gaps if gap <= self.count]] = np.inf
        self._reused = np.zeros(self.count, np.float32)
        self._soft = self._measure_soft()
        self.lacking_db = 0.0  # by which the result is too soft so far: the next units are chosen among louder ones
        self._drawn: dict[int, NDArray[np.float32]] = {}  # costs of each place, of a unit that is drawn
        self._pending = np.zeros(0, np.float32)  # rendering from the unit before the next undecided one on
        self._pending_hop = 0.0  # of the piece, where it begins
        self._units = 0  # decided
        self._place = self.count - 1  # of the last one
        self._source = len(self.audio)  # frame of it that plays next
        self._out = [self.audio[len(self.audio) - self.fade :]]  # not emitted; the clip's own end, which the first cut fades from
        self._made = 0  # frames after the join
        self.cuts: list[Cut] = []

    def draw(self, unit: int, chance: np.random.Generator, spread: float) -> None:
        """The place that plays the unit of that number is drawn, not the best: those whose cost is more by `spread`, a share of
        how far apart the clip's own units are, are e times less likely.
        """
        self._drawn[unit] = (-spread * chance.gumbel(size=self.count)).astype(np.float32)

    def push(self, rendering: Audio, *, last: bool = False) -> Audio:
        """[n] of the codec's rendering → the frames that became final, (frames, channels). `last`: all of them."""
        self._pending = np.concatenate([self._pending, rendering])
        for place in self._choose(self._decidable(last)):
            self._play(int(place))
        out = np.concatenate(self._out)
        keep = 0 if last else min(len(out), self.fade)
        self._out = [out[len(out) - keep :]]
        return out[: len(out) - keep]

    # --- which unit of the clip ---------------------------------------------------------------------------------------

    def _decidable(self, last: bool) -> NDArray[np.float32]:
        """[J, hops, D]: the spectra of the next units that are there whole, with one before and one after where there are."""
        hops = self._spectra.of(self._pending)
        known = len(hops) - (0 if last else HARMONY_WINDOW / 2 / self._rate / HOP_S)
        begin = self._units * self._unit_hops - self._pending_hop
        count = max(0, int((known - begin) / self._unit_hops + (0.999 if last else 0)))
        before = 1 if self._units else 0
        units = [self._cut_unit(hops, begin + j * self._unit_hops) for j in range(-before, count)]
        done = (self._units + count - 1) * self._unit_hops  # the unit before the next one stays, as its neighbour
        drop = max(0, int(done - self._pending_hop))
        samples = min(len(self._pending), round(drop * HOP_S * self._rate))
        self._pending, self._pending_hop = self._pending[samples:], self._pending_hop + samples / (HOP_S * self._rate)
        return np.stack(units) if count else np.zeros((0, 0, 0), np.float32)

    def _measure_apart(self) -> float:
        """Median distance in dB between units of the clip."""
        each = [np.abs(self._places[place + 1 :] - unit).mean((1, 2)) for place, unit in enumerate(self._places)]
        return float(np.median(np.concatenate(each))) if self.count > 1 else 0.0

    def _measure_soft(self) -> NDArray[np.float32]:
        """[K]: 0 for units of the clip at its level or louder, 1 for those that are softer by SOFT_DB or more."""
        ends = len(self.audio) - np.round(np.arange(self.count)[::-1] * self.unit).astype(int)
        power = np.array([np.square(self.audio[max(0, end - round(self.unit)) : end]).mean() for end in ends]) + 1e-12
        soft: NDArray[np.float32] = np.clip(-10 * np.log10(power / power.mean()) / SOFT_DB, 0, 1).astype(np.float32)
        return soft

    def _cut_unit(self, hops: NDArray[np.float32], begin: float) -> NDArray[np.float32]:
        rows = np.round(begin + np.arange(int(np.ceil(self._unit_hops)))).astype(int)
        unit: NDArray[np.float32] = hops[np.clip(rows, 0, len(hops) - 1)]
        return unit

    def _choose(self, units: NDArray[np.float32]) -> NDArray[np.intp]:
        """The cheapest way through the clip (Viterbi), from where it is."""
        before = 1 if self._units and len(units) else 0
        if len(units) <= before:
            return np.zeros(0, np.intp)
        distances = np.stack([np.abs(self._places - unit).mean((1, 2)) for unit in units])  # [J, K]
        local = distances.copy()
        local[1:, 1:] += NEIGHBOUR_WEIGHT * distances[:-1, :-1]
        local[1:, 0] += NEIGHBOUR_WEIGHT * distances[1:, 0]  # no neighbour there: itself stands for it
        local[:-1, :-1] += NEIGHBOUR_WEIGHT * distances[1:, 1:]
        local[:-1, -1] += NEIGHBOUR_WEIGHT * (distances[1:, self.count - self._loop] if self._loop else distances[:-1, -1])
        local = local[before:] / (1 + 2 * NEIGHBOUR_WEIGHT)
        number = self._units + np.arange(len(local))
        elsewhere = (np.arange(self.count)[None] - self.count - number[:, None]) % self.bar != 0
        soft = SOFT * min(1.0, self.lacking_db / LACKING_DB) * self._soft
        local = local + self._apart * (METRE * elsewhere + REUSE * self._reused + soft) + self._barred
        for unit in set(number.tolist()) & set(self._drawn):
            local[unit - self._units] += self._apart * self._drawn[unit]
        cost, back = self._follow[self._place] + local[0], []
        for row in local[1:]:
            total = cost[:, None] + self._follow
            back.append(total.argmin(0))
            cost = total.min(0) + row
        way = [int(cost.argmin())]
        for previous in reversed(back):
            way.append(int(previous[way[-1]]))
        for place in way:
            self._reused *= REUSE_DECAY ** (1 / self.bar)
            self._reused[place] += 1
        return np.array(way[::-1])

    # --- its sound ----------------------------------------------------------------------------------------------------

    def _play(self, place: int) -> None:
        """The next unit, from `place` of the clip on."""
        end = round((self._units + 1) * self.unit)
        frames = end - self._made
        follows = self._units and place == self._place + 1
        goes_round = bool(self._loop) and self._place == self.count - 1 and place == self.count - self._loop
        if not follows:
            self._source = self._cut_to(place)
            if not goes_round:
                self.cuts.append(Cut(self._made / self.samplerate, (len(self.audio) - self._source) / self.samplerate))
        begin = self._source
        sound = self.audio[begin : begin + frames]
        if len(sound) < frames:  # a frame or two past the join, by rounding and alignment
            sound = np.concatenate([sound, self.audio[len(self.audio) - (frames - len(sound)) :][::-1]])
        self._out.append(sound)
        self._source, self._made, self._place = begin + frames, end, place
        self._units += 1

    def _cut_to(self, place: int) -> int:
        """Cross-fades from what has been played to the frames before `place`; returns where to go on."""
        source = len(self.audio) - round((self.count - place) * self.unit)
        out = np.concatenate(self._out)
        old = out[len(out) - self.fade :]
        offset, likeness = self._aligned(old, source)
        source += offset
        angle = np.linspace(0, np.pi / 2, self.fade, dtype=np.float32)[:, None]
        rise, fall = np.sin(angle), np.cos(angle)
        level = 1 / np.sqrt(rise**2 + fall**2 + 2 * max(0.0, likeness) * rise * fall)  # constant power, however alike they are
        new = self.audio[source - self.fade : source]
        self._out = [out[: len(out) - self.fade], (old * fall + new * rise) * level]
        return source

    def _aligned(self, old: Audio, source: int) -> tuple[int, float]:
        """By how many frames `source` moves so that what leads to it is most like `old`; and how like: the correlation."""
        first, last = max(0, source - self.fade - self._search), min(len(self.audio), source + self._search)
        around = mean_over_channels(self.audio[first:last])
        old = mean_over_channels(old)
        if len(around) < len(old):
            return 0, 0.0
        windows = np.lib.stride_tricks.sliding_window_view(around, len(old))[::2]
        scale = np.sqrt((windows**2).sum(1) * (old**2).sum()) + 1e-9
        likeness = windows @ old / scale
        offsets = first + 2 * np.arange(len(windows)) + self.fade - source
        best = int((likeness - OFF_GRID * np.abs(offsets) / self._search).argmax())
        return int(offsets[best]), float(likeness[best])


class Spectra:
    """Levels in dB every HOP_S: mel bands of a short window for timbre and onsets, semitones of a long one for harmony."""

    def __init__(self, samplerate: int, reference: Audio) -> None:
        """reference: [n], whose loudest moment says what is too soft to count."""
        self.samplerate = samplerate
        self._timbre, self._harmony = _mel_bands(samplerate), _semitones(samplerate)
        self._floors = (-np.inf, -np.inf)
        timbre, harmony = self._levels(reference) if len(reference) else (np.zeros(1), np.zeros(1))
        self._floors = (timbre.max() - TIMBRE_RANGE_DB, harmony.max() - HARMONY_RANGE_DB)

    def of(self, audio: Audio) -> NDArray[np.float32]:
        """[n] → [hops, bands]: weighed so that the mean over bands is the mean of both kinds' means."""
        timbre, harmony = self._levels(audio)
        total = TIMBRE_BANDS + HARMONY_NOTES
        return np.concatenate([timbre * (total / 2 / TIMBRE_BANDS), harmony * (total / 2 / HARMONY_NOTES)], axis=1)

    def _levels(self, audio: Audio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        hop = round(HOP_S * self.samplerate)
        timbre = _decibels(_power(audio, TIMBRE_WINDOW, hop) @ self._timbre)
        harmony = _decibels(_power(audio, HARMONY_WINDOW, hop) @ self._harmony)
        return np.maximum(timbre, self._floors[0]), np.maximum(harmony, self._floors[1])


def _power(audio: Audio, window: int, hop: int) -> NDArray[np.float32]:
    """[hops, bins]: hop i is centred on sample i · hop. Audio is mirrored at its ends, as silence would set units apart."""
    mirrored: Literal["reflect", "constant"] = "reflect" if len(audio) > window // 2 else "constant"
    padded = np.pad(audio.astype(np.float32), window // 2, mode=mirrored)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: -(-len(audio) // hop)]
    shape = np.hanning(window).astype(np.float32)
    power = np.empty((len(frames), window // 2 + 1), np.float32)
    for first in range(0, len(frames), 256):
        spectrum = rfft(frames[first : first + 256] * shape)  # in float32, a third of the time that numpy's takes
        power[first : first + 256] = spectrum.real**2 + spectrum.imag**2
    return power


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    level: NDArray[np.float32] = (10 * np.log10(power + 1e-9)).astype(np.float32)
    return level


def _mel_bands(samplerate: int) -> NDArray[np.float32]:
    """[bins, TIMBRE_BANDS], triangles."""
    low, high = 2595 * np.log10(1 + np.array([40.0, 0.48 * samplerate]) / 700)
    edges = np.linspace(low, high, TIMBRE_BANDS + 2)
    return _triangles(700 * (10 ** (edges / 2595) - 1), samplerate, TIMBRE_WINDOW)


def _semitones(samplerate: int) -> NDArray[np.float32]:
    """[bins, HARMONY_NOTES], triangles; a bin wide at least."""
    notes = LOWEST_NOTE_HZ * 2 ** (np.arange(HARMONY_NOTES) / 12)
    width = np.maximum(notes * (2 ** (1 / 12) - 1), samplerate / HARMONY_WINDOW)
    bins = np.linspace(0, samplerate / 2, HARMONY_WINDOW // 2 + 1)
    return np.maximum(0, 1 - np.abs(bins[:, None] - notes) / width).astype(np.float32)


def _triangles(edges: NDArray[np.float64], samplerate: int, window: int) -> NDArray[np.float32]:
    bins = np.linspace(0, samplerate / 2, window // 2 + 1)[:, None]
    rising, falling = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
