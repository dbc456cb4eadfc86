"""Handlers and the protocol fit together."""

from __future__ import annotations

from typing import get_args

import pytest

from bridge.config.settings import Settings
from bridge.daemon import Daemon
from bridge.handlers import Handlers
from bridge.osc.commands import Command, Ping


def test_every_command_has_one_handler(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPIRE_SETTINGS", str(tmp_path / "settings.toml"))
    daemon = Daemon(Settings(folder=tmp_path, state_folder=tmp_path / "state"))
    assert daemon._handlers.commands == frozenset(get_args(Command))


def test_a_command_with_two_handlers_is_refused():
    async def pong(command, caller):
        yield

    with pytest.raises(AssertionError):
        Handlers({Ping: pong}, {Ping: pong})
