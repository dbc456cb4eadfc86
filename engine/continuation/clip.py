"""Reads a recorded clip: what the model reads of it, and what of it goes into the result.

Any file `engine.continuation.recorded_audio` opens, any rate, any number of channels. One or two channels are kept in the result,
5.1 as two, any others are mixed to one; the model reads one at its own rate. Every way a file can be unusable is one ClipError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import soxr

from engine.api import MAX_CLIP_S, MAX_CLIP_SAMPLES, MIN_CLIP_S, MIN_REGION_S, ClipError, GenerationRequest, resolve_clip
from engine.arrays import Audio
from engine.continuation.recent import Recent, digest
from engine.continuation.recorded_audio import UnreadableError, open_recording
from engine.music.analysis import measure_bpm, measure_key
from engine.music.channels import dc_of, swing, to_mono

EXCERPT_S = 30.0  # of a clip's end, that its tempo and key are measured in
END_S = 0.001  # a join so near to a clip's end is at its end
SILENCE = 1e-4  # peak, -80 dB: below it there is nothing to continue
RECENT = 16  # excerpts whose tempo and key are kept

_tempi: Recent[float | None] = Recent(RECENT)
_keys: Recent[tuple[int, str] | None] = Recent(RECENT)


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip up to the place the continuation starts from.

    prefix: float32 (frames, channels) at the result's rate, ending at the join; only its last EXCERPT_S where the result does not
    repeat it.
    context: float32 [frames] mono at the model's rate, ending at the join.
    """

    prefix: Audio
    context: Audio
    samplerate: int  # of the prefix
    from_s: float
    duration_s: float
    recorded_at: int = 0  # the file's own rate in Hz
    gain_db: float = 0.0  # of the prefix: below 0 where the clip goes above full scale, which a result cannot

    @property
    def channels(self) -> int:
        return int(self.prefix.shape[1])

    @cached_property
    def excerpt(self) -> Audio:
        """Mono float32 [frames] of its last EXCERPT_S at the result's rate, to measure it by."""
        return to_mono(self.prefix[-round(EXCERPT_S * self.samplerate) :])

    @cached_property
    def _excerpt_digest(self) -> tuple[bytes, int]:
        return digest(self.excerpt), self.samplerate

    @property
    def bpm(self) -> float | None:
        """The excerpt's tempo; None where there is no beat."""
        return _tempi.of(self._excerpt_digest, lambda: measure_bpm(self.excerpt, self.samplerate))

    @property
    def key(self) -> tuple[int, str] | None:
        """The excerpt's key as (pitch class, mode); None where there is none."""
        return _keys.of(self._excerpt_digest, lambda: measure_key(self.excerpt, self.samplerate))

    @property
    def whole(self) -> bool:
        """Whether it is continued from its end, as a loop is."""
        return self.from_s > self.duration_s - END_S


def read_clip(request: GenerationRequest, *, samplerate: int, model_samplerate: int, max_context_s: float) -> Clip:
    """Reads `request.clip`. `samplerate` is the result's, `model_samplerate` the model's. Raises ClipError."""
    assert request.clip is not None, "there is a clip to read"
    path = resolve_clip(request.clip)
    try:
        with open_recording(path) as file:
            rate, total = file.samplerate, file.frames
            join = _join_frame(request, path.name, total, rate)
            context_s = min(request.context_s or max_context_s, max_context_s)
            keep_s = join / rate if request.join == "append" else min(join / rate, max(context_s, EXCERPT_S))
            if round(keep_s * rate) * file.channels > MAX_CLIP_SAMPLES:
                raise ClipError(
                    f"{path.name} is too large: {keep_s:.0f} s of {file.channels} channels at {rate} Hz; use fewer, or join new"
                )
            audio = file.read(join - round(keep_s * rate), round(keep_s * rate))
    except UnreadableError as error:
        raise ClipError(f"cannot read {path.name}: {error}") from None
    if len(audio) < round(keep_s * rate) - 1:
        raise ClipError(f"{path.name} became shorter while it was read: wait until it is written, and try again")
    if not np.isfinite(audio).all():
        raise ClipError(f"{path.name} holds values that are no numbers (NaN or infinity): export it again from its source")
    if swing(audio) < 2 * SILENCE:
        where, other = ("", "clip") if request.task != "music" else (f" before {join / rate:.1f} s", "place or clip")
        raise ClipError(f"{path.name} is silent{where}: there is nothing to {_verb(request)}, choose another {other}")
    if audio.shape[1] > 2:
        audio = to_mono(audio)[:, None]
    prefix = resampled(audio, rate, samplerate)
    peak = float(np.abs(prefix).max())
    if peak > 1:
        prefix /= np.float32(peak)
    return Clip(
        prefix=prefix,
        context=resampled(to_mono(audio[-round(context_s * rate) :]), rate, model_samplerate),
        samplerate=samplerate,
        recorded_at=rate,
        from_s=join / rate,
        duration_s=total / rate,
        gain_db=-20 * math.log10(peak) if peak > 1 else 0.0,
    )


def read_beginning(request: GenerationRequest) -> tuple[Audio, int, float]:
    """Of `request.clip` the first EXCERPT_S, mono float32 [frames]; its rate in Hz, and how long all of it lasts in seconds.

    Raises ClipError.
    """
    assert request.clip is not None, "there is a clip"
    path = resolve_clip(request.clip)
    try:
        with open_recording(path) as file:
            audio = file.read(0, round(EXCERPT_S * file.samplerate))
            return to_mono(audio), file.samplerate, file.frames / file.samplerate
    except UnreadableError as error:
        raise ClipError(f"cannot read {path.name}: {error}") from None


def resampled(audio: Audio, rate: int, wanted: int) -> Audio:
    """About its mean: where audio with DC begins and ends, a resampler meets a step."""
    if rate == wanted:
        return audio.copy()
    mean = dc_of(audio)
    resampled: Audio = soxr.resample(audio - mean, rate, wanted, "VHQ") + mean
    return resampled


def _verb(request: GenerationRequest) -> str:
    """What is done with the clip."""
    return "continue" if request.task == "music" else request.task


def _join_frame(request: GenerationRequest, name: str, total: int, rate: int) -> int:
    """The frame of the file where the new part begins. Raises ClipError when too little lies before it."""
    duration_s = total / rate
    least_s = MIN_CLIP_S if request.task == "music" else MIN_REGION_S
    if duration_s < least_s:
        raise ClipError(f"{name} lasts {duration_s:.3g} s: a clip to {_verb(request)} must last {least_s:g} s at least")
    from_s = duration_s if request.from_s is None else request.from_s
    if from_s > duration_s + 1 / rate:
        raise ClipError(f"from_s is {from_s:g} but {name} lasts {duration_s:.2f} s: choose a place inside the clip")
    if from_s < least_s:
        raise ClipError(f"from_s is {from_s:g}: {least_s:g} s of the clip at least must lie before it")
    if request.task != "music" and duration_s > MAX_CLIP_S:
        most = f"a clip to {_verb(request)} may last {MAX_CLIP_S:g} s"
        raise ClipError(f"{name} lasts {duration_s:.0f} s: {most}; give it in parts")
    if request.join == "append" and from_s > MAX_CLIP_S:
        raise ClipError(
            f"{name} is continued from {from_s:.0f} s: at most {MAX_CLIP_S:g} s are copied into a result; use join new"
        )
    return min(total, round(from_s * rate))
