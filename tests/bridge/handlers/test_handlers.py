"""Handlers and the protocol fit together."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from bridge.config.settings import Settings
from bridge.daemon import Daemon
from bridge.handlers import Handlers
from bridge.osc import commands
from bridge.osc.commands import Command, Ping


def test_every_command_has_one_handler(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPIRE_SETTINGS", str(tmp_path / "settings.toml"))
    daemon = Daemon(Settings(folder=tmp_path, state_folder=tmp_path / "state"))
    served = set()
    for type_ in commands.TYPES.values():
        read = get_type_hints(type_.read)["return"]
        served |= {type_} if read is Command else set(get_args(read) or (read,))
    assert daemon._handlers.commands == served


def test_a_command_with_two_handlers_is_rejected():
    async def pong(command, caller):
        yield

    with pytest.raises(AssertionError):
        Handlers({Ping: pong}, {Ping: pong})
