"""An estimate from jobs whose every second is known."""

from __future__ import annotations

import json

import pytest

from bridge.jobs.rates import Rates, measured_outside
from engine.api import CANDIDATES, GenerationRequest, ModelReport, Pace

PACE: Pace = {
    "variations": 1, "first_s": 0.0, "prepare_s": 0.2, "step_s": 0.004, "steps_per_s": 50.0, "render_s": 0.03,
    "render_per_s": 0.1, "left_s": 2.0, "ahead_s": 0.5, "rest_per_s": 0.0,
}  # fmt: skip


def request(seconds: float = 7.5, **values) -> GenerationRequest:
    return GenerationRequest("dub", duration_s=seconds, model="sketch", **values)


def report(**paces: Pace) -> ModelReport:
    return ModelReport("sketch", "", 0, "CPU", 48_000, 24_000, paces)


def test_a_job_like_the_last_takes_as_long():
    rates = Rates()
    rates.done(request(), PACE)
    reported = rates.estimate(request())
    # The first chunk: tokens of 0.5 s and of 0.5 s ahead, a window of 1 s.
    assert reported.first_s == pytest.approx(0.2 + 50 * 1.0 * 0.004 + 0.03 + 1.0 * 0.1)
    # Chunks end at 0.5, 1.5, 3.5 and 7.5 s; what is rendered for each begins 2 s before it and ends 0.5 s after.
    windows = (0.5 + 0.5) + (1.5 + 0.5) + (3.5 + 0.5) + (7.5 - 1.5)
    assert reported.total_s == pytest.approx(0.2 + 7.5 * 50 * 0.004 + 4 * 0.03 + windows * 0.1)
    assert reported.measured == 1


def test_the_first_sound_comes_as_late_as_it_did():
    rates = Rates()
    rates.done(request(), PACE | {"first_s": 0.3})
    assert rates.estimate(request(30.0)).first_s == pytest.approx(0.3)
    assert rates.estimate(request(decode="fast")).first_s != pytest.approx(0.3)
    assert rates.estimate(request(grid=True)).first_s == rates.estimate(request()).total_s  # heard when it is measured


def test_variations_share_steps_and_are_rendered_each():
    rates = Rates()
    rates.done(request(variations=4), PACE | {"variations": 4, "step_s": 0.006})
    rates.done(request(), PACE)
    one, four = rates.estimate(request()), rates.estimate(request(variations=4))
    rendered = 4 * 0.03 + 13.0 * 0.1
    assert four.total_s - one.total_s == pytest.approx(7.5 * 50 * 0.002 + 3 * rendered)
    between = rates.estimate(request(variations=2))
    assert one.total_s < between.total_s < four.total_s


def fill(seconds: float, candidates: int | None = 8) -> GenerationRequest:
    return GenerationRequest("", clip="take.wav", from_s=10.0, to_s=10.0 + seconds, model="sketch", candidates=candidates)


def test_a_fill_plays_each_candidate_and_is_whole_before_it_goes_out():
    rates = Rates()
    rates.done(fill(2.0), PACE | {"variations": 8, "prepare_s": 1.0})
    reported = rates.estimate(fill(4.0))
    assert reported.total_s == pytest.approx(1.0 + 4 * 50 * 0.004 + 8 * (0.03 + 4 * 0.1)) and reported.first_s == reported.total_s
    assert rates.estimate(fill(4.0, candidates=2)).total_s < reported.total_s - 6 * 4 * 0.1
    usual = rates.estimate(fill(4.0, None)).total_s
    assert usual == rates.estimate(fill(4.0, CANDIDATES)).total_s == reported.total_s < rates.estimate(fill(4.0, 16)).total_s
    assert rates.estimate(request(4.0, clip="take.wav")) is None  # a fill says nothing of a continuation


def test_a_loop_is_made_a_bar_longer():
    rates = Rates()
    rates.done(request(), PACE)
    loop = GenerationRequest("dub", bars=2, bpm=120.0, model="sketch", loop=True)
    assert rates.estimate(loop).total_s == rates.estimate(request(6.0)).total_s
    cut = GenerationRequest("dub", bars=2, bpm=120.0, model="sketch", loop=True, grid=False)
    assert rates.estimate(cut).total_s == rates.estimate(request(4.0)).total_s


def test_the_first_fill_is_estimated_from_continuations():
    rates = Rates()
    rates.done(request(), PACE | {"step_s": 1.0})
    rates.done(request(clip="take.wav"), PACE)
    reported = rates.estimate(fill(4.0))
    assert reported.measured == 0 and 8 * 4 * 0.1 < reported.total_s < 8 * 50 * 0.004 * 4


def test_the_first_clip_is_prepared_and_rendered_by_the_fast_path():
    """In its own sound, whatever path is asked for; a fill has two sides to prepare."""
    rates = Rates()
    rates.warmed_up("sketch", report(full=PACE, fast=PACE | {"render_per_s": 0.01}))
    words = rates.estimate(request(decode="fast")).total_s
    assert rates.estimate(request(clip="take.wav")).total_s == pytest.approx(words + 8 * 0.01)
    assert rates.estimate(request(clip="take.wav", timbre="model")).total_s == pytest.approx(words + 13 * 0.09 + 8 * 0.01)
    first = rates.estimate(fill(4.0)).total_s
    rates.done(request(clip="take.wav"), PACE | {"render_per_s": 0.01})
    assert first - rates.estimate(fill(4.0)).total_s == pytest.approx(8 * 0.01)
    rates.done(fill(4.0), PACE | {"variations": 8, "render_per_s": 0.01})
    assert rates.estimate(fill(4.0)).total_s == pytest.approx(0.2 + 4 * 50 * 0.004 + 8 * (0.03 + 4 * 0.01))


def test_the_more_are_made_together_the_dearer_a_step():
    """As measured: of eight twice one's, of sixteen nearly twice eight's."""
    rates = Rates()
    rates.done(fill(4.0), PACE | {"variations": 8})
    eight, sixteen = (rates.estimate(fill(4.0, count)).total_s - 0.2 - count * 0.43 for count in (8, 16))
    assert eight == pytest.approx(4 * 50 * 0.004) and 1.7 < sixteen / eight < 1.95


def test_steps_in_eight_bits_cost_nearly_as_much_again_for_each_that_is_made():
    """As measured: of four 3.8 times one's, of eight 7.1, of sixteen 11.8."""
    rates = Rates()
    rates.done(request(), PACE | {"variations": 1, "rows_apart": 1.0})
    one, four = rates.estimate(request()), rates.estimate(request(variations=4))
    rendered = 4 * 0.03 + 13.0 * 0.1
    assert four.total_s - one.total_s - 3 * rendered == pytest.approx(2.8 * 7.5 * 50 * 0.004, rel=0.1)
    rates.done(fill(4.0), PACE | {"variations": 8, "rows_apart": 1.0})
    eight, sixteen = (rates.estimate(fill(4.0, count)).total_s - 0.2 - count * 0.43 for count in (8, 16))
    assert sixteen / eight == pytest.approx(11.8 / 7.1, rel=0.05)


def test_variations_share_the_cores():
    """Two at a time: a window of each takes half of one's time, and what is each one's own of a step takes half."""
    rates, cores = Rates(), {"takes_at_once": 2.0, "rows_apart": 1.0}
    rates.done(request(), PACE | cores)
    one, two, three, four = (rates.estimate(request(variations=count)).total_s for count in (1, 2, 3, 4))
    rendered, steps = 4 * 0.03 + 13.0 * 0.1, 7.5 * 50 * 0.004
    assert two - one == pytest.approx(0.87 / 2 * steps) and four - three == pytest.approx(0.87 / 2 * steps)
    assert four - one == pytest.approx(rendered + 3 * 0.87 / 2 * steps)
    first = rates.estimate(request(variations=4)).first_s - rates.estimate(request()).first_s
    assert first == pytest.approx(50 * 1.0 * 0.004 * 3 * 0.87 / 2)  # its window takes as long as alone


def test_a_job_of_several_takes_as_long_again_and_says_what_one_takes():
    rates, cores = Rates(), {"takes_at_once": 2.0, "rows_apart": 1.0}
    rates.done(request(variations=4), PACE | cores | {"variations": 4})
    rendered, steps = 4 * 0.03 + 13.0 * 0.1, 7.5 * 50 * 0.004
    assert rates.estimate(request(variations=4)).total_s == pytest.approx(0.2 + steps + 4 * rendered)
    assert rates.estimate(request()).total_s == pytest.approx(0.2 + steps / (1 + 3 * 0.87 / 2) + 2 * rendered)


def test_what_is_most_alike_counts_and_of_that_the_median():
    rates = Rates()
    for render_per_s in (0.1, 0.1, 0.1, 9.0):  # a machine that was busy once
        rates.done(request(), PACE | {"render_per_s": render_per_s})
    rates.done(request(decode="fast"), PACE | {"render_per_s": 0.01})
    assert rates.estimate(request()).total_s == pytest.approx(0.2 + 1.5 + 4 * 0.03 + 13.0 * 0.1)
    assert rates.estimate(request(decode="fast")).total_s == pytest.approx(0.2 + 1.5 + 4 * 0.03 + 13.0 * 0.01)


def test_the_warm_up_counts_until_there_is_a_job_and_for_paths_that_had_none():
    rates = Rates()
    assert rates.estimate(request()) is None
    rates.warmed_up("sketch", report(full=PACE, fast=PACE | {"render_per_s": 0.01}))
    assert rates.estimate(request()).measured == 0
    rates.done(request(), PACE | {"step_s": 0.008})
    reported = rates.estimate(request(decode="fast"))
    assert reported.total_s == pytest.approx(0.2 + 7.5 * 50 * 0.008 + 4 * 0.03 + 13.0 * 0.01) and reported.measured == 1
    rates.device = "another"
    assert rates.estimate(request()) is None  # what another device took says nothing


def test_a_model_that_must_be_loaded_first_takes_longer():
    rates = Rates()
    rates.done(request(), PACE)
    rates.loaded("sketch", 3.0)
    loaded, not_yet = rates.estimate(request()), rates.estimate(request(), is_loaded=False)
    assert not_yet.first_s - loaded.first_s == pytest.approx(3.0)
    assert not_yet.total_s - loaded.total_s == pytest.approx(3.0)


def test_it_outlives_the_daemon_and_a_damaged_file_costs_no_more_than_itself(tmp_path):
    file = tmp_path / "state" / "rates.json"
    rates = Rates(file)
    for _ in range(100):
        rates.done(request(), PACE)
    rates.loaded("sketch", 2.0)
    rates.save()
    assert len(json.loads(file.read_text())["jobs"]) == 60
    assert Rates(file).estimate(request(), is_loaded=False) == rates.estimate(request(), is_loaded=False)
    for damage in ("", "{", "[]", '{"jobs": [1, {"model": "sketch"}]}', '{"jobs": 7}', '{"loads_s": {"a": "b"}}'):
        file.write_text(damage)
        assert Rates(file).estimate(request()) is None
    file.unlink()
    file.mkdir()
    Rates(file).save()  # said in the log


def test_an_engine_that_reports_no_pace_is_measured_from_outside():
    rates = Rates()
    rates.done(request(8.5), measured_outside(first_s=1.0, work_s=5.0, new_s=8.5, variations=1))
    reported = rates.estimate(request(16.5))
    assert reported.first_s == pytest.approx(1.0) and reported.total_s == pytest.approx(0.75 + 16.5 * 0.5)
