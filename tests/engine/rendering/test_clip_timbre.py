"""A continuation in the clip's own sound: what the rendering says comes is played by the clip, on the grid and without a seam."""

import numpy as np
import pytest

from engine.music.grid import Grid
from engine.rendering import clip_timbre
from engine.rendering.clip_timbre import FADE_S, ClipTimbre, Spectra, enough

RATE, MODEL_RATE = 48_000, 24_000
GRID = Grid(120.0)  # half a beat lasts a quarter of a second
UNIT_S = 0.25
NOTES = {"c": 261.6, "e": 329.6, "g": 392.0, "a": 440.0}


def play(notes: str, samplerate: int, sounds_like: str = "string") -> np.ndarray:
    """[n] a note a unit. "string" has overtones, as a clip has; "codec" has not: the same notes in another colour."""
    pieces, number = [], round(UNIT_S * samplerate)
    t = np.arange(number) / samplerate
    for note in notes:
        harmonics = range(1, 9) if sounds_like == "string" else (1, 2)
        tone = sum(np.sin(2 * np.pi * NOTES[note] * h * t) / h for h in harmonics)
        pieces.append(0.2 * tone * np.exp(-t * 6) * np.minimum(1, t * 500))
    return np.concatenate(pieces).astype(np.float32)


def timbre(notes: str, **options) -> ClipTimbre:
    clip = play(notes, RATE)
    return ClipTimbre(
        np.stack([clip, 0.5 * clip], 1), play(notes, MODEL_RATE, "codec"),
        samplerate=RATE, rendering_rate=MODEL_RATE, grid=GRID, **options,
    )  # fmt: skip


def continued(clip: ClipTimbre, notes: str, chunk_s: float = 0.5) -> np.ndarray:
    """What follows the join, its fade from the clip left out."""
    rendering, size = play(notes, MODEL_RATE, "codec"), round(chunk_s * MODEL_RATE)
    starts = range(0, len(rendering), size)
    out = [clip.push(rendering[a : a + size], last=a + size >= len(rendering)) for a in starts]
    return np.concatenate(out)[clip.fade :]


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Of two magnitude spectra: 1 for the same sound."""
    a, b = (np.abs(np.fft.rfft(x * np.hanning(len(x)))) for x in (a, b))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_each_unit_is_played_by_the_clips_own_sound_of_that_note():
    asked = "gaeccega"
    out = continued(timbre("cegaaceggaceceag"), asked)
    size = round(UNIT_S * RATE)
    for number, note in enumerate(asked):
        measured = out[number * size : (number + 1) * size - round(FADE_S * RATE), 0]
        assert likeness(measured, play(note, RATE)[: len(measured)]) > 0.95, f"{note} at {number}"
        for other in set("cega") - {note}:
            assert likeness(measured, play(other, RATE)[: len(measured)]) < 0.7


def test_the_result_has_the_clips_channels_and_is_as_long_as_the_rendering():
    out = continued(timbre("cega" * 4), "cegacega")
    assert out.shape == (round(8 * UNIT_S * RATE), 2) and out.dtype == np.float32
    np.testing.assert_allclose(out[:, 1], 0.5 * out[:, 0], atol=1e-6)


def test_a_phrase_of_the_clip_stays_whole():
    clip = timbre("cegaaceggaceceag")
    continued(clip, "gaceceag")
    assert len(clip.cuts) == 1  # where it begins


@pytest.mark.parametrize("chunk_s", [0.1, 0.37, 4.0])
def test_chunks_of_any_size_last_as_long(chunk_s):
    out = continued(timbre("cegaaceggaceceag"), "gaeccega" * 2, chunk_s)
    assert len(out) == round(16 * UNIT_S * RATE)


def test_a_drawn_unit_differs_from_seed_to_seed_and_the_others_do_not():
    def drawn(seed, spread):
        clip = timbre("cegaaceggaceceag")
        clip.draw(5, np.random.default_rng(seed), spread)
        return continued(clip, "gaecceg")

    last, best = round(5 * UNIT_S * RATE), drawn(0, 0.0)
    takes = [drawn(seed, 2.0)[last:] for seed in range(6)]
    np.testing.assert_array_equal(best, continued(timbre("cegaaceggaceceag"), "gaecceg"))
    np.testing.assert_array_equal(takes[0], drawn(0, 2.0)[last:])
    assert len({take.tobytes() for take in takes}) >= 4
    near = drawn(0, 0.001)
    assert np.abs(near - best).max() < 1e-6  # unless others are as near


def test_a_loop_goes_round_without_a_cut(monkeypatch):
    monkeypatch.setattr(clip_timbre, "REUSE", 0.0)  # which would have it varied
    notes = "cegagece"
    clip = timbre(notes * 2, loop_s=len(notes) * UNIT_S)
    out = continued(clip, notes * 2)
    assert not clip.cuts
    np.testing.assert_allclose(np.abs(out).max(), np.abs(play(notes, RATE)).max(), rtol=0.05)


def test_cuts_fall_right_before_onsets_and_do_not_click():
    out = continued(timbre("cegaaceggaceceag"), "gaeccega")[:, 0]
    steps = np.abs(np.diff(out))
    assert steps.max() < 1.3 * np.abs(np.diff(play("cega", RATE))).max()
    size = round(UNIT_S * RATE)
    for number in range(1, 8):  # right after a grid line the attack is whole, within the alignment
        attack = np.abs(out[number * size : number * size + round(0.02 * RATE)]).max()
        assert attack > 0.3


def test_the_join_fades_from_the_clips_own_end():
    clip = timbre("cegaaceggaceceag")
    out = clip.push(play("gaeccega", MODEL_RATE, "codec"), last=True)
    np.testing.assert_allclose(out[0], clip.audio[-clip.fade], atol=1e-4)


def test_a_stretched_rendering_keeps_the_grid():
    stretch = 1.01
    clip, measured = play("cegaaceggaceceag", RATE), play("cegaaceggaceceag", round(MODEL_RATE * stretch), "codec")
    mosaic = ClipTimbre(clip[:, None], measured, samplerate=RATE, rendering_rate=MODEL_RATE, stretch=stretch, grid=GRID)
    out = mosaic.push(play("gaeccega" * 4, round(MODEL_RATE * stretch), "codec"), last=True)[mosaic.fade :]
    assert abs(len(out) - 32 * UNIT_S * RATE) < 2
    last = out[-round(UNIT_S * RATE) : -round(FADE_S * RATE), 0]
    assert likeness(last, play("a", RATE)[: len(last)]) > 0.95


def test_a_clip_of_a_few_units_is_not_enough():
    assert not enough(7 * UNIT_S, GRID) and enough(8 * UNIT_S, GRID) and not enough(8 * UNIT_S, Grid(120.0, 5))
    assert enough(2.0, None) and not enough(1.9, None)


def test_silence_has_spectra_too():
    assert Spectra(MODEL_RATE, np.zeros(0, np.float32)).of(np.zeros(2400, np.float32)).shape == (10, 112)
