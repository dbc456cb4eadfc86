"""Presets are listed by bank, selected by name or number, or stepped through."""

from __future__ import annotations

import pytest

from bridge.osc.commands import ListPresets, SavePreset, SelectBank, SelectPreset, StepPreset
from bridge.osc.parsing import parse_command


@pytest.mark.parametrize(
    ("address", "values", "command"),
    [
        ("presets", [], ListPresets("p")),
        ("presets", ["bank", "band"], ListPresets("p", "band")),
        ("preset/select", [7], SelectPreset("p", "7")),  # a number, as MIDI programs have it
        ("preset/select", ["Swing"], SelectPreset("p", "Swing")),
        ("preset/next", [], StepPreset("p", 1)),
        ("preset/previous", ["reply_port", 9000], StepPreset("p", -1, reply_port=9000)),
        ("preset/bank", ["band"], SelectBank("p", "band")),
        ("preset/save", ["Mine", "j"], SavePreset("p", "Mine", "j")),
    ],
)
def test_a_message_is_its_command(address, values, command):
    assert parse_command(f"/inspire/{address}", ["p", *values]) == command
