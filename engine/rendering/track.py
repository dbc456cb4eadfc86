"""The audio of one variation: tokens in, chunks out, at the source's level and speed, joined to it, of exact length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Required, TypedDict

import numpy as np
import soxr

from engine.api import AudioChunk
from engine.arrays import Audio
from engine.music.channels import dc_of
from engine.music.level import rms_db_without_dc, without_fade
from engine.music.loop import LoopEnd
from engine.rendering.chunks import pieces
from engine.rendering.level import Leveller, crossfade, decay, fade_out
from engine.rendering.limiter import CEILING_DB, MARGIN_DB, TruePeakLimiter, true_peak_db
from engine.rendering.loudness import USUAL_LUFS
from engine.rendering.mastering import Master
from engine.rendering.measurement import Meter
from engine.rendering.stereo import SIDE_DB, Widener, width_of
from engine.rendering.windows import ChunkPlan, Renderer, StreamingDecoder

LEAD_S = 2.0  # of a clip, rendered by the model too: it sets the level and gives what follows something to go on from
LEVEL_S = 8.0  # of a clip's end, whose level the new part comes to
JOIN_S = 0.03  # cross-fade between the clip and that rendering, right before the new part
DC_FADE_S = 0.5  # in which the clip's DC ends
GAIN_LIMIT_DB = 12.0  # from what is expected: a rendering that is nearly silent says little of the level


@dataclass(frozen=True, eq=False)
class Source:
    """The clip a track goes on from."""

    samples: Audio  # float32 (frames, channels) at the result's rate, up to the join
    tokens: Sequence[Any]  # of its end
    repeated: bool  # the result begins with it
    gain_db: float = 0.0  # from the level of the model's rendering to that of the samples, as expected
    looped: bool = False  # it goes round and round


class TrackOptions(TypedDict, total=False):
    """The options of a `Track`."""

    frames: Required[int]
    fade_s: Required[float]
    number: int
    clock: Callable[[], float]
    lead_in: int
    loop_bar: int
    width: float | None
    target_lufs: float
    usual_lufs: float
    piece_s: float | None
    dies_away: int


class Track:
    """Push tokens as they come, then `finish`; every chunk carries its number and its place in the result."""

    def __init__(
        self, renderer: Renderer, plan: ChunkPlan, *, frames: int, fade_s: float, stretch: float = 1.0,
        source: Source | None = None, number: int = 1, clock: Callable[[], float] = lambda: 0.0, samplerate: int | None = None,
        lead_in: int = 0, loop_bar: int = 0, width: float | None = None, target_lufs: float | None = None, dies_away: int = 0,
        usual_lufs: float = USUAL_LUFS, piece_s: float | None = None,
    ) -> None:  # fmt: skip
        """frames: of new audio at `samplerate`, the renderer's if not given. fade_s: at the end. stretch: the model plays so many
        times as long as the result. clock: seconds since the request came. lead_in: tokens that come before those of the
        new audio and are dropped. loop_bar: frames of a bar where the new audio's end is to lead to its beginning.
        width, target_lufs, usual_lufs, piece_s (its seconds): as `Master` has them; after a source its level is kept and, where
        no width is given, its width. dies_away: frames in which it dies away at its end.
        """
        self.number, self.samplerate, self.wanted = number, samplerate or renderer.samplerate, frames
        self.made = frames  # that are rendered of the new audio: some may be left out
        self.hop = round(self.samplerate / renderer.token_rate)
        self.source, self.meter = source, Meter(self.samplerate)
        self.tokens = lead_in + math.ceil(frames * stretch / self.hop)  # that give all the new audio
        self.frames = 0  # that are out, the source's included
        self._width = width
        self._widener: Widener | None = None
        loudness: dict[str, Any] = {"target_lufs": target_lufs, "usual_lufs": usual_lufs, "seconds": piece_s}
        self._master = Master(self.samplerate, width=width or 0.0, **loudness) if source is None else None
        self._limiter = _limiter(self.samplerate, self._master.channels if self._master else source)
        self._joined = 0  # frames from the source to the new audio that the limiter has not let out
        self.first_chunk_s: float | None = None
        self._fade_s, self._clock, self._index = fade_s, clock, 0
        lead = self._lead_tokens(renderer)
        self._decoder = StreamingDecoder(renderer, plan, lead=lead)
        self._leveller: Leveller | None = None
        self._dc: Audio = np.zeros(1, np.float32)  # of the source's channels, where the result begins with it
        self._at_speed = soxr.ResampleStream(stretch, 1.0, 1, "float32", "VHQ") if stretch != 1.0 else None
        # Sample frames of the model's rendering of the clip, or of the lead-in, until they have served.
        self._lead = int((len(lead) + lead_in) * self.hop / stretch)
        self.led: list[Audio] = []  # of a track from words: its lead-in
        self.loop = LoopEnd(frames, loop_bar, self.samplerate) if loop_bar else None
        self._dies_away = dies_away
        self._taken = 0  # of the new frames, those included that a loop holds back

    @property
    def new_frames(self) -> int:
        return self.meter.frames

    def windows_s(self) -> float:
        """Seconds of audio that were rendered for it, contexts included."""
        return self._decoder.windows_s

    @property
    def _whole_s(self) -> float | None:
        """Seconds of the new audio; None where it goes round."""
        return None if self.loop else self.wanted / self.samplerate

    @property
    def margins_s(self) -> tuple[float, float]:
        """Of audio that a window has before and after what is kept of it."""
        renderer = self._decoder.renderer
        return renderer.left / renderer.token_rate, renderer.lookahead / renderer.token_rate

    def begin(self) -> Iterator[AudioChunk]:
        """The source up to where the cross-fade begins, when the result repeats it."""
        if self.source is not None and self.source.repeated:
            for repeated in pieces(self.source.samples[: -self._overlap], self.samplerate):
                self.meter.add_source(repeated)
                yield self._chunk(repeated)

    @property
    def is_due(self) -> bool:
        """Whether `push` renders with the next token."""
        return self._decoder.is_due

    def push(self, token: Any) -> AudioChunk | None:
        audio = self._decoder.push(token)
        return None if audio is None else self._new(audio, last=False)

    def finish(self) -> Iterator[AudioChunk]:
        for audio in self._decoder.finish():
            if (chunk := self._new(audio, last=self._decoder.done == len(self._decoder.tokens))) is not None:
                yield chunk
        if self._decoder.done < len(self._decoder.tokens):  # cancelled meanwhile
            yield from self.stop()

    def stop(self) -> Iterator[AudioChunk]:
        """What is rendered and was held back, where the rest is not wanted: nothing that could be kept is lost."""
        held = self.loop.finish() if self.loop and self._taken else None
        if held is None:
            return
        joined, new = self._limited(held[:0], held, last=True)
        if len(joined) or len(new):
            self.meter.add_source(joined)
            self.meter.add(new)
            yield self._chunk(np.concatenate([joined, new]))

    @property
    def _overlap(self) -> int:
        assert self.source is not None
        return min(round(JOIN_S * self.samplerate), len(self.source.samples))

    def _new(self, audio: Audio, *, last: bool) -> AudioChunk | None:
        """Newly rendered mono audio [N] as a chunk: joined, cut to length, faded at the end. None while none of it is final."""
        led, new = self._sound(audio, last=last)
        new = new[: self.wanted - self._taken]
        joined = np.zeros_like(new[:0])
        if len(led) and self.source is not None and self.source.repeated:
            self._dc = dc_of(self.source.samples[-round(LEVEL_S * self.samplerate) :])
            joined = self._join(led)
        if self._dc.any() and len(new):
            new = new + self._dc * self._dc_left(len(new))
        self._taken += len(new)
        if self.source is None and len(led):
            self.led.append(led)
        if self.loop:
            if len(led):
                self.loop.lead_in(self._before(joined if len(joined) else led))
            new = self.loop.push(new)
            new = np.concatenate([new, self.loop.finish()]) if last else new
        joined, new = self._limited(joined, new, last=last)
        if not len(joined) and not len(new):
            return None
        self.meter.add_source(joined)
        if self._dies_away:
            new = decay(new, self.wanted - self.new_frames - len(new), self._dies_away)
        if last:
            new = fade_out(new, self.samplerate, self._fade_s)
        self.meter.add(new)
        self.first_chunk_s = self.first_chunk_s or self._clock()
        return self._chunk(np.concatenate([joined, new]))

    def _before(self, led: Audio) -> Audio:
        """What sounds before the new part: `led`, and the source before that where it is no more than the cross-fade from it."""
        if self.source is None or len(led) > self._overlap:
            return led
        dc = 0.0 if self.source.repeated else dc_of(self.source.samples[-round(LEVEL_S * self.samplerate) :])
        before: Audio = np.concatenate([self.source.samples[: -self._overlap] - dc, led]).astype(np.float32)
        return before

    def _lead_tokens(self, renderer: Renderer) -> Sequence[Any]:
        """Tokens of the source's end that are rendered as well."""
        return [] if self.source is None else self.source.tokens[-round(LEAD_S * renderer.token_rate) :]

    def _join(self, led: Audio) -> Audio:
        """From the source's last moment to what leads to the new part."""
        assert self.source is not None
        old = self.source.samples[-self._overlap :] - self._dc
        joined: Audio = crossfade(old, led[-self._overlap :]) + self._dc
        return joined

    def _sound(self, audio: Audio, *, last: bool) -> tuple[Audio, Audio]:
        """Mono audio [N] at the source's speed, level and width, (frames, channels): what leads to the join, what follows it."""
        if self._at_speed is not None:
            audio = self._at_speed.resample_chunk(audio, last)
        audio = audio.astype(np.float32)
        lead, self._lead = audio[: self._lead], max(0, self._lead - len(audio)) if self.source is None else 0
        if self._master is not None or self.source is None:
            assert self._master is not None
            samples = self._master.push(audio)
            return samples[: len(lead)], samples[len(lead) :]
        if len(lead):
            end = self.source.samples[-round(LEVEL_S * self.samplerate) :]
            gain_db = _gain_towards(without_fade(end, self.samplerate)[-len(lead) :], lead, self.source.gain_db)
            width = (width_of(end) if self._width is None else self._width) * (end.shape[1] == 2)
            self._widener = Widener(self.samplerate, width) if width else None
            added_db = 10 * np.log10(1 + width**2 * 10 ** (SIDE_DB / 10))  # by the side
            gain_db -= added_db
            self._leveller = Leveller(rms_db_without_dc(end) - added_db, gain_db, lead, self.samplerate, seconds=self._whole_s)
            audio = np.concatenate([lead * np.float32(10 ** (gain_db / 20)), self._level(audio[len(lead) :])])
        else:
            audio = self._level(audio)
        channels = self.source.samples.shape[1]
        samples = np.repeat(audio[:, None], channels, axis=1) if self._widener is None else self._widener.push(audio)
        return samples[: len(lead)], samples[len(lead) :]

    def _limited(self, joined: Audio, new: Audio, *, last: bool) -> tuple[Audio, Audio]:
        """What is final of the join and of the new audio, true peaks under the ceiling: the limiter sees ahead."""
        self._joined += len(joined)
        before = np.concatenate([joined, new])
        out = self._limiter.push(before, last=last)
        if self._master is not None:
            self._master.measure_output(out)
        if self._leveller is not None:
            self._leveller.measure_limited(before, out)
        joined, new = out[: self._joined], out[self._joined :]
        self._joined -= len(joined)
        return joined, new

    def _dc_left(self, frames: int) -> Audio:
        """Of the clip's DC in the next `frames` of new audio: a step to none would click."""
        passed = (self._taken + np.arange(frames, dtype=np.float32)) / (DC_FADE_S * self.samplerate)
        left: Audio = 0.5 + 0.5 * np.cos(np.pi * np.minimum(passed, 1))
        return left[:, None]

    def _level(self, audio: Audio) -> Audio:
        return audio if self._leveller is None or not len(audio) else audio * self._leveller.gains(audio)

    def _chunk(self, samples: Audio) -> AudioChunk:
        chunk = AudioChunk(self._index, self.frames, self.samplerate, samples, self.number)
        self._index += 1
        self.frames += len(samples)
        return chunk


def _gain_towards(source: Audio, own: Audio, expected_db: float) -> float:
    """Gain in dB from the model's rendering of a clip's last moment to the clip: what it plays next enters at that level."""
    apart_db = rms_db_without_dc(source) - rms_db_without_dc(own) - expected_db
    return expected_db + float(np.clip(apart_db, -GAIN_LIMIT_DB, GAIN_LIMIT_DB))


def _limiter(samplerate: int, after: int | Source | None) -> TruePeakLimiter:
    """after: how many channels there are, or the clip before: where its own peaks are above the usual ceiling, what plays it may
    have them too.
    """
    if not isinstance(after, Source):
        return TruePeakLimiter(samplerate, after or 1)
    own_db = true_peak_db(after.samples[-round(LEVEL_S * samplerate) :]) + MARGIN_DB + 0.01
    return TruePeakLimiter(samplerate, after.samples.shape[1], max(CEILING_DB, own_db))
