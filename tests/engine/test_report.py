"""What the engine reports: the same after JSON, flat entries for a sidecar, and nothing of another variation in it."""

import dataclasses
import json

import pytest

from engine.report import GenerationReport
from tests.reports import REPORT


def test_a_report_is_the_same_after_json():
    assert GenerationReport.from_mapping(json.loads(json.dumps(dataclasses.asdict(REPORT)))) == REPORT


def test_a_field_that_no_report_has_is_rejected():
    with pytest.raises(TypeError, match="surprise"):
        GenerationReport.from_mapping(dataclasses.asdict(REPORT) | {"surprise": 1})


def test_a_sidecar_is_flat_json_without_what_does_not_apply():
    entries = REPORT.as_entries()
    assert json.loads(json.dumps(entries)) == entries
    assert (entries["model"], entries["weights"], entries["seed"], entries["key"]) == ("sketch", "0123456789abcdef", 7, "A minor")
    assert entries["notes"] == ["the key Am is played as A minor"] and entries["grid_bpm"] == 120.0
    assert "variations" not in entries and "cuts" not in entries and None not in entries.values()


def test_what_only_the_first_variation_has_is_not_reported_of_the_second():
    entries = REPORT.as_entries(2)
    assert (entries["seed"], entries["bpm"], entries["peak"]) == (8, 119.9, 0.8)
    assert "key" not in entries and entries["model"] == "sketch"
