"""A variation in the clip's own sound stays at the clip's level where what the model plays grows softer."""

import numpy as np
import pytest

from engine.music.grid import Grid
from engine.music.level import rms_db
from engine.rendering.clip_track import ClipTrack
from engine.rendering.track import Source
from engine.rendering.windows import ChunkPlan, FastRenderer

RATE, HOP, GRID = 24_000, 480, Grid(120.0)
CLIP_S, NEW_S = 8.0, 8.0
LOUD_DB, SOFT_DB = -15.0, -33.0


def notes(seconds: float, softer_db: float = 0.0) -> np.ndarray:
    """[n]: a bar loud and a bar 18 dB softer, by turns, a note every half beat, all of it softer by so much."""
    t = np.arange(round(seconds * RATE)) / RATE
    unit, bar = (t / 0.25).astype(int), (t / 2.0).astype(int)
    hz = np.array([220.0, 330.0, 440.0, 262.0])[unit % 4]
    level_db = np.where(bar % 2, SOFT_DB, LOUD_DB) - softer_db
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * hz * t) * np.exp(-4 * (t % 0.25))).astype(np.float32)


class Playing(FastRenderer):
    """Plays the clip, and after it the same music, softer by `fall_db`."""

    def __init__(self, fall_db: float) -> None:
        self.samplerate, self.token_rate, self.left, self.lookahead = RATE, 50.0, 4, 4
        self.audio = np.concatenate([notes(CLIP_S), notes(NEW_S, fall_db), np.zeros(RATE, np.float32)])

    def render(self, tokens, start, end, *, ended):
        return self.audio[start * HOP : end * HOP]


def continued(fall_db: float) -> np.ndarray:
    clip = notes(CLIP_S)[:, None]
    source = Source(clip, [1] * round(CLIP_S * RATE / HOP), repeated=False)
    track = ClipTrack(Playing(fall_db), ChunkPlan(), source=source, grid=GRID, frames=round(NEW_S * RATE), fade_s=0.0)
    chunks = [chunk for _ in range(track.tokens) if (chunk := track.push(1)) is not None]
    return np.concatenate([chunk.samples for chunk in [*chunks, *track.finish()]])


@pytest.mark.parametrize("fall_db", [0.0, 9.0, 18.0])
def test_it_is_at_the_clips_level_however_soft_the_model_plays(fall_db):
    """Played by the units most like it, music 18 dB softer would be played by the clip's soft bars alone, 15 dB down."""
    audio, clip = continued(fall_db), notes(CLIP_S)
    assert audio.shape == (round(NEW_S * RATE), 1)
    assert rms_db(audio) == pytest.approx(rms_db(clip), abs=3.0)
    assert rms_db(audio[-4 * RATE :]) > rms_db(clip) - 3.0


def test_music_at_the_clips_level_keeps_its_loud_and_soft_bars():
    audio = continued(0.0)[:, 0]
    bars = [rms_db(bar) for bar in audio.reshape(4, -1)]
    assert min(bars[0], bars[2]) > max(bars[1], bars[3]) + 12.0
