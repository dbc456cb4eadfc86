"""Reads a recorded clip: what the model hears of it, and what of it goes into the result.

Any file libsndfile reads, any rate, any number of channels. One or two channels are kept in the result, more are mixed to one;
the model always hears their mean at its own rate. Every way a file can be unusable is one ClipError.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from engine.api import MAX_CLIP_S, MAX_CLIP_SAMPLES, MIN_CLIP_S, ClipError, GenerationRequest, resolve_clip

LISTEN_S = 30.0  # of a clip, to measure its tempo by
END_S = 0.001  # a join so near to a clip's end is at its end
SILENCE = 1e-4  # peak, -80 dB: below it there is nothing to continue


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip up to the place the continuation starts from.

    prefix: float32 (frames, channels) at the result's rate, ending at the join; only its last LISTEN_S where the result does not
    repeat it.
    context: float32 [frames] mono at the model's rate, ending at the join.
    """

    prefix: np.ndarray
    context: np.ndarray
    samplerate: int  # of the prefix
    from_s: float
    duration_s: float

    @property
    def channels(self) -> int:
        return self.prefix.shape[1]

    @property
    def whole(self) -> bool:
        """Whether it is continued from its end, as a loop is."""
        return self.from_s > self.duration_s - END_S


def read_clip(request: GenerationRequest, *, samplerate: int, model_samplerate: int, max_context_s: float) -> Clip:
    """Reads `request.clip`. `samplerate` is the result's, `model_samplerate` what the model hears. Raises ClipError."""
    path = resolve_clip(request.clip)
    try:
        with soundfile.SoundFile(path) as file:
            rate, total = file.samplerate, file.frames
            join = _join_frame(request, total, rate)
            context_s = min(request.context_s or max_context_s, max_context_s)
            keep_s = join / rate if request.join == "append" else min(join / rate, max(context_s, LISTEN_S))
            if round(keep_s * rate) * file.channels > MAX_CLIP_SAMPLES:
                raise ClipError(
                    f"{path.name} is too large: {keep_s:.0f} s of {file.channels} channels at {rate} Hz; use fewer, or join new"
                )
            file.seek(join - round(keep_s * rate))
            audio = file.read(round(keep_s * rate), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise ClipError(f"cannot read {path.name}: {_reason(error)}; use a WAV, AIFF, FLAC, OGG or MP3 file") from None
    if len(audio) < round(keep_s * rate) - 1:
        raise ClipError(
            f"{path.name} ends {keep_s - len(audio) / rate:.1f} s earlier than its header says: is it still being recorded?"
        )
    if not np.isfinite(audio).all():
        raise ClipError(f"{path.name} holds values that are no numbers (NaN or infinity): export it again from its source")
    if np.abs(audio).max() < SILENCE:
        raise ClipError(
            f"{path.name} is silent before {join / rate:.1f} s: there is nothing to continue, choose another place or clip"
        )
    if audio.shape[1] > 2:
        audio = audio.mean(1, keepdims=True)
    heard = audio[-round(context_s * rate) :].mean(1)
    return Clip(
        prefix=np.clip(soxr.resample(audio, rate, samplerate, "VHQ"), -1, 1),
        context=soxr.resample(heard, rate, model_samplerate, "VHQ"),
        samplerate=samplerate,
        from_s=join / rate,
        duration_s=total / rate,
    )


def _join_frame(request: GenerationRequest, total: int, rate: int) -> int:
    """The frame of the file where the new part begins. Raises ClipError when too little lies before it."""
    name, duration_s = resolve_clip(request.clip).name, total / rate
    if duration_s < MIN_CLIP_S:
        raise ClipError(f"{name} lasts {duration_s:.3g} s: a clip to continue must last {MIN_CLIP_S:g} s at least")
    from_s = duration_s if request.from_s is None else request.from_s
    if from_s > duration_s + 1 / rate:
        raise ClipError(f"from_s is {from_s:g} but {name} lasts {duration_s:.2f} s: choose a place inside the clip")
    if from_s < MIN_CLIP_S:
        raise ClipError(f"from_s is {from_s:g}: {MIN_CLIP_S:g} s of the clip at least must lie before it")
    if request.join == "append" and from_s > MAX_CLIP_S:
        raise ClipError(
            f"{name} is continued from {from_s:.0f} s: at most {MAX_CLIP_S:g} s are copied into a result; use join new"
        )
    return min(total, round(from_s * rate))


def _reason(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].rstrip(".") or type(error).__name__
