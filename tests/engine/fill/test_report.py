"""What is reported of a filled region: where it lies, both its joins, and how its candidates did."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.api import GenerationRequest
from engine.continuation.region import Region
from engine.fill.exit import Exit
from engine.fill.filler import Filling
from engine.fill.report import candidate_report, report_of

RATE = 24_000
EXIT = Exit(likelihood=-1.23456789, spectrum_db=2.5, energy_db=0.25, key=0.125, tempo=0.5)


def noise(seconds, level, seed=0):
    return (level * np.random.default_rng(seed).standard_normal((round(seconds * RATE), 1))).astype(np.float32)


def around(before_s=2.0, after_s=2.0, **request):
    """A region of one second, two seconds into a recording unless nothing is before it."""
    before, after = noise(before_s, 0.1), noise(after_s, 0.1)
    begin = len(before)
    region = Region(RATE, begin, begin + RATE, begin + RATE + len(after), before, after, after[:0], after[:0])
    asked = GenerationRequest(clip="a.wav", seed=5, **request)
    return SimpleNamespace(region=region, plan=SimpleNamespace(request=asked, timbre="clip"))


def filling(level=0.1, number=2, exit=EXIT):
    return Filling(number, (), exit, 0.98764, noise(1.0, level, 1), 3)


def test_it_says_where_the_region_lies_and_what_was_kept():
    report = report_of(around(bpm=120.0, key="A minor"), filling())
    assert (report.seed, report.frames, report.timbre, report.cuts) == (6, RATE, "clip", 3)
    assert (report.from_s, report.to_s, report.clip_s) == (2.0, 3.0, 5.0)
    assert (report.asked_bpm, report.asked_key) == (120.0, "A minor") and report.level_db == pytest.approx(-20, abs=0.3)


def test_both_joins_are_measured_each_from_the_old_to_the_new():
    """What is louder than its surroundings steps up where it begins and down where it ends."""
    report = report_of(around(), filling(level=0.2))
    assert report.join_level_db == pytest.approx(6, abs=0.5) and report.exit_level_db == pytest.approx(-6, abs=0.5)
    assert report.join_click_db is not None and report.exit_click_db is not None


@pytest.mark.parametrize(("missing", "kept"), [("before_s", "exit"), ("after_s", "join")])
def test_where_nothing_is_beside_it_there_is_no_join(missing, kept):
    report = report_of(around(**{missing: 0.0}), filling())
    measured = {name: getattr(report, f"{name}_level_db") is not None for name in ("join", "exit")}
    assert measured == {name: name == kept for name in ("join", "exit")}


def test_of_noise_no_tempo_or_key_is_made_up():
    report = report_of(around(), filling())
    assert report.bpm is report.key is report.asked_bpm is report.asked_key is None


def test_a_candidate_is_reported_by_its_seed_with_each_measure_rounded():
    report = candidate_report(GenerationRequest(clip="a.wav", seed=5), filling(number=3))
    assert (report.seed, report.score, report.likelihood) == (7, 0.9876, -1.2346)
    assert (report.spectrum_db, report.energy_db, report.key, report.tempo) == (2.5, 0.25, 0.125, 0.5)
