"""Both ends of what takes a region's place: inside of the region, so that not a sample around it changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.continuation.region import Region
from engine.music.level import rms_db_without_dc
from engine.rendering.level import fade_out

QUIETER_DB = 12.0  # than the music beside it: then the old audio at an edge is a gap, or leads nowhere
START_FADE_S, END_FADE_S = 0.003, 0.25  # where nothing is before, and where nothing follows

Audio = NDArray[np.float32]


def fitted(audio: Audio, region: Region) -> Audio:
    """New audio (frames, channels) of the region's length, cross-faded with the old at both ends, which leads into what is around
    without a step. Where the old audio is a gap, the music beside it, mirrored, stands for it.
    """
    assert len(audio) == region.frames, f"{len(audio)} frames for a region of {region.frames}"
    out = audio.copy()
    edge = len(region.opening)
    if not len(region.before):
        out = fade_out(out[::-1], region.samplerate, START_FADE_S)[::-1].copy()
    elif edge:
        old = _edge(region.opening, region.before[-edge:])
        out[:edge] = _crossfaded(old, out[:edge])
    if region.end > region.total:
        return fade_out(out, region.samplerate, END_FADE_S)
    if not len(region.after):
        return fade_out(out, region.samplerate, START_FADE_S)
    if edge:
        old = _edge(region.closing[::-1], region.after[:edge][::-1])[::-1]
        out[-edge:] = _crossfaded(old[::-1], out[-edge:][::-1])[::-1]
    return out


def _edge(old: Audio, beside: Audio) -> Audio:
    """What leads on from `beside`, as long as it: `old`, or where that is a gap `beside` mirrored."""
    if len(beside) < len(old) or rms_db_without_dc(old) > rms_db_without_dc(beside) - QUIETER_DB:
        return old
    return beside[::-1]


def _crossfaded(old: Audio, new: Audio) -> Audio:
    """From `old` to `new` over their length, at constant power however alike they are."""
    mono_old, mono_new = old.mean(1), new.mean(1)
    alike = float(mono_old @ mono_new) / (float(np.sqrt((mono_old @ mono_old) * (mono_new @ mono_new))) + 1e-9)
    angle = np.linspace(0, np.pi / 2, len(old), dtype=np.float32)[:, None]
    rise, fall = np.sin(angle), np.cos(angle)
    level = 1 / np.sqrt(rise**2 + fall**2 + 2 * max(0.0, alike) * rise * fall)
    mixed: Audio = (old * fall + new * rise) * level
    return mixed
