"""What MIDI does: its bindings listed, learnt, forgotten."""

from __future__ import annotations

from bridge import toml_file
from bridge.errors import MessageError
from bridge.handlers import Caller, Replies, Table
from bridge.midi.bindings import Binding
from bridge.midi.controller import MidiControl
from bridge.osc import spec
from bridge.osc.arguments import cut
from bridge.osc.commands import Forget, Learn, ListBindings
from bridge.osc.replies import Ack, BindingInfo, Found


class MidiHandlers:
    """`has_input`: whether the settings name a MIDI input."""

    def __init__(self, control: MidiControl, has_input: bool):
        self._control = control
        self._has_input = has_input

    @property
    def table(self) -> Table:
        return {ListBindings: self.list, Learn: self.learn, Forget: self.forget}

    async def list(self, command: ListBindings, caller: Caller) -> Replies:
        bindings = self._control.bindings
        yield Found(command.id, len(bindings), len(bindings))
        for index, binding in enumerate(bindings):
            yield _binding_info(command.id, index, binding)

    async def learn(self, command: Learn, caller: Caller) -> Replies:
        if not self._has_input:
            raise MessageError("midi_in is not set: there is nothing to learn from", "no_midi")
        learnt = self._control.learn(command)
        yield Ack(command.id)
        binding = await learnt
        yield _binding_info(command.id, self._control.bindings.index(binding), binding)

    async def forget(self, command: Forget, caller: Caller) -> Replies:
        self._control.forget(command)
        yield Ack(command.id)


def _binding_info(id: str, index: int, binding: Binding) -> BindingInfo:
    values = ", ".join(f"{name} = {toml_file.literal(value)}" for name, value in binding.values.items())
    pairs = {name: getattr(binding, name) for name in ("number", "channel", "low", "high")}
    pairs["values"] = cut(values, spec.MAX_BEGINNING) or None
    return BindingInfo(id, index, binding.action, binding.kind, pairs)
