"""What MIDI does: learnt with the action's own arguments, forgotten by what triggers it."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Forget, Learn, ListBindings
from bridge.osc.parsing import parse_command


def test_a_learn_has_its_action_and_what_goes_with_it():
    assert parse_command("/inspire/midi/learn", ["l", "pause"]) == Learn("l", "pause", {})
    learnt = parse_command("/inspire/midi/learn", ["l", "gain", "low", -60, "high", 6, "reply_port", 9000])
    assert learnt == Learn("l", "gain", {"low": -60.0, "high": 6.0}, reply_port=9000)


def test_a_binding_is_listed_and_forgotten_by_kind_number_and_channel():
    assert parse_command("/inspire/midi/list", ["m"]) == ListBindings("m")
    assert parse_command("/inspire/midi/forget", ["f", "note"]) == Forget("f", "note", None, None)
    assert parse_command("/inspire/midi/forget", ["f", "note", "number", 60, "channel", 16]) == Forget("f", "note", 60, 16)


@pytest.mark.parametrize(
    ("address", "values", "reported"),
    [
        ("learn", ["dance"], "action is 'dance'"), ("learn", ["gain", "high", 21.0], "from -100 to 20"),
        ("forget", ["pedal"], "one of note, program, controller"), ("forget", ["note", "number", 128], "from 0 to 127"),
        ("forget", ["note", "channel", 0], "from 1 to 16"),
    ],
)  # fmt: skip
def test_what_midi_has_not_is_rejected(address, values, reported):
    with pytest.raises(MessageError, match=reported) as caught:
        parse_command(f"/inspire/midi/{address}", ["m", *values])
    assert caught.value.code == "bad_value"
