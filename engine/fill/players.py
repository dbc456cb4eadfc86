"""Candidates as sound, at the file's rate and as long as the region."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import soxr

from engine.arrays import Audio
from engine.conditioning.plan import GenerationPlan
from engine.continuation.region import Region
from engine.fill.material import Side, both_sides
from engine.music.level import rms_db_without_dc, without_fade
from engine.rendering.clip_timbre import ClipTimbre, units_of
from engine.rendering.level import soft_limit
from engine.rendering.stereo import SIDE_DB, Widener, width_of
from engine.rendering.track import GAIN_LIMIT_DB, LEAD_S, LEVEL_S
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer, StreamingDecoder

HEAD_UNITS = 2  # of what follows, that the way through the clip leads to
END_S = 0.25  # of a candidate in the clip's sound, by which it leads to what follows
SPREAD = 0.15  # of costs, by which it is drawn: most of those for one region would end in the same moment of the clip
HEAD_S = 1.0  # of what follows, rendered behind a candidate: its end then sounds as one that goes on


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The tokens around a region, and how they lie in time."""

    region: Region
    plan: GenerationPlan
    count: int  # tokens that fill the region, whole turns of the codec's views
    after: Sequence[int]  # tokens of what follows, from where those `count` end
    late_s: float  # by how much that is after the region's end

    @property
    def before(self) -> Sequence[int]:
        return self.plan.context.clip_tokens


@dataclass(frozen=True, eq=False)
class Rendering:
    """A codec's audio [n] of the tokens before a region, in it and after it."""

    lead: Audio
    new: Audio
    head: Audio


def rendered(
    renderer: FastRenderer | FullRenderer, chunks: ChunkPlan, around: Surroundings, tokens: Sequence[int], *, whole: bool = False
) -> Rendering:
    """whole: with all there is on either side; otherwise as much of it as matters at a join."""
    rate = renderer.token_rate
    lead = list(around.before if whole else around.before[-round(LEAD_S * rate) :])
    head = list(around.after if whole else around.after[: round(HEAD_S * rate)])
    decoder = StreamingDecoder(renderer, chunks, lead=lead)
    parts = [decoder.push(token) for token in [*tokens, *head]]
    audio = np.concatenate([part for part in [*parts, *decoder.finish()] if part is not None])
    hop = round(renderer.samplerate / rate)
    return Rendering(*np.split(audio, [len(lead) * hop, (len(lead) + len(tokens)) * hop]))


class Player(Protocol):
    def sound(self, rendering: Rendering, seed: int) -> Audio:
        """(frames, channels) of the candidate with that seed, as long as the region, its ends not yet joined."""

    @property
    def cuts(self) -> int | None:
        """Phrases of the clip that the last one was made of; None in the model's own sound."""


class ClipPlayer:
    """In the clip's own sound, from both of its sides."""

    def __init__(self, around: Surroundings, first: Rendering, rendering_rate: int) -> None:
        """first: the whole of the material's."""
        region, plan = around.region, around.plan
        assert plan.clip is not None
        unit_s, bar = units_of(plan.grid)
        unit = unit_s * region.samplerate
        self._frames, self._dc = region.frames, dc_between(region)
        self._head = round(HEAD_UNITS * unit_s * plan.stretch * rendering_rate)
        behind = region.after if plan.clip.prefix is region.before else region.after[:0]
        behind = behind[round(around.late_s * region.samplerate) :]
        before = Side(without_fade(without_dc(plan.clip.prefix), region.samplerate).astype(np.float32), first.lead)
        material, gaps = both_sides(
            before, Side(without_dc(behind), first.head), unit=unit, bar=bar, per_unit=unit_s * plan.stretch * rendering_rate,
            region=(region.seconds + around.late_s) / unit_s,
        )  # fmt: skip
        self._timbre = ClipTimbre(
            material.audio, material.rendering, samplerate=region.samplerate, rendering_rate=rendering_rate, stretch=plan.stretch,
            grid=plan.grid, gaps=gaps,
        )  # fmt: skip
        self._ends = range(int(max(0, self._frames - END_S * region.samplerate) / unit), int(self._frames / unit) + 1)
        self.cuts: int | None = 0

    def sound(self, rendering: Rendering, seed: int) -> Audio:
        timbre, chance = copy.deepcopy(self._timbre), np.random.default_rng(seed)
        for number in self._ends:
            timbre.draw(number, chance, SPREAD)
        out = timbre.push(np.concatenate([rendering.new, rendering.head[: self._head]]), last=True)
        self.cuts = len(timbre.cuts)
        return out[timbre.fade :][: self._frames] + self._dc


class ModelPlayer:
    """In the model's sound, from the level before a region to that after it; as wide as the clip unless a width is asked for."""

    def __init__(self, around: Surroundings, samplerate: int) -> None:
        self._around, self._samplerate = around, samplerate
        self.cuts: int | None = None

    def sound(self, rendering: Rendering, seed: int) -> Audio:
        region, plan = self._around.region, self._around.plan
        assert plan.clip is not None
        lead, new, head = (self._at_rate(part) for part in (rendering.lead, rendering.new, rendering.head))
        near = round(LEAD_S * region.samplerate)
        enters_db = _gain_db(without_fade(plan.clip.prefix[-round(LEVEL_S * region.samplerate) :], region.samplerate)[-near:],
                             lead, plan.gain_db)  # fmt: skip
        leaves_db = enters_db
        if region.has_after and len(head):
            leaves_db = _gain_db(region.after[: len(head)], head, enters_db)
        width = (width_of(region.before) if plan.request.width is None else plan.request.width) * (region.channels == 2)
        added_db = 10 * np.log10(1 + width**2 * 10 ** (SIDE_DB / 10))  # by the side
        gains = 10 ** ((np.linspace(enters_db, leaves_db, region.frames, dtype=np.float32) - added_db) / 20)
        new = new[: region.frames]
        mono = np.concatenate([lead, np.pad(new, (0, region.frames - len(new)))])
        audio = Widener(region.samplerate, width).push(mono) if width else np.repeat(mono[:, None], region.channels, axis=1)
        return soft_limit((audio[len(lead) :] * gains[:, None]).astype(np.float32) + dc_between(region))

    def _at_rate(self, audio: Audio) -> Audio:
        speed = self._around.plan.stretch * self._samplerate / self._around.region.samplerate
        return audio if speed == 1.0 or not len(audio) else soxr.resample(audio, speed, 1.0, "VHQ")


def without_dc(audio: Audio) -> Audio:
    return audio - audio.mean(0) if len(audio) else audio


def dc_between(region: Region) -> Audio:
    """The clip's DC from before the region to after it, (frames, channels): a step would be heard."""
    level = round(LEVEL_S * region.samplerate)
    sides = [side.mean(0) for side in (region.before[-level:], region.after[:level]) if len(side)]
    return np.linspace(sides[0], sides[-1], region.frames, dtype=np.float32)


def _gain_db(source: Audio, own: Audio, expected_db: float) -> float:
    apart_db = rms_db_without_dc(source) - rms_db_without_dc(own) - expected_db
    return expected_db + float(np.clip(apart_db, -GAIN_LIMIT_DB, GAIN_LIMIT_DB))

