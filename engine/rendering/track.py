"""The audio of one variation: tokens in, chunks out, at the source's level and speed, joined to it, of exact length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from engine.api import AudioChunk
from engine.rendering.level import Leveller, crossfade, fade_out, heard_db, soft_limit, without_fade
from engine.rendering.measurement import Meter
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer, StreamingDecoder

LEAD_S = 2.0  # of a clip, rendered by the model too: it sets the level and gives what follows something to go on from
LEVEL_S = 8.0  # of a clip's end, whose level the new part comes to
JOIN_S = 0.03  # cross-fade between the clip and that rendering, right before the new part
DC_FADE_S = 0.5  # in which the clip's DC ends
SOURCE_CHUNK_S = 10.0  # a long clip goes out in pieces
GAIN_LIMIT_DB = 12.0  # from what is expected: a rendering that is nearly silent tells little of the level


@dataclass(frozen=True, eq=False)
class Source:
    """The clip a track goes on from."""

    samples: np.ndarray  # float32 (frames, channels) at the result's rate, up to the join
    tokens: Sequence[int]  # of its end
    repeated: bool  # the result begins with it
    gain_db: float = 0.0  # from the level of the model's rendering to that of the samples, as expected


class Track:
    """Push tokens as they come, then `finish`; every chunk carries its number and its place in the result."""

    def __init__(
        self, renderer: FastRenderer | FullRenderer, plan: ChunkPlan, *, frames: int, fade_s: float, stretch: float = 1.0,
        source: Source | None = None, number: int = 1, clock: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        """frames: of new audio. fade_s: at the end. stretch: the model plays so many times as long as it will be heard.
        clock: seconds since the request came.
        """
        self.number, self.samplerate, self.wanted = number, renderer.samplerate, frames
        self.hop = round(self.samplerate / renderer.token_rate)
        self.source, self.meter = source, Meter(self.samplerate)
        self.tokens = math.ceil(frames * stretch / self.hop)  # that give all the new audio
        self.frames = 0  # that are out, the source's included
        self.first_chunk_s: float | None = None
        self._fade_s, self._clock, self._index = fade_s, clock, 0
        lead = [] if source is None else source.tokens[-round(LEAD_S * renderer.token_rate) :]
        self._decoder = StreamingDecoder(renderer, plan, lead=lead)
        self._leveller: Leveller | None = None
        self._dc: np.ndarray = np.zeros(1, np.float32)  # of the source's channels, where the result begins with it
        self._at_speed = soxr.ResampleStream(stretch, 1.0, 1, "float32", "VHQ") if stretch != 1.0 else None
        # Sample frames of the model's rendering of the clip, until they have served.
        self._lead = int(len(lead) * self.hop / stretch)

    @property
    def new_frames(self) -> int:
        return self.meter.frames

    def begin(self) -> Iterator[AudioChunk]:
        """The source up to where the cross-fade begins, when the result repeats it."""
        if self.source is not None and self.source.repeated:
            repeated, size = self.source.samples[: -self._overlap], round(SOURCE_CHUNK_S * self.samplerate)
            for start in range(0, len(repeated), size):
                self.meter.hear_source(repeated[start : start + size])
                yield self._chunk(repeated[start : start + size])

    def push(self, token: int) -> AudioChunk | None:
        audio = self._decoder.push(token)
        return None if audio is None else self._new(audio, last=False)

    def finish(self) -> Iterator[AudioChunk]:
        for audio in self._decoder.finish():
            yield self._new(audio, last=self._decoder.done == len(self._decoder.tokens))

    @property
    def _overlap(self) -> int:
        assert self.source is not None
        return min(round(JOIN_S * self.samplerate), len(self.source.samples))

    def _new(self, audio: np.ndarray, *, last: bool) -> AudioChunk:
        """Newly rendered mono audio [N] as a chunk: at the source's speed and level, joined, cut to length, faded at the end."""
        if self._at_speed is not None:
            audio = self._at_speed.resample_chunk(audio, last)
        lead, self._lead = audio[: self._lead], 0
        if len(lead) and self.source is not None:
            end = self.source.samples[-round(LEVEL_S * self.samplerate) :]
            gain_db = _gain_towards(without_fade(end, self.samplerate)[-len(lead) :], lead, self.source.gain_db)
            self._leveller = Leveller(heard_db(end), gain_db, lead, self.samplerate)
            audio = np.concatenate([lead * np.float32(10 ** (gain_db / 20)), self._level(audio[len(lead) :])])
        else:
            audio = self._level(audio)
        channels = 1 if self.source is None else self.source.samples.shape[1]
        samples = np.repeat(audio[:, None], channels, axis=1).astype(np.float32)
        samples, new = samples[: len(lead)], samples[len(lead) :][: self.wanted - self.new_frames]
        joined = np.zeros_like(new[:0])
        if len(lead) and self.source is not None and self.source.repeated:
            self._dc = self.source.samples[-round(LEVEL_S * self.samplerate) :].mean(0)
            old = self.source.samples[-self._overlap :] - self._dc
            joined = soft_limit(crossfade(old, samples[-self._overlap :]) + self._dc)
            self.meter.hear_source(joined)
        if self._dc.any() and len(new):
            new = new + self._dc * self._dc_left(len(new))
        new = soft_limit(new)
        if last:
            new = fade_out(new, self.samplerate, self._fade_s)
        self.meter.hear(new)
        self.first_chunk_s = self.first_chunk_s or self._clock()
        return self._chunk(np.concatenate([joined, new]))

    def _dc_left(self, frames: int) -> np.ndarray:
        """Of the clip's DC in the next `frames` of new audio: a step to none would be heard."""
        passed = (self.new_frames + np.arange(frames, dtype=np.float32)) / (DC_FADE_S * self.samplerate)
        return (0.5 + 0.5 * np.cos(np.pi * np.minimum(passed, 1)))[:, None]

    def _level(self, audio: np.ndarray) -> np.ndarray:
        return audio if self._leveller is None or not len(audio) else audio * self._leveller.gains(audio)

    def _chunk(self, samples: np.ndarray) -> AudioChunk:
        chunk = AudioChunk(self._index, self.frames, self.samplerate, samples, self.number)
        self._index += 1
        self.frames += len(samples)
        return chunk


def _gain_towards(source: np.ndarray, own: np.ndarray, expected_db: float) -> float:
    """Gain in dB from the model's rendering of a clip's last moment to the clip: what it plays next enters at that level."""
    return expected_db + float(np.clip(heard_db(source) - heard_db(own) - expected_db, -GAIN_LIMIT_DB, GAIN_LIMIT_DB))
