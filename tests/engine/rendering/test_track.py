"""One variation's audio: exact length, chunk numbers, join, level and speed, over a renderer that plays a sine."""

import numpy as np
import pytest

from engine.music.level import rms_db
from engine.rendering.track import Source, Track
from engine.rendering.windows import ChunkPlan, FastRenderer

RATE, HOP = 24_000, 480


class Sine(FastRenderer):
    """480 samples to a token; what it plays depends on the place alone."""

    def __init__(self, amplitude=0.1, hz=220.0):
        self.samplerate, self.token_rate, self.left, self.lookahead = RATE, 50.0, 4, 4
        self.amplitude, self.hz = amplitude, hz

    def render(self, tokens, start, end, *, ended):
        at = np.arange(start * HOP, end * HOP) / RATE
        return (self.amplitude * np.sin(2 * np.pi * self.hz * at)).astype(np.float32)


def play(track):
    chunks = [*track.begin()]
    chunks += [chunk for _ in range(track.tokens) if (chunk := track.push(1)) is not None]
    chunks += track.finish()
    for index, chunk in enumerate(chunks):
        assert chunk.index == index and chunk.start_frame == sum(len(before.samples) for before in chunks[:index])
    return np.concatenate([chunk.samples for chunk in chunks])


@pytest.mark.parametrize("frames", [12_000, 12_345, 100_001])
@pytest.mark.parametrize("stretch", [1.0, 0.997, 1.0125])
def test_it_lasts_exactly_as_long_as_it_should(frames, stretch):
    track = Track(Sine(), ChunkPlan(), frames=frames, fade_s=0.0, stretch=stretch)
    audio = play(track)
    assert audio.shape == (frames, 1) and track.new_frames == track.frames == frames


def test_stretched_music_comes_out_at_its_pitch():
    """The model played it 1.25 % slower, and so lower."""
    audio = play(Track(Sine(hz=220 / 1.0125), ChunkPlan(), frames=2 * RATE, fade_s=0.0, stretch=1.0125))[:, 0]
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    assert spectrum.argmax() / 2 == pytest.approx(220, abs=0.5)


@pytest.mark.parametrize("repeated", [True, False])
def test_the_new_part_enters_at_the_sources_level_and_the_source_is_kept(repeated):
    clip = np.random.default_rng(0).normal(0, 0.2, (3 * RATE, 2)).astype(np.float32)
    track = Track(Sine(0.08), ChunkPlan(), frames=RATE, fade_s=0.0, source=Source(clip, [1] * 100, repeated=repeated))
    audio = play(track)
    assert audio.shape == (RATE + repeated * 3 * RATE, 2) and track.new_frames == RATE
    if repeated:
        np.testing.assert_array_equal(audio[: 3 * RATE - 720], clip[:-720])  # up to the cross-fade
    assert rms_db(audio[-RATE:-2000]) == pytest.approx(rms_db(clip), abs=0.5)  # the sine alone: -25 dB


def test_the_end_fades():
    audio = play(Track(Sine(), ChunkPlan(), frames=RATE, fade_s=0.25))
    assert audio[-1, 0] == 0 and np.abs(audio[-1000:]).max() < 0.02 < np.abs(audio[-RATE // 2 :]).max()


@pytest.mark.parametrize("first_s", [0.1, 0.5])  # shorter and longer than the lead-in
@pytest.mark.parametrize("stretch", [1.0, 0.997])
def test_a_loop_leads_in_unheard_and_goes_round_without_a_step(first_s, stretch):
    """331.7 Hz over 3 s and a bit: its end is not where its beginning is. Twelve tokens lead in."""
    track = Track(
        Sine(hz=331.7), ChunkPlan(first_s), frames=72_345, fade_s=0.0, stretch=stretch, lead_in=12, loop_bar=24_115
    )  # fmt: skip
    audio = play(track)[:, 0]
    assert len(audio) == track.new_frames == track.frames == 72_345
    natural = np.abs(np.diff(audio[: RATE // 2])).max()
    assert np.abs(np.diff(np.tile(audio, 2))).max() < 1.1 * natural
    begin = 0.1 * np.sin(2 * np.pi * 331.7 * stretch * (int(12 * HOP / stretch) + np.arange(RATE)) / RATE)
    np.testing.assert_allclose(audio[:RATE], begin, atol=0.002)


def test_a_loop_that_goes_on_from_a_clip_leads_to_the_clips_end():
    """The file is the clip, then the loop: what the loop's end leads into stands in it, right before the loop."""
    rng = np.random.default_rng(0)
    noise = (0.2 * rng.standard_normal((2 * RATE, 1))).astype(np.float32)
    source = Source(np.repeat(noise, 2, axis=1), [1] * 100, True)  # no wider than the sine is
    audio = play(Track(Sine(), ChunkPlan(), frames=3 * RATE, fade_s=0.0, source=source, loop_bar=RATE))
    assert len(audio) == 5 * RATE
    np.testing.assert_allclose(audio[-3:], audio[2 * RATE - 3 : 2 * RATE], atol=1e-3)
    assert np.abs(audio[-3:] - audio[2 * RATE : 2 * RATE + 3]).max() < 0.05  # and from there to the loop's first frame
