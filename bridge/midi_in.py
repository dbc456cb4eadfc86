"""The MIDI input: the port that the settings name, whatever kind it is, and its messages on the event loop.

Kinds: a port of the system by a part of its name, or one of our own where the system has such (both need python-rtmidi); or
MIDI's bytes over TCP on loopback, as mido.sockets sends them, which needs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator

import mido

from bridge.errors import BridgeError
from bridge.settings import MIDI_SOCKET, MIDI_VIRTUAL

PORT_NAME = "inspire"  # of our own port
_NO_RTMIDI = "MIDI ports need python-rtmidi: pip install 'inspire-daw[midi]', or set midi_in to socket:127.0.0.1:PORT"

log = logging.getLogger(__name__)

Hear = Callable[[mido.Message, float], None]


class MidiError(BridgeError):
    """There is no such MIDI port, or no way to it."""

    code = "midi"


class MidiIn:
    """`name` is the setting midi_in. `hear` is called on the event loop with each message and when it came (monotonic)."""

    def __init__(self, name: str, hear: Hear):
        self._name = name
        self._hear = hear
        self._server: asyncio.Server | None = None
        self._port: mido.ports.BaseInput | None = None
        self.description = ""

    async def start(self) -> None:
        """Opens it, and says once what it found. What cannot be opened is not heard."""
        if self._name == "none":
            return
        try:
            if self._name.startswith(MIDI_SOCKET):
                await self._listen()
            else:
                loop = asyncio.get_running_loop()
                arrived = lambda message: loop.call_soon_threadsafe(self._hear, message, time.monotonic())  # noqa: E731
                self._port = await asyncio.to_thread(_open, self._name, arrived)
                self.description = self._port.name
            log.info("MIDI comes from %s", self.description)
        except MidiError as error:
            self.description = f"none: {error}"
            log.warning("no MIDI: %s", error)

    async def close(self) -> None:
        if self._server:
            self._server.close()
        if self._port:
            await asyncio.to_thread(self._port.close)

    async def _listen(self) -> None:
        host, _, port = self._name.removeprefix(MIDI_SOCKET).rpartition(":")
        try:
            self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self._hear), host, int(port))
        except OSError as error:
            raise MidiError(f"{self._name} cannot be opened: {error.strerror}") from None
        self.description = f"{MIDI_SOCKET}{host}:{self._server.sockets[0].getsockname()[1]}"


class _Connection(asyncio.Protocol):
    """Bytes of MIDI as they come, in pieces of any size."""

    def __init__(self, hear: Hear):
        self._hear = hear
        self._parser = mido.Parser()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._parser.feed(data)
        for message in self._parser:
            self._hear(message, now)


def input_names() -> list[str]:
    """The system's MIDI inputs. Raises MidiError where there is no way to them."""
    return [name for _, name in _inputs()]


def _open(name: str, arrived: Callable[[mido.Message], None]) -> mido.ports.BaseInput:
    """Calls `arrived` in a thread of the driver's. Raises MidiError. Blocks."""
    if name == MIDI_VIRTUAL:
        for api in _apis():
            with contextlib.suppress(OSError, NotImplementedError):  # not on this system, or its server is away
                return mido.open_input(PORT_NAME, client_name=PORT_NAME, api=api, callback=arrived)
        raise MidiError("this system has no virtual MIDI ports: set midi_in to a port's name")
    found = list(_inputs())
    for api, port in found:
        if name.casefold() in port.casefold():
            try:
                return mido.open_input(port, api=api, callback=arrived)
            except OSError as error:
                raise MidiError(f"the MIDI port {port} cannot be opened: {error}") from None
    there = ", ".join(port for _, port in found) or "none"
    raise MidiError(f"no MIDI input has {name!r} in its name: there are {there}")


def _inputs() -> Iterator[tuple[str, str]]:
    """(driver, port)."""
    for api in _apis():
        with contextlib.suppress(OSError):  # its server is away
            yield from ((api, port) for port in mido.get_input_names(api=api))


def _apis() -> list[str]:
    """The drivers there are, the system's own first."""
    try:
        from mido.backends import rtmidi
    except ImportError:
        raise MidiError(_NO_RTMIDI) from None
    return rtmidi.get_api_names()
