"""Options are the keys of the table of messages and the settings, described by them."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
import typer

from bridge.cli.options import with_keys_of, with_settings
from bridge.config.settings import Settings
from bridge.osc import spec


@pytest.mark.parametrize("command", ["generate", "continue"])
def test_every_key_of_the_table_is_an_option(call, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    _, help_, _ = call(command, "--help")
    for key in set(spec.COMMANDS[f"/inspire/{command}"].pairs) - {spec.TOKEN, spec.USER}:  # a setting, and who runs it
        plain = "--" + key.name.removesuffix("_s").replace("_", "-")
        flag = {"path": "--output", "reply_port": "--port"}.get(key.name, plain)
        own = flag if key.name == "reply_port" else "--" + key.name.replace("_", "-")
        for name in (flag, own):
            assert re.search(rf"{name}[ ,]", help_), name


def flags(command: Callable[..., None]) -> dict[str, list[str]]:
    """Of each option: how it is written."""
    app = typer.Typer()
    app.command()(command)
    return {str(option.name): [*option.opts, *option.secondary_opts] for option in typer.main.get_command(app).params}


def test_a_command_gets_an_option_for_each_key_but_those_it_has_itself():
    @with_keys_of("/inspire/history", without=("words",))
    def history(words: str = "", **pairs: Any) -> None:
        pass

    names = list(inspect.signature(history).parameters)
    assert names == ["words", "state", "since", "until", "kept", "limit", "offset"]


def test_units_and_switches_have_short_forms_and_play_is_wanted_of_a_terminal():
    @with_keys_of("/inspire/generate", and_of_starting=True)
    def generate(**options: Any) -> None:
        pass

    written = flags(generate)
    assert written["duration_s"] == ["--duration", "--duration-s"] and written["bars"] == ["--bars"]
    assert written["loop"] == ["--loop", "--no-loop"] and written["path"] == ["-o", "--output", "--path"]
    assert {"port", "as_json", "no_start"} <= set(written) and not {"token", "user", "reply_port"} & set(written)
    defaults = {name: one.default for name, one in inspect.signature(generate).parameters.items()}
    assert defaults["play"] is True and defaults["loop"] is None


def test_every_setting_is_an_option():
    @with_settings()
    def serve(**options: Any) -> None:
        pass

    assert list(inspect.signature(serve).parameters) == [field.name for field in dataclasses.fields(Settings)]
