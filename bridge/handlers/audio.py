"""The audio device: how loud it plays."""

from __future__ import annotations

from bridge.audio.device import AudioDevice
from bridge.handlers import Caller, Replies, Table
from bridge.osc.commands import SetGain
from bridge.osc.replies import Ack


class AudioHandlers:
    def __init__(self, device: AudioDevice):
        self._device = device

    @property
    def table(self) -> Table:
        return {SetGain: self.set_gain}

    async def set_gain(self, command: SetGain, caller: Caller) -> Replies:
        self._device.gain_db = command.gain_db
        yield Ack(command.id)
