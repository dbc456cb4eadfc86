"""A request for music: whole at once, or a draft until a preset, a MIDI clip or the host has given the rest."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Draft, Submit, is_midi_clip
from bridge.osc.commands.submission import submission
from bridge.osc.protocol import SKETCH_BARS, SKETCH_S, SKETCHES


def test_what_says_everything_is_a_job():
    command = submission("j", {"prompt": "dub", "seed": 7, "play": True, "path": "x", "reply_port": 9000}, is_sketch=False)
    assert isinstance(command, Submit) and (command.request.prompt, command.request.seed) == ("dub", 7)
    assert (command.play, command.path, command.reply_port) == (True, "x", 9000)


@pytest.mark.parametrize(
    "values",
    [{"preset": "Swing"}, {"start": "bar"}, {"start": "next_loop"}, {"clip": "/loops/riff.MID"}, {"clip": "'riff.midi' "}],
)
def test_what_leaves_values_open_is_a_draft(values):
    draft = submission("j", {"prompt": "dub", **values}, is_sketch=False)
    assert isinstance(draft, Draft) and draft.music["prompt"] == "dub" and draft.preset == values.get("preset")
    command = draft.complete(draft.music | {"clip": None, "bpm": 99.0})
    assert command.request.bpm == 99.0 and command.draft is draft and command.start == values.get("start", "now")


def test_start_now_waits_for_nothing():
    assert isinstance(submission("j", {"prompt": "dub", "start": "now", "clip": "riff.wav"}, is_sketch=False), Submit)


@pytest.mark.parametrize(
    ("preset", "music", "length"),
    [
        ({}, {}, {"duration_s": SKETCH_S}),
        ({}, {"bpm": 120.0}, {"bars": SKETCH_BARS}),
        ({"bpm": 120.0}, {}, {"bars": SKETCH_BARS}),
        ({}, {"loop": True}, {"bars": SKETCH_BARS}),
        ({"bars": 16}, {"duration_s": 3.0}, {"duration_s": 3.0}),
    ],
)
def test_a_sketch_is_short_and_there_are_several_unless_it_says(preset, music, length):
    draft = submission("s", {"prompt": "dub", **music}, is_sketch=True)
    above = draft.above(preset, draft.music)
    assert {name: above[name] for name in length} == length and above["variations"] == SKETCHES
    assert not {"bars", "duration_s"} - length.keys() & above.keys()
    assert draft.above(preset, draft.music | {"variations": 1})["variations"] == 1


def test_a_preset_that_does_not_fit_is_named():
    draft = submission("j", {"prompt": "", "preset": "Swing", "reply_port": 9000}, is_sketch=False)
    with pytest.raises(MessageError, match=r"\(with preset Swing\)") as caught:
        draft.complete({"prompt": "", "bars": 4})
    assert (caught.value.code, caught.value.id, caught.value.reply_port) == ("bad_request", "j", 9000)


def test_a_midi_clip_is_known_by_its_name():
    assert is_midi_clip("a.mid") and is_midi_clip('"/x/a.MIDI"') and not is_midi_clip("a.mid.wav") and not is_midi_clip(None)
