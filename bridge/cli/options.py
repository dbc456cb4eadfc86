"""What the commands share: common options, and options made from the one table of OSC messages."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from bridge.cli.completion import model_names, past_jobs, preset_names
from bridge.config.settings import Settings
from bridge.osc import spec

Port = Annotated[int | None, typer.Option(help="the daemon's OSC port (0 with serve: any free one)")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line, for programs")]
NoStart = Annotated[bool, typer.Option("--no-start", help="fail rather than start a daemon")]
PastJob = Annotated[str, typer.Argument(help="last, a result's path, or an id as history shows it", autocompletion=past_jobs)]
_STARTING = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (("port", None, Port), ("as_json", False, AsJson), ("no_start", False, NoStart))
]
_TYPES = {"i": int, "f": float, "s": str}
_Command = TypeVar("_Command", bound=Callable[..., Any])
_COMPLETED = {"preset": preset_names, "model": model_names}


def with_keys_of(address: str, without: tuple[str, ...] = (), and_of_starting: bool = False) -> Callable[[_Command], _Command]:
    """Gives a command an option for every key of an OSC command, to be had as `**pairs`: named and described by the one table.

    `and_of_starting`: port, as_json and no_start too.
    """
    keys = [key for key in spec.COMMANDS[address].pairs if key not in spec.COMMON and key.name not in without]
    return _with([*(_STARTING if and_of_starting else ()), *(_option(key) for key in keys)])


def with_settings() -> Callable[[_Command], _Command]:
    """Gives a command an option for every setting, as `**flags`."""
    return _with([_setting_option(setting) for setting in dataclasses.fields(Settings)])


def _with(options: list[inspect.Parameter]) -> Callable[[_Command], _Command]:
    def decorate(function: _Command) -> _Command:
        own = inspect.signature(function, eval_str=True)
        parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD] + options
        vars(function)["__signature__"] = own.replace(parameters=parameters)
        function.__annotations__ |= {p.name: p.annotation for p in parameters}
        return function

    return decorate


def _option(key: spec.Field) -> inspect.Parameter:
    """Flags are the keys, and as short forms those without their unit; `path` is also what other programs call it, output."""
    whole = "--" + key.name.replace("_", "-")
    flag = whole.removesuffix("-s")
    values: object
    if key.is_switch:
        default = True if key.name == "play" else None  # who asks from a terminal wants it played
        values, flags, help_text = bool | None, [f"{flag}/--no-{key.name}"], key.doc.removeprefix("1: ")
    else:
        values, default, flags, help_text = _TYPES[key.type] | None, None, [*{flag: 0, whole: 0}], f"{key.doc} ({key.allowed})"
    if key.name == "path":
        flags = ["-o", "--output", "--path"]
    option = typer.Option(*flags, help=help_text, autocompletion=_COMPLETED.get(key.name))
    annotation = Annotated[values, option]  # type: ignore[valid-type]  # made from the table, while the program runs
    return inspect.Parameter(key.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _setting_option(setting: dataclasses.Field[Any]) -> inspect.Parameter:
    """All are text here: settings.py reads them, and says what is wrong with them."""
    annotation = Annotated[str | None, typer.Option(f"--{setting.name.replace('_', '-')}", help=setting.metadata["doc"])]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
