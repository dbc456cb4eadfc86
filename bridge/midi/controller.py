"""MIDI as a client of the daemon: what it receives becomes commands, by the map in settings.toml; learning changes that map.

The file is read again when it has changed. What is wrong in it then is logged once, with its line, and the map stays as it was.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import mido

from bridge import toml_file
from bridge.errors import BridgeError, MessageError, SettingsError
from bridge.midi import bindings
from bridge.midi.bindings import Binding, MapError, Trigger
from bridge.osc.commands import Cancel, Command, Forget, Learn
from bridge.osc.replies import Fail, Reply
from bridge.osc.spec import LEARN_S

_PRESSED = 64  # a controller's value from which a button counts as down
_MAX_ASKED = 100  # jobs that one cancel ends

log = logging.getLogger(__name__)


class MidiControl:
    """`file` is settings.toml; it need not exist. Used from the event loop's thread only. The reply sink of its own commands."""

    name = "midi:in"
    turn = "midi"

    def __init__(self, file: Path):
        self._file = file
        self._stamp: toml_file.Stamp | None = None
        self._bindings: Sequence[Binding] = ()
        self._problem = ""
        self._controllers: dict[tuple[int, int], int] = {}  # (channel, number): value
        self._guidance: float | None = None
        self._asked: deque[str] = deque(maxlen=_MAX_ASKED)  # jobs since the last cancel
        self._learning: _Learning | None = None
        self._reload()

    @property
    def bindings(self) -> Sequence[Binding]:
        """As the file has them. Raises SettingsError."""
        self._reload()
        if self._problem:
            raise SettingsError(self._problem)
        return self._bindings

    def commands_of(self, message: mido.Message) -> list[Command]:
        """What to do now; of most messages nothing."""
        match message.type:
            case "note_on" if message.velocity:
                kind, number, value, pressed = "note", message.note, message.velocity, True
            case "program_change":
                kind, number, value, pressed = "program", message.program, message.program, True
            case "control_change":
                kind, number, value = "controller", message.control, message.value
                before = self._controllers.get((message.channel, number), 0)
                self._controllers[message.channel, number] = value
                pressed = value >= _PRESSED > before
            case _:
                return []
        if self._learning and not self._learning.done():
            self._learn_from(self._learning, kind, number, message.channel + 1, pressed)
            return []
        self._reload()
        binding = bindings.find(self._bindings, kind, number, message.channel + 1)
        if binding is None or not (pressed or binding.is_continuous):
            return []
        if not binding.is_continuous:
            log.info("MIDI %s %d on channel %d: %s", kind, number, message.channel + 1, binding.action)
        return self._commands(binding, value)

    def send(self, reply: Reply) -> None:
        """A reply to a command of `commands_of`: there is nobody to read it."""
        if isinstance(reply, Fail):
            log.warning("what MIDI asked for cannot be done: %s", reply.message)
            if reply.id in self._asked:
                self._asked.remove(reply.id)

    def learn(self, command: Learn) -> asyncio.Future[Binding]:
        """Ends with what was learnt and kept, or raises MessageError or SettingsError. There is one at a time: the latest."""
        if self._learning and self._learning.command == command:
            return self._learning.learnt  # it came twice
        try:
            bindings.learnt(command, bindings.GIVERS.get(command.action, "note"), 0, 1)
        except MapError as error:
            raise MessageError(str(error), error.code) from None
        self.stop_learning("another learn began")
        self._learning = _Learning(command)
        return self._learning.learnt

    def stop_learning(self, why: str, id: str | None = None) -> bool:
        """False where none waits, or not the one of this id."""
        learning = self._learning
        if learning is None or learning.done() or id not in (None, learning.command.id):
            return False
        learning.fail(MessageError(f"nothing was learnt: {why}", "not_learnt"))
        return True

    def forget(self, command: Forget) -> None:
        """Raises MessageError where there is nothing to forget, and SettingsError."""
        trigger = (command.kind, command.number, command.channel)
        if trigger not in {binding.trigger for binding in self.bindings}:
            there = ", ".join(bindings.name_of(*binding.trigger) for binding in self._bindings) or "none"
            raise MessageError(f"{bindings.name_of(*trigger)} does nothing: there are {there}", "no_such_binding")
        self._write(trigger, None)

    def _commands(self, binding: Binding, value: int) -> list[Command]:
        if binding.action == "guidance":
            self._guidance = binding.values_with(value)["guidance"]
            return []
        if binding.action == "cancel":
            asked, self._asked = self._asked, deque(maxlen=_MAX_ASKED)
            return [Cancel(_new_id(), job) for job in asked]
        command = binding.command(_new_id(), value, guidance=self._guidance)
        if binding.starts_jobs:
            self._asked.append(command.id)
        return [command]

    def _learn_from(self, learning: _Learning, kind: str, number: int, channel: int, pressed: bool) -> None:
        try:
            binding = bindings.learnt(learning.command, kind, number, channel)
        except MapError:
            return  # a note where a controller is waited for
        if not (pressed or binding.is_continuous):
            return
        try:
            self._write(binding.trigger, binding)
        except BridgeError as error:
            learning.fail(error)
        else:
            log.info("learnt: MIDI %s does %s", bindings.name_of(*binding.trigger), binding.action)
            learning.succeed(binding)

    def _reload(self) -> None:
        stamp = toml_file.stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            values, text = toml_file.read(self._file) if stamp else ({}, "")
            self._bindings = bindings.read_tables(values.get(bindings.TABLE, []), text)
            self._problem = ""
        except (OSError, ValueError, MapError) as error:
            self._problem = f"{self._file}{', ' if isinstance(error, MapError) else ': '}{error}"
            log.warning("the MIDI map stays as it was: %s", self._problem)

    def _write(self, trigger: Trigger, binding: Binding | None) -> None:
        """Raises SettingsError."""
        try:
            text = toml_file.read_text(self._file) if self._file.exists() else ""
            toml_file.write(self._file, bindings.edited(text, trigger, binding))
        except (OSError, ValueError, MapError) as error:
            raise SettingsError(f"cannot change {self._file}: {error}") from None
        self._reload()


class _Learning:
    """A learn that waits."""

    def __init__(self, command: Learn):
        self.command = command
        loop = asyncio.get_running_loop()
        self.learnt: asyncio.Future[Binding] = loop.create_future()
        kind = bindings.GIVERS.get(command.action, "note, program or controller")
        late = MessageError(f"nothing was learnt: no {kind} that could do it came in {LEARN_S:g} s", "not_learnt")
        self._timeout = loop.call_later(LEARN_S, self.fail, late)

    def done(self) -> bool:
        return self.learnt.done()

    def succeed(self, binding: Binding) -> None:
        self._timeout.cancel()
        self.learnt.set_result(binding)

    def fail(self, error: BridgeError) -> None:
        self._timeout.cancel()
        self.learnt.set_exception(error)


def _new_id() -> str:
    return f"midi-{uuid.uuid4().hex[:12]}"
