"""Reads the part of a clip that is to be replaced, and what sounds on either side of it.

Any file `engine.continuation.recorded_audio` opens. Everything is at the file's own rate: what takes the region's place goes back
into the file. One or two channels are kept, 5.1 as two, any others are mixed to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.api import MAX_DURATION_S, MIN_CLIP_S, MIN_REGION_S, ClipError, GenerationRequest, RequestError, resolve_clip
from engine.arrays import Audio
from engine.continuation.clip import EXCERPT_S, SILENCE, Clip, resampled
from engine.continuation.recorded_audio import RecordedAudio, UnreadableError, open_recording
from engine.music.channels import swing, to_mono

EDGE_S = 0.02  # of the old audio that new audio is cross-faded with, inside of the region
LEAST_AFTER_S = 0.1  # of sound after a region, by which what leads to it can be judged
CHECKED_S = 10.0  # on either side, that must not be silent


@dataclass(frozen=True, eq=False)
class Region:
    """From frame `begin` to `end` of a file, which may end before. Audio is float32 (frames, channels) at `samplerate`, at most
    EXCERPT_S of it on either side.
    """

    samplerate: int
    begin: int
    end: int
    total: int  # frames of the file
    before: Audio
    after: Audio
    opening: Audio  # the first and the last of the old audio: EDGE_S, a quarter of the region at most
    closing: Audio

    @property
    def frames(self) -> int:
        return self.end - self.begin

    @property
    def seconds(self) -> float:
        return self.frames / self.samplerate

    @property
    def channels(self) -> int:
        return int(self.before.shape[1])

    @property
    def has_before(self) -> bool:
        """Whether there is music before it to go on from."""
        return len(self.before) >= MIN_CLIP_S * self.samplerate and is_audible(self.before[-round(CHECKED_S * self.samplerate) :])

    @property
    def has_after(self) -> bool:
        """Whether music follows that the new audio must lead to."""
        return len(self.after) >= LEAST_AFTER_S * self.samplerate and is_audible(self.after[: round(CHECKED_S * self.samplerate)])

    def context(self, model_samplerate: int, context_s: float, bar_s: float | None) -> tuple[Clip, str | None]:
        """What the model goes on from, and what to say of it: the music before the region.

        Where there is none, the music after it takes its place, as music comes back to itself: up to a place that is whole bars
        from the region's beginning, where a bar's length is known. Raises ClipError where neither side has any.
        """
        if self.has_before:
            return self._clip(self.before, self.begin, model_samplerate, context_s), None
        after_s = len(self.after) / self.samplerate - 0.01  # a clip that is used to its very end counts as a loop
        if after_s < MIN_CLIP_S or not is_audible(self.after[: round(CHECKED_S * self.samplerate)]):
            raise ClipError(
                f"there is no music around the region to go on from: {MIN_CLIP_S:g} s at least, before it or after it, must sound"
            )
        used_s = after_s
        if bar_s:
            whole_bars_s = (after_s + self.seconds) // bar_s * bar_s - self.seconds
            used_s = whole_bars_s if whole_bars_s >= MIN_CLIP_S else used_s
        frames = round(used_s * self.samplerate)
        clip = self._clip(self.after[:frames], self.end + frames, model_samplerate, context_s)
        return clip, "no music sounds before the region: what fills it goes on from the music after it"

    def _clip(self, audio: Audio, end: int, model_samplerate: int, context_s: float) -> Clip:
        mono = to_mono(audio[-round(context_s * self.samplerate) :])
        return Clip(
            prefix=audio, context=resampled(mono, self.samplerate, model_samplerate), samplerate=self.samplerate,
            from_s=end / self.samplerate, duration_s=max(self.total, end + 1) / self.samplerate,
        )  # fmt: skip


def is_audible(audio: Audio) -> bool:
    return bool(len(audio)) and swing(audio) >= 2 * SILENCE


def read_region(request: GenerationRequest) -> Region:
    """The region from `from_s` to `to_s` of `request.clip`. Raises ClipError and RequestError."""
    assert request.clip is not None and request.from_s is not None and request.to_s is not None
    path = resolve_clip(request.clip)
    try:
        with open_recording(path) as file:
            begin, end = _frames(request, file, path.name)
            excerpt, edge = round(EXCERPT_S * file.samplerate), min(round(EDGE_S * file.samplerate), (end - begin) // 4)
            parts = [
                file.read(max(0, begin - excerpt), min(begin, excerpt)),
                file.read(end, excerpt) if end < file.frames else None,
                file.read(begin, edge),
                file.read(end - edge, edge) if end <= file.frames else None,
            ]
            rate, total = file.samplerate, file.frames
    except UnreadableError as error:
        raise ClipError(f"cannot read {path.name}: {error}") from None
    assert parts[0] is not None
    none = parts[0][:0]
    audio = [none if part is None else part for part in parts]
    if not all(np.isfinite(part).all() for part in audio):
        raise ClipError(f"{path.name} holds values that are no numbers (NaN or infinity): export it again from its source")
    if none.shape[1] > 2:
        audio = [to_mono(part)[:, None] for part in audio]
    return Region(rate, begin, end, total, *audio)


def _frames(request: GenerationRequest, file: RecordedAudio, name: str) -> tuple[int, int]:
    """First frame, and the one after the last. Raises where there is no such region."""
    assert request.from_s is not None and request.to_s is not None
    rate, duration_s = file.samplerate, file.frames / file.samplerate
    region = f"the region from {request.from_s:g} to {request.to_s:g} s"
    if request.from_s >= duration_s:
        raise ClipError(f"{region} lies outside of {name}, which lasts {duration_s:.2f} s: choose a place inside, or continue it")
    seconds = request.to_s - request.from_s
    if not MIN_REGION_S <= seconds <= MAX_DURATION_S:
        raise RequestError(f"{region} lasts {seconds:.3g} s: {MIN_REGION_S:g} to {MAX_DURATION_S:g} s are allowed")
    begin, end = round(request.from_s * rate), round(request.to_s * rate)
    return begin, file.frames if abs(end - file.frames) <= 1 else end
