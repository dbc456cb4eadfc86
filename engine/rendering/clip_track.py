"""The audio of one variation in the clip's own sound: `ClipTimbre` plays what the model's rendering says, at the clip's level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from engine.arrays import Audio
from engine.music.channels import dc_of
from engine.music.grid import Grid
from engine.music.level import rms_db, without_fade
from engine.rendering.clip_timbre import LACKING_DB, ClipTimbre, fade_frames
from engine.rendering.level import Leveller
from engine.rendering.track import LEAD_S, LEVEL_S, Source, Track, TrackOptions
from engine.rendering.windows import ChunkPlan, FastRenderer, Renderer

LEVEL_STEP_S = 0.5  # in which the rendering's level is followed
LEAST_RENDERED_DB = -60.0  # RMS of a clip's rendering: what is softer says little of a level


class ClipTrack(Track):
    """A track in the clip's own sound: the renderer's audio says what comes, the clip plays it. `grid`: the result's."""

    def __init__(self, renderer: FastRenderer, plan: ChunkPlan, *, source: Source, grid: Grid | None, stretch: float = 1.0,
                 samplerate: int | None = None, **options: Unpack[TrackOptions]) -> None:  # fmt: skip
        super().__init__(renderer, plan, source=source, stretch=stretch, samplerate=samplerate, **options)
        self.tokens = math.ceil(self.wanted / self.samplerate * stretch * renderer.token_rate)
        self._grid, self._stretch, self._renderer = grid, stretch, renderer
        self._timbre: ClipTimbre | None = None
        self._apart_db = 0.0  # from the level of the rendering of the clip to the clip's

    @property
    def cuts(self) -> int:
        """Phrases of the clip that the new part is made of."""
        return len(self._timbre.cuts) if self._timbre else 0

    @property
    def _overlap(self) -> int:
        return fade_frames(self.samplerate, self._grid)

    def _lead_tokens(self, renderer: Renderer) -> Sequence[Any]:
        return self.source.tokens if self.source is not None else []

    def _join(self, led: Audio) -> Audio:
        joined: Audio = led + self._dc  # faded from the clip's end already
        return joined

    def _sound(self, audio: Audio, *, last: bool) -> tuple[Audio, Audio]:
        led = self._timbre is None
        if self._timbre is None:
            assert self.source is not None
            rendered = len(self.source.tokens) * round(self._renderer.samplerate / self._renderer.token_rate)
            self._timbre = self._begin(audio[:rendered])
            audio = audio[rendered:]
        assert self._leveller is not None
        # What the model plays is brought to the level of the clip as it renders that: else it would be played by the softest
        # units where the model grows softer.
        audio = self._level(audio)
        self._timbre.lacking_db = self._leveller.behind_db
        out = self._timbre.push(audio, last=last)
        before = self._overlap if led else 0
        self._leveller.measure_played(out[before:], self.samplerate, self._apart_db)
        return out[:before], out[before:]

    def _begin(self, rendering: Audio) -> ClipTimbre:
        """rendering: of the clip, [n] mono at the renderer's rate."""
        assert self.source is not None
        material, rate = self._material(), self._renderer.samplerate
        level_db = max(LEAST_RENDERED_DB, rms_db(rendering[-round(LEVEL_S * rate) :]))
        self._apart_db = rms_db(material[-round(LEVEL_S * self.samplerate) :]) - level_db
        self._leveller = Leveller(
            level_db, 0.0, rendering[-round(LEAD_S * rate) :], rate, seconds=self._whole_s, most_caught_up_db=LACKING_DB
        )
        return ClipTimbre(
            material, rendering, samplerate=self.samplerate, rendering_rate=rate, stretch=self._stretch, grid=self._grid,
            loop_s=len(self.source.samples) / self.samplerate if self.source.looped else None,
        )  # fmt: skip

    def _level(self, audio: Audio) -> Audio:
        assert self._leveller is not None
        size = round(LEVEL_STEP_S * self._leveller.samplerate)
        pieces = [audio[at : at + size] for at in range(0, len(audio), size)]
        return np.concatenate([audio[:0], *(piece * self._leveller.gains(piece) for piece in pieces)])

    def _material(self) -> Audio:
        """The clip, as long as its tokens: a loop as it is played, a fade as if it sounded on, without DC."""
        assert self.source is not None
        samples = self.source.samples - dc_of(self.source.samples[-round(LEVEL_S * self.samplerate) :])
        frames = math.ceil(len(self.source.tokens) / self._renderer.token_rate / self._stretch * self.samplerate)
        if self.source.looped:
            samples = np.tile(samples, (-(-frames // len(samples)), 1))
        return without_fade(samples[-frames:], self.samplerate).astype(np.float32)
