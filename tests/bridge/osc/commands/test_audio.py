"""Commands to the audio device, and the host's transport: what goes together, and what does not."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Play, ReportTransport, SetGain
from bridge.osc.parsing import parse_command

HERE = ["t", 120.0, 8.0, 1]


def test_gain_and_play():
    assert parse_command("/inspire/gain", ["g", -6]) == SetGain("g", -6.0)
    assert parse_command("/inspire/play", ["p", "j"]) == Play("p", "j", 1)
    with pytest.raises(MessageError, match="from -100 to 12"):
        parse_command("/inspire/gain", ["g", 13.0])


def test_a_transport_has_a_place_and_may_have_metre_loop_and_age():
    assert parse_command("/inspire/transport", HERE) == ReportTransport("t", 120.0, 8.0, True)
    more = ["beats_per_bar", 7, "beat_unit", 8, "loop_start_beats", 0, "loop_end_beats", 16.0, "age_s", 0.5]
    whole = ReportTransport("t", 120.0, 8.0, True, 7, 8, 0.0, 16.0, 0.5)
    assert parse_command("/inspire/transport", [*HERE, *more]) == whole


@pytest.mark.parametrize(
    ("pairs", "code", "reported"),
    [
        (["loop_start_beats", 0.0], "bad_request", "give both, or neither"),
        (["loop_end_beats", 4.0], "bad_request", "give both, or neither"),
        (["loop_start_beats", 4.0, "loop_end_beats", 4.0], "bad_request", "it must end later"),
        (["beats_per_bar", 3, "beat_unit", 3], "bad_value", "one of 2, 4, 8, 16"),
        (["beats_per_bar", 16, "beat_unit", 2], "bad_request", "at most 16 quarter notes"),
        (["beat_unit", 8], "bad_request", "without beats_per_bar"),
        (["age_s", 4.0], "bad_value", "from 0 to 3"),
    ],
)
def test_what_cannot_be_is_one_error(pairs, code, reported):
    with pytest.raises(MessageError, match=reported) as caught:
        parse_command("/inspire/transport", [*HERE, *pairs])
    assert caught.value.code == code
