"""Both ends of what takes a region's place: inside of the region, so that not a sample around it changes."""

from __future__ import annotations

import numpy as np

from engine.arrays import Audio
from engine.continuation.region import Region
from engine.music.level import rms_db_without_dc
from engine.rendering.level import fade_out

QUIETER_DB = 12.0  # than the music beside it: then the old audio at an edge is a gap, or leads nowhere
SHORT_FADE_S, END_FADE_S = 0.003, 0.25  # where nothing is beside it, and where the clip is continued past its end


def fitted(audio: Audio, region: Region) -> Audio:
    """New audio (frames, channels) of the region's length, cross-faded with the old at both ends, which leads into what is around
    without a step. Where the old audio is a gap, a moment of the music beside it, mirrored, stands for it.
    """
    assert len(audio) == region.frames, f"{len(audio)} frames for a region of {region.frames}"
    out, edge = audio.copy(), len(region.opening)
    if not len(region.before):
        out = fade_out(out[::-1], region.samplerate, SHORT_FADE_S)[::-1].copy()
    elif edge:
        old = _edge(region.opening, region.before[::-1][:edge], region.samplerate)
        out[: len(old)] = _crossfaded(old, out[: len(old)])
    if region.end > region.total:
        return fade_out(out, region.samplerate, END_FADE_S)
    if not len(region.after):
        return fade_out(out, region.samplerate, SHORT_FADE_S)
    if edge:
        old = _edge(region.closing[::-1], region.after[:edge], region.samplerate)
        out[-len(old) :] = _crossfaded(old, out[-len(old) :][::-1])[::-1]
    return out


def _edge(old: Audio, beside: Audio, samplerate: int) -> Audio:
    """What new audio comes from, and goes to, at an edge: `old`, or where that is a gap the first SHORT_FADE_S of `beside`, so
    that they meet. Both are counted from the edge on. It is short: of a stroke that begins right beside the region, an echo
    before it would be audible.
    """
    if len(beside) < len(old) or rms_db_without_dc(old) > rms_db_without_dc(beside) - QUIETER_DB:
        return old
    return beside[: max(1, min(len(old), round(SHORT_FADE_S * samplerate)))]


def _crossfaded(old: Audio, new: Audio) -> Audio:
    """From `old` to `new` over their length, at constant power however alike they are."""
    mono_old, mono_new = old.mean(1), new.mean(1)
    alike = float(mono_old @ mono_new) / (float(np.sqrt((mono_old @ mono_old) * (mono_new @ mono_new))) + 1e-9)
    angle = np.linspace(0, np.pi / 2, len(old), dtype=np.float32)[:, None]
    rise, fall = np.sin(angle), np.cos(angle)
    level = 1 / np.sqrt(rise**2 + fall**2 + 2 * max(0.0, alike) * rise * fall)
    mixed: Audio = (old * fall + new * rise) * level
    return mixed
