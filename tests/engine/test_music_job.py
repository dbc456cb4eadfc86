"""Music jobs at tiny size: variations, loops, cancels, and takes that are made again until they are on their grid."""

import dataclasses
import threading
from threading import Barrier

import numpy as np
import pytest
import soundfile
import torch

from engine.api import AudioChunk, GenerationRequest, OutOfMemory
from engine.music.grid_check import GridCheck
from engine.pipeline import Pipeline
from engine.rendering.windows import FastRenderer, FullRenderer
from tests import synthetic
from tests.engine.conftest import run, run_variations
from tests.tiny_model import TINY, write_tiny_model


def test_first_chunk_comes_before_the_last_token(engine, model):
    """Streaming: when the first chunk is handed out, most tokens have not been sampled yet."""
    asked = []
    request = GenerationRequest(prompt="x", duration_s=8, model=model, seed=1, decode="fast")
    events = engine.generate(request, lambda: bool(asked.append(1)))
    next(event for event in events if isinstance(event, AudioChunk))
    assert len(asked) < 100 < 8 * 50


@pytest.mark.parametrize(
    "request_",
    [
        {"prompt": "dub", "duration_s": 1.5, "decode": "full"},
        {"prompt": "dub", "duration_s": 12, "decode": "fast"},  # past the trained length
        {"prompt": "dub", "duration_s": 1.5, "decode": "fast", "guidance": 1.0},
        {"prompt": "dub", "duration_s": 1.5, "decode": "fast", "temperature": 0.5, "top_k": 3},
    ],
)
def test_each_variation_is_what_its_seed_gives_alone(engine, model, request_):
    together, end = run_variations(engine, model=model, variations=3, seed=2**31 - 2, **request_)
    assert [own.seed for own in end.report.variations] == [2**31 - 2, 2**31 - 1, 0] and end.report.seed == 2**31 - 2
    for number, own in enumerate(end.report.variations, 1):
        np.testing.assert_array_equal(together[number], run(engine, model, **request_ | {"seed": own.seed})[0])
    assert not np.array_equal(together[1], together[2])


@pytest.mark.parametrize(("decode", "renderer"), [("full", FullRenderer), ("fast", FastRenderer)])
def test_variations_are_rendered_side_by_side_and_come_in_their_order(model, monkeypatch, decode, renderer):
    monkeypatch.setenv("INSPIRE_THREADS", "2")
    before = torch.get_num_threads()
    try:
        engine, meeting, render = Pipeline("cpu"), Barrier(2), renderer.render
        engine.load(model)

        def met(self, *args, **options):
            meeting.wait(timeout=20)  # broken where one take waits for the other's window
            return render(self, *args, **options)

        monkeypatch.setattr(renderer, "render", met)
        monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread begins in the middle of a job"))
        request = GenerationRequest(prompt="dub", duration_s=4.0, model=model, variations=4, decode=decode, seed=1)
        chunks = [event for event in engine.generate(request) if isinstance(event, AudioChunk)]
    finally:
        torch.set_num_threads(before)
    assert [chunk.variation for chunk in chunks] == [1, 2, 3, 4] * (len(chunks) // 4)
    assert [chunk.index for chunk in chunks] == sorted(chunk.index for chunk in chunks) and len(chunks) > 8


def test_a_take_that_cannot_be_rendered_ends_the_job_once_those_beside_it_have_ended(engine, model, monkeypatch):
    render = FastRenderer.render

    def failing(self, tokens, start, end, *, ended):
        if start:
            raise MemoryError("no room")
        return render(self, tokens, start, end, ended=ended)

    monkeypatch.setattr(FastRenderer, "render", failing)
    request = {"prompt": "dub", "duration_s": 4.0, "decode": "fast", "seed": 1}
    with pytest.raises(OutOfMemory):
        run_variations(engine, model=model, variations=3, **request)
    monkeypatch.undo()
    together, _ = run_variations(engine, model=model, variations=3, **request)
    np.testing.assert_array_equal(together[1], run(engine, model, **request)[0])


def test_variations_of_a_continuation_each_join_the_clip(engine, model, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, synthetic.clicks(120, 4.0, rate=48_000), 48_000)
    request = {"clip": str(clip), "duration_s": 1.0, "decode": "fast"}
    together, _ = run_variations(engine, model=model, variations=2, seed=3, **request)
    for number in (1, 2):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=2 + number, **request)[0])


def test_variations_of_a_model_with_noise_for_a_negative(engine, tmp_path):
    """Each draws the noise of its own seed."""
    noisy = write_tiny_model(tmp_path / "noisy", language_model=dataclasses.replace(TINY.language_model, negative="noise"))
    noisy = str(noisy)
    together, _ = run_variations(engine, model=noisy, variations=2, seed=3, prompt="dub", duration_s=1.0, decode="fast")
    for number in (1, 2):
        alone, *_ = run(engine, noisy, seed=2 + number, prompt="dub", duration_s=1.0, decode="fast")
        np.testing.assert_array_equal(together[number], alone)


def test_cancel_keeps_what_there_is_of_each_variation(engine, model):
    asked = []
    audio, end = run_variations(
        engine, lambda: bool(asked.append(1)) or len(asked) > 100,
        model=model, variations=2, prompt="dub", duration_s=8, decode="fast", seed=1,
    )  # fmt: skip
    assert end.cancelled and 0 < len(audio[1]) == len(audio[2]) < 8 * 24_000


def test_cancel_keeps_what_was_made(engine, model):
    calls = []

    def cancelled():
        return calls.append(1) or len(calls) > 150

    audio, end, *_ = run(engine, model, cancelled, prompt="dub", duration_s=20, decode="fast", seed=1)
    assert end.cancelled and 0 < len(audio) < 5 * 24_000


@pytest.mark.parametrize("decode", ["full", "fast"])
@pytest.mark.parametrize("bpm", [124.0, 127.3])
def test_a_loop_without_the_check_of_its_grid_is_streamed_and_lasts_exactly_its_bars(engine, model, decode, bpm):
    request = {"prompt": "dub techno", "bars": 2, "bpm": bpm, "decode": decode, "seed": 1, "loop": True, "grid": False}
    audio, end, chunks, _ = run(engine, model, **request)
    assert len(audio) == round(2 * 4 * 60 / bpm * end.samplerate) and len(chunks) >= 3
    cut, *_ = run(engine, model, **request | {"loop": False})
    assert not np.array_equal(cut, audio)  # with a lead-in it is another piece
    natural = np.abs(np.diff(audio, axis=0)).max()
    assert np.abs(audio[0] - audio[-1]).max() <= natural


def test_variations_of_a_loop_are_loops(engine, model):
    request = {"prompt": "dub", "bars": 1, "bpm": 120.0, "decode": "fast", "loop": True}
    together, _ = run_variations(engine, model=model, variations=2, seed=5, **request)
    for number in (1, 2):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=4 + number, **request)[0])


def test_a_streamed_loop_that_is_cancelled_keeps_what_was_held_back_of_its_last_bar(engine, model):
    """As much of it goes out as of the same piece that is no loop, and is cut at the same token."""
    request = {"prompt": "dub", "bars": 2, "bpm": 60.0, "decode": "fast", "seed": 1, "grid": False}  # of 8 s, 4 are held back

    def frames(loop):
        asked = []
        audio, end, *_ = run(engine, model, cancelled=lambda: bool(asked.append(1)) or len(asked) > 390, loop=loop, **request)
        assert end.cancelled and end.frames == len(audio) and np.abs(audio[-24_000:]).max() > 0
        return len(audio)

    streamed = frames(False)
    assert 5 * 24_000 < streamed < 8 * 24_000 and frames(True) > 4.5 * 24_000


class Measured:
    """In place of the check of the grid, which finds no beat in what the tiny model plays: how late each take is, in turn."""

    def __init__(self, monkeypatch, *late_s):
        self.left = [*late_s]
        monkeypatch.setattr("engine.rendering.measurement.check_grid", self)

    def __call__(self, audio, samplerate, grid):
        return GridCheck(grid.bpm, self.left.pop(0) if len(self.left) > 1 else self.left[0], 0.9)


ON_GRID = {"prompt": "dub", "bars": 1, "bpm": 120.0, "decode": "fast", "grid": True}


@pytest.mark.parametrize("loop", [False, True])
def test_what_is_off_its_grid_is_made_again_with_the_next_seeds(engine, model, monkeypatch, loop):
    Measured(monkeypatch, -0.046, 0.031, 0.003)
    audio, end, chunks, _ = run(engine, model, seed=5, loop=loop, **ON_GRID)
    own = end.report.variations[0]
    assert len(chunks) == 1 and len(audio) == 48_000 and not end.cancelled
    assert (own.seed, own.rolls, own.downbeat_ms, own.bpm_measured, end.report.seed) == (7, 3, 3.0, 120.0, 5)
    assert end.report.notes[-1] == "the beats of seed 5 are 46 ms early: seed 7 was kept, whose are 3 ms late"
    Measured(monkeypatch, 0.003)
    np.testing.assert_array_equal(audio, run(engine, model, seed=7, loop=loop, **ON_GRID)[0])


def test_after_three_takes_the_best_is_kept(engine, model, monkeypatch):
    Measured(monkeypatch, 0.1, 0.05, 0.07)
    _, end, *_ = run(engine, model, seed=5, **ON_GRID)
    assert (end.report.variations[0].seed, end.report.variations[0].rolls) == (6, 3)
    assert "after 3 rolls the nearest are those of seed 6, 50 ms late" in end.report.notes[-1]


def test_only_the_variation_that_is_off_is_made_again_and_its_seed_is_reported(engine, model, monkeypatch):
    Measured(monkeypatch, 0.0, 0.05, 0.0)
    together, end = run_variations(engine, model=model, variations=2, seed=5, **ON_GRID)
    assert [own.seed for own in end.report.variations] == [5, 7]
    for number, seed in ((1, 5), (2, 7)):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=seed, **ON_GRID)[0])


def test_a_cancel_while_it_is_made_again_leaves_the_take_there_is(engine, model, monkeypatch):
    Measured(monkeypatch, 0.1)
    asked = []
    audio, end, *_ = run(engine, model, cancelled=lambda: bool(asked.append(1)) or len(asked) > 200, seed=5, **ON_GRID)
    assert len(audio) == 48_000 and end.report.variations[0].seed == 5


def test_a_continuation_is_not_moved_but_made_again(engine, model, monkeypatch, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, synthetic.clicks(120, 4.0, rate=48_000), 48_000)
    request = {"clip": str(clip), "bars": 1, "bpm": 120.0, "decode": "fast"}
    Measured(monkeypatch, 0.1, 0.012)
    audio, end, *_ = run(engine, model, seed=5, grid=True, **request)
    assert end.report.variations[0].moved_ms is None and end.report.variations[0].seed == 6
    np.testing.assert_array_equal(audio, run(engine, model, seed=6, **request)[0])
