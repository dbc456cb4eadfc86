"""The MIDI input: the port that the settings name, whatever kind it is, and its messages on the event loop.

Kinds: a port of the system's, by a part of its name or one of our own, which is looked for until it is there, and again when it
is gone; or MIDI's bytes over TCP on loopback, as mido.sockets sends them, which needs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

import mido

from bridge.midi import MIDI_SOCKET
from bridge.midi.ports import MidiError, MidiPort

_LOOK_S = 2.0  # between two looks for a port
_STATUS = 0x80  # the least byte that can begin a message

log = logging.getLogger(__name__)

Receive = Callable[[mido.Message, float], None]


class MidiIn:
    """`name` is the setting midi_in. `receive` is called on the event loop with each message and when it came (monotonic)."""

    def __init__(self, name: str, receive: Receive):
        self._name = name
        self._receive = receive
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.description = ""

    async def start(self) -> None:
        """Opens it, and says once what it found. What cannot be opened gives nothing until it can."""
        if self._name == "none":
            return
        try:
            if self._name.startswith(MIDI_SOCKET):
                await self._listen()
                return
            loop = asyncio.get_running_loop()

            def arrived(message: mido.Message) -> None:
                loop.call_soon_threadsafe(self._receive, message, time.monotonic())

            port = MidiPort(self._name, arrived)
        except MidiError as error:
            self._log_missing(error)
            return
        await self._look(port)
        self._looking = asyncio.create_task(self._keep_looking(port))

    async def close(self) -> None:
        self._closing.set()
        if self._server:
            self._server.close()
        if self._looking:
            await self._looking

    async def _listen(self) -> None:
        host, _, port = self._name.removeprefix(MIDI_SOCKET).rpartition(":")
        try:
            self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self._receive), host, int(port))
        except OSError as error:
            raise MidiError(f"{self._name} cannot be opened: {error.strerror}") from None
        self._log_source(f"{MIDI_SOCKET}{host}:{self._server.sockets[0].getsockname()[1]}")

    async def _keep_looking(self, port: MidiPort) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _LOOK_S)
                break
            await self._look(port)
        await asyncio.to_thread(port.close)

    async def _look(self, port: MidiPort) -> None:
        try:
            self._log_source(await asyncio.to_thread(port.look))
        except MidiError as error:
            self._log_missing(error)
        except Exception as error:  # a driver's own trouble must not end the looking
            self._log_missing(MidiError(f"looking for MIDI ports failed: {error!r}"))

    def _log_source(self, source: str) -> None:
        if source != self.description:
            log.info("MIDI comes from %s", source)
        self.description = source

    def _log_missing(self, error: MidiError) -> None:
        """Once, until it is there again: the state says which other ports there are."""
        if not self.description.startswith("none: "):
            log.warning("%s: %s", f"MIDI from {self.description} is gone" if self.description else "no MIDI", error)
        self.description = f"none: {error}"


class _Connection(asyncio.Protocol):
    """Bytes of MIDI as they come, in pieces of any size. One that begins with anything else than a message is ended: a web page
    can make its browser connect here, and MIDI would be found in what it sends after the browser's own words.
    """

    def __init__(self, receive: Receive):
        self._receive = receive
        self._parser = mido.Parser()
        self._began = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._began and data[0] < _STATUS:
            log.warning("ended a connection to the MIDI input: it began with something else than MIDI")
            self._transport.abort()
            return
        self._began = True
        now = time.monotonic()
        self._parser.feed(data)
        for message in self._parser:
            self._receive(message, now)
