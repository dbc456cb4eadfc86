"""The host's transport, as a device or script reports it."""

from __future__ import annotations

import time

from bridge.handlers import Caller, Replies, Table
from bridge.midi.reported import ReportedTransport
from bridge.midi.transport import Transport
from bridge.osc.commands import ReportTransport
from bridge.osc.replies import Ack


class TransportHandlers:
    def __init__(self, transport: Transport):
        self._transport = transport

    @property
    def table(self) -> Table:
        return {ReportTransport: self.report}

    async def report(self, command: ReportTransport, caller: Caller) -> Replies:
        beats_per_bar, beat_unit = command.beats_per_bar or 0, command.beat_unit or 4
        place = (command.bpm, command.position_beats, bool(command.playing), time.monotonic() - (command.age_s or 0.0))
        loop = None
        if command.loop_start_beats is not None and command.loop_end_beats is not None:
            loop = (command.loop_start_beats, command.loop_end_beats)
        self._transport.report(ReportedTransport(*place, beats_per_bar, beat_unit, loop))
        yield Ack(command.id)
