"""What the engine reports: the same after JSON, one flat story for a sidecar, and nothing of another variation in it."""

import dataclasses
import json

import pytest

from engine.report import GenerationReport
from tests.reports import REPORT


def test_a_report_is_the_same_after_json():
    assert GenerationReport.from_mapping(json.loads(json.dumps(dataclasses.asdict(REPORT)))) == REPORT


def test_a_field_that_no_report_has_is_refused():
    with pytest.raises(TypeError, match="surprise"):
        GenerationReport.from_mapping(dataclasses.asdict(REPORT) | {"surprise": 1})


def test_a_story_is_flat_json_without_what_does_not_apply():
    story = REPORT.as_story()
    assert json.loads(json.dumps(story)) == story
    assert (story["model"], story["weights"], story["seed"], story["key"]) == ("sketch", "0123456789abcdef", 7, "A minor")
    assert story["notes"] == ["the key Am is played as A minor"] and story["grid_bpm"] == 120.0
    assert "variations" not in story and "cuts" not in story and None not in story.values()


def test_what_only_the_first_variation_has_is_not_told_of_the_second():
    story = REPORT.as_story(2)
    assert (story["seed"], story["bpm"], story["peak"]) == (8, 119.9, 0.8)
    assert "key" not in story and story["model"] == "sketch"
