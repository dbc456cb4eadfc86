"""What MIDI does, over OSC: listed as the file has it, learnt where there is an input, forgotten."""

from __future__ import annotations

import asyncio

import mido
import pytest

from bridge.errors import MessageError, SettingsError
from bridge.handlers.midi import MidiHandlers
from bridge.midi.controller import MidiControl
from bridge.osc.commands import Forget, Learn, ListBindings
from bridge.osc.replies import Ack, BindingInfo, Found
from tests.bridge.handlers.conftest import CALLER, all_of

MAP = """
[[midi_map]]
note = 36
channel = 10
action = "generate"
preset = "Funk"

[[midi_map]]
controller = 7
action = "gain"
low = -60
high = 6
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.toml"


def test_each_binding_is_a_reply_with_what_triggers_it_and_what_goes_with_it(file):
    file.write_text(MAP)
    replies = asyncio.run(all_of(MidiHandlers(MidiControl(file), True).list(ListBindings("m"), CALLER)))
    generate = {"number": 36, "channel": 10, "low": None, "high": None, "values": 'preset = "Funk"'}
    gain = {"number": 7, "channel": None, "low": -60.0, "high": 6.0, "values": None}
    assert replies == [
        Found("m", 2, 2), BindingInfo("m", 0, "generate", "note", generate), BindingInfo("m", 1, "gain", "controller", gain)
    ]  # fmt: skip


def test_a_map_that_cannot_be_read_is_an_error(file):
    file.write_text("[[midi_map]]\nnote = 200\n")
    with pytest.raises(SettingsError, match="line 2"):
        asyncio.run(all_of(MidiHandlers(MidiControl(file), True).list(ListBindings("m"), CALLER)))


def test_without_an_input_nothing_is_learnt(file):
    with pytest.raises(MessageError, match="midi_in is not set") as caught:
        asyncio.run(all_of(MidiHandlers(MidiControl(file), False).learn(Learn("l", "pause", {}), CALLER)))
    assert caught.value.code == "no_midi"


def test_a_learn_is_acked_then_ends_with_what_was_learnt_and_it_can_be_forgotten(file):
    control = MidiControl(file)
    handlers = MidiHandlers(control, True)

    async def learn() -> list:
        learning = handlers.learn(Learn("l", "pause", {}), CALLER)
        replies = [await anext(learning)]
        assert control.commands_of(mido.Message("note_on", note=40, channel=9, velocity=100)) == []
        return [*replies, *await all_of(learning), *await all_of(handlers.forget(Forget("f", "note", 40, 10), CALLER))]

    ack, learnt, forgotten = asyncio.run(learn())
    assert (ack, forgotten) == (Ack("l"), Ack("f"))
    assert (learnt.action, learnt.kind, learnt.pairs["number"], learnt.pairs["channel"]) == ("pause", "note", 40, 10)
    assert not control.bindings
