"""A MIDI port of the system's, by way of its drivers (ALSA, JACK, CoreMIDI, Windows), which may come and go. Blocks.

Asked in vain the drivers' libraries complain on stderr, at length, and show each client to everybody. So one client of each
is kept for looking, and a server that is away is not asked again before there is a sign of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import mido

from bridge.errors import BridgeError
from bridge.midi import MIDI_VIRTUAL

PORT_NAME = "inspire"  # of our own port
_NO_RTMIDI = (
    "MIDI ports need python-rtmidi: pip install 'inspire-daw[midi]' on Python 3.11 or 3.12 (later ones must build it: "
    "pip install python-rtmidi, with a compiler and ALSA's headers), or set midi_in to socket:127.0.0.1:PORT"
)
_TRIES = 3  # of a server that there is a sign of: it may still be starting, or its sign be left from a crash


class MidiError(BridgeError):
    """There is no such MIDI port, or no way to it."""

    code = "midi"


class MidiPort:
    """The input that has `name` in its name, or one of our own (MIDI_VIRTUAL).

    `arrived` is called with each message in a thread of the driver's. Used from one thread at a time. Raises MidiError where no
    port can ever be had.
    """

    def __init__(self, name: str, arrived: Callable[[mido.Message], None]):
        try:
            from mido.backends import rtmidi
        except ImportError:
            raise MidiError(_NO_RTMIDI) from None
        self._name = name
        self._arrived = arrived
        self._drivers = [_Driver(api) for api in rtmidi.get_api_names()]
        self._port: mido.ports.BaseInput | None = None
        self._of: _Driver | None = None  # whose port it is

    def look(self) -> str:
        """Opens it where it is there, closes it where it is gone: the open one's name. Raises MidiError where there is none."""
        for driver in self._drivers:
            if driver.renew() and driver is self._of:
                self._drop()
        inputs = [(driver, port) for driver in self._drivers for port in driver.inputs()]
        if self._port and self._name != MIDI_VIRTUAL and (self._of, self._port.name) not in inputs:
            self._drop()
        if self._port is None:
            self._of, self._port = self._create() if self._name == MIDI_VIRTUAL else self._find(inputs)
        return str(self._port.name)

    def close(self) -> None:
        self._drop()
        for driver in self._drivers:
            driver.close()

    def _create(self) -> tuple[_Driver, mido.ports.BaseInput]:
        for driver in self._drivers:
            if driver.is_there:
                with contextlib.suppress(OSError, NotImplementedError):  # not with this driver
                    return driver, self._open(driver, PORT_NAME, client_name=PORT_NAME)
        raise MidiError("this system has no virtual MIDI ports, or their server is away: start it, or name a port in midi_in")

    def _find(self, inputs: list[tuple[_Driver, str]]) -> tuple[_Driver, mido.ports.BaseInput]:
        for driver, port in inputs:
            if self._name.casefold() in port.casefold():
                try:
                    return driver, self._open(driver, port)
                except OSError as error:
                    raise MidiError(f"the MIDI port {port} cannot be opened: {error}") from None
        there = ", ".join(port for _, port in inputs) or "none"
        raise MidiError(f"no MIDI input has {self._name!r} in its name: there are {there}")

    def _open(self, driver: _Driver, port: str, **more: str) -> mido.ports.BaseInput:
        return mido.open_input(port, api=driver.api, callback=self._arrived, **more)

    def _drop(self) -> None:
        if self._port:
            self._port.close()
            self._port = self._of = None


class _Driver:
    """One of rtmidi's, with a client that looks."""

    def __init__(self, api: str):
        self.api = api
        self._client = None
        self._server: tuple[int, ...] | None = None  # the one that was asked last
        self._tries = 0

    @property
    def is_there(self) -> bool:
        return self._client is not None

    def renew(self) -> bool:
        """Finds its server again: True where it is another one than before, or gone."""
        import rtmidi

        server = _sign_of_server(self.api)
        is_new = server != self._server
        if is_new:
            self.close()
            self._tries = _TRIES if server or self._server is None else 0  # without a sign once, as not all give one
            self._server = server
        if self._client is None and self._tries:
            self._tries = self._tries - 1 if server else 0
            with contextlib.suppress(OSError):  # its server is away
                self._client = rtmidi.MidiIn(getattr(rtmidi, f"API_{self.api}"), f"{PORT_NAME} looks")
        return is_new

    def inputs(self) -> list[str]:
        return self._client.get_ports() if self._client else []

    def close(self) -> None:
        if self._client:
            self._client.delete()
            self._client = None


def _sign_of_server(api: str) -> tuple[int, ...]:
    """What is there while a driver's server runs, and another for each server; empty where nothing says."""
    if not sys.platform.startswith("linux"):
        return ()
    name = os.environ.get("JACK_DEFAULT_SERVER") or "default"
    signs = {"LINUX_ALSA": "/dev/snd/seq", "UNIX_JACK": f"/dev/shm/jack_{name}_{os.getuid()}_0"}
    try:
        status = Path(signs.get(api, "")).stat() if api in signs else None
    except OSError:
        return ()
    return (status.st_ino, status.st_ctime_ns) if status else ()
