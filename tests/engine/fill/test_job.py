"""What goes out of a fill, whatever its candidates are: progress, the best whole, the others after it, the report."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.acceleration import PaceMeter
from engine.api import AudioChunk, Finished, GenerationRequest, Progress
from engine.conditioning.plan import Sampling
from engine.continuation.region import Region
from engine.fill import job
from engine.fill.exit import Exit
from engine.fill.filler import Filling
from tests.reports import MODEL

RATE = 8_000
REGION = Region(RATE, RATE, 3 * RATE, 4 * RATE, *np.zeros((4, RATE, 1), np.float32))


class Filler:
    """In place of what samples candidates: `found`, best first, after two steps of progress."""

    found: list[Filling] = []
    asked: list[GenerationRequest] = []

    def __init__(self, *_):
        pass

    def plan(self, request):
        self.asked.append(request)
        plan = SimpleNamespace(
            request=request, sampling=Sampling(5, 2.0, 50, 1.0), words=SimpleNamespace(caption="dub"), grid=None, notes=(),
            timbre="clip",
        )  # fmt: skip
        return SimpleNamespace(region=REGION, plan=plan, count=100)

    def fill(self, around, variations):
        yield 0.25
        yield 0.5
        return self.found


def filling(number, score, exit=True):
    sound = np.full((2 * RATE, 1), number / 10, np.float32)
    return Filling(number, (), Exit(-score, 1.0, 0.0, 0.0, 0.0) if exit else None, score, sound, 1)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(job, "Filler", Filler)
    monkeypatch.setattr(Filler, "asked", [])

    def events(found, **request):
        monkeypatch.setattr(Filler, "found", found)
        request = GenerationRequest(clip="a.wav", **{"from_s": 1.0, "to_s": 3.0, "seed": 5} | request)
        sampler = SimpleNamespace(pace=PaceMeter())
        return list(job.FillJob(None, sampler, None, lambda: False).run(request, MODEL, 0.0, lambda: 1.5))

    return events


def test_progress_comes_first_and_then_the_best_as_a_whole(run):
    *progress, chunk, end = run([filling(2, 0.9), filling(1, 0.4)])
    assert [(one.phase, one.done_s, one.total_s) for one in progress] == [("generating", 0.5, 2.0), ("generating", 1.0, 2.0)]
    assert all(isinstance(one, Progress) for one in progress) and isinstance(end, Finished)
    assert (chunk.variation, chunk.start_frame, len(chunk.samples)) == (1, 0, 2 * RATE) and (chunk.samples == 0.2).all()
    assert (end.frames, end.samplerate, end.cancelled) == (2 * RATE, RATE, False)
    assert (end.report.first_chunk_s, end.report.new_s) == (1.5, 2.0)


def test_as_many_as_are_asked_for_go_out_and_all_are_reported(run):
    found = [filling(number, score) for number, score in ((3, 0.9), (1, 0.5), (2, 0.1))]
    *events, end = run(found, variations=2)
    chunks = [event for event in events if isinstance(event, AudioChunk)]
    assert [(chunk.variation, round(float(chunk.samples[0, 0]), 1)) for chunk in chunks] == [(1, 0.3), (2, 0.1)]
    assert [own.seed for own in end.report.variations] == [7, 5] and [own.seed for own in end.report.candidates] == [7, 5, 6]


def test_where_nothing_follows_no_candidate_is_judged(run):
    *_, end = run([filling(1, 0.0, exit=False)])
    assert end.report.candidates == () and len(end.report.variations) == 1


def test_a_cancelled_fill_has_no_audio_and_a_report_that_says_so(run):
    *events, end = run([])
    assert not any(isinstance(event, AudioChunk) for event in events)
    assert end.cancelled and end.frames == 0 and end.report.new_s == 0.0
    assert [(own.seed, own.frames) for own in end.report.variations] == [(5, 0)]


@pytest.mark.parametrize(("part", "dies_away"), [("Break", False), ("Drop", True)])
def test_a_section_is_filled_under_its_own_words_and_the_last_one_ends_its_piece(run, part, dies_away):
    arrangement = {"arrangement": "Break:2=pads Drop:2=drums", "part": part, "prompt": "house", "bpm": 240.0}
    *events, _ = run([filling(5, 0.9)], **arrangement)
    (chunk,) = [event for event in events if isinstance(event, AudioChunk)]
    end = float(np.abs(chunk.samples[-RATE // 20 :]).max())
    assert (end < 0.05) is dies_away and chunk.samples[0, 0] == 0.5
    (asked,) = Filler.asked
    assert asked.prompt == f"house, {'drums' if dies_away else 'pads'}" and asked.arrangement is None
