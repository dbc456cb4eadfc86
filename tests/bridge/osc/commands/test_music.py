"""The commands that make music become requests: a region in seconds or bars, sections, a clip and what is to be done with it."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Draft, Estimate, Submit
from bridge.osc.parsing import parse_command

CLIP = "/loops/amen.wav"


def test_continue_takes_a_clip_and_no_prompt():
    command = parse_command("/inspire/continue", ["j", CLIP, "from_s", 2.0, "join", "new"])
    assert (command.request.clip, command.request.from_s, command.request.join) == (CLIP, 2.0, "new")


def test_a_fill_has_a_region_in_seconds_or_in_bars_and_is_alone_unless_appended():
    seconds = parse_command("/inspire/fill", ["f", CLIP, 2.0, 4.0]).request
    assert (seconds.from_s, seconds.to_s, seconds.join, seconds.is_fill) == (2.0, 4.0, "new", True)
    bars = parse_command("/inspire/fill", ["f", CLIP, 0.0, 0.0, "start_bar", 2, "end_bar", 4, "join", "append"]).request
    assert (bars.from_bar, bars.to_bar, bars.from_s, bars.to_s, bars.join) == (2, 4, None, None, "append")
    with pytest.raises(MessageError, match="in seconds and in bars") as caught:
        parse_command("/inspire/fill", ["f", CLIP, 2.0, 4.0, "start_bar", 2, "end_bar", 4])
    assert caught.value.code == "bad_request"


def test_a_sketch_may_leave_everything_to_a_preset():
    draft = parse_command("/inspire/sketch", ["s", "", "preset", "Swing"])
    assert isinstance(draft, Draft) and draft.is_sketch and draft.preset == "Swing"


def test_an_arrangement_needs_sections_and_its_prompt_may_stand_in_them():
    request = parse_command("/inspire/arrange", ["a", "intro:4=pads drop:8=drums", "bpm", 120.0]).request
    assert [(section.name, section.bars) for section in request.sections] == [("intro", 4), ("drop", 8)]
    assert request.bars == 12


def test_an_estimate_is_of_the_request_that_it_would_be():
    plain = parse_command("/inspire/estimate", ["e", "duration_s", 4, "reply_port", 9000])
    assert isinstance(plain, Estimate) and plain.reply_port == 9000
    assert isinstance(plain.of, Submit) and plain.of.request.seconds == 4
    fill = parse_command("/inspire/estimate", ["e", "clip", CLIP, "start_s", 1.0, "end_s", 3.0]).of.request
    assert fill.is_fill and fill.join == "new"
    piece = parse_command("/inspire/estimate", ["e", "sections", "intro:4", "bpm", 120.0]).of.request
    assert piece.seconds == 8
    assert isinstance(parse_command("/inspire/estimate", ["e", "preset", "Swing"]).of, Draft)


@pytest.mark.parametrize(("address", "task"), [("upsample", "upsample"), ("reconstruct", "reconstruct")])
def test_what_is_made_of_a_clip_alone_has_no_words(address, task):
    request = parse_command(f"/inspire/{address}", ["u", CLIP, "seed", 3]).request
    assert (request.task, request.clip, request.seed) == (task, CLIP, 3)
    with pytest.raises(MessageError, match="no key 'prompt'"):
        parse_command(f"/inspire/{address}", ["u", CLIP, "prompt", "dub"])
