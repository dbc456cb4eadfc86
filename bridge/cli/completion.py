"""What the shell completes beyond commands and options: names of presets and models, ids of jobs.

Candidates begin with what was typed, in the case it was typed in: typer drops all others. zsh and fish quote what they insert;
bash inserts it as it is, so that for bash both are as they stand on the command line (`read_as_typed`).
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Callable, Iterable, MutableMapping

import typer

from bridge.cli.connection import find_daemon
from bridge.config.presets import Presets
from bridge.config.settings import load_settings
from bridge.errors import BridgeError
from bridge.osc.client import Client
from bridge.osc.replies import Entry, Fail, Found
from bridge.osc.spec import MAX_LISTED
from engine.checkpoints.library import list_models
from engine.checkpoints.published import PUBLISHED

_PATIENCE_S = 0.5  # for a daemon, while somebody waits at the keyboard
_QUOTE = "_INSPIRE_QUOTE"
_SPECIAL = re.compile(r"([^\w@%+:,./-])")


def read_as_typed(environment: MutableMapping[str, str]) -> None:
    """Lets typer take the word that bash completes as it was typed, without its opening quote, and notes that quote.

    Of `--preset=NAME` bash makes three words and of `--preset=` two, where typer wants two; zsh makes one and must be given that
    the name is what is completed.
    """
    if environment.get("_INSPIRE_COMPLETE") == "complete_zsh":
        print("compset -P '--*=';")  # before what typer lets it evaluate
    if environment.get("_INSPIRE_COMPLETE") != "complete_bash":
        return
    words, number = environment["COMP_WORDS"].split("\n"), int(environment["COMP_CWORD"])
    if words[number : number + 1] == ["="]:
        words[number] = ""
    elif words[number - 1] == "=":
        del words[number - 1]
        number -= 1
    if number < len(words) and words[number]:
        word = words[number]
        environment[_QUOTE] = word[0] if word[0] in "'\"" else ""
        words[number] = shlex.quote(word.removeprefix(environment[_QUOTE]))
    environment["COMP_WORDS"], environment["COMP_CWORD"] = "\n".join(words), str(number)


def preset_names(incomplete: str) -> list[str]:
    with contextlib.suppress(BridgeError):
        return _completing(incomplete, (preset.name for preset in Presets(load_settings().presets_folder).all()))
    return []


def model_names(incomplete: str) -> list[str]:
    with contextlib.suppress(BridgeError):
        return _completing(incomplete, list_models(load_settings().models_folder))
    return []


def published_names(incomplete: str) -> list[str]:
    return _completing(incomplete, PUBLISHED)


def unended_jobs(context: typer.Context, incomplete: str) -> list[str]:
    """Of the jobs that run and wait."""
    return _jobs(context, incomplete, lambda client: client.jobs(limit=MAX_LISTED))


def past_jobs(context: typer.Context, incomplete: str) -> list[str]:
    """Of the last jobs in the history, those that run among them."""
    return _jobs(context, incomplete, lambda client: client.history(limit=MAX_LISTED))


def _jobs(context: typer.Context, incomplete: str, ask: Callable[[Client], tuple[Found, list[Entry]] | Fail]) -> list[str]:
    """None where no daemon answers soon."""
    with contextlib.suppress(BridgeError):
        port = context.params.get("port")
        if client := find_daemon(load_settings({"port": port}), port, _PATIENCE_S):
            with client:
                listed = ask(client)
            return [] if isinstance(listed, Fail) else _completing(incomplete, (entry.job for entry in listed[1]))
    return []


def _completing(incomplete: str, names: Iterable[str]) -> list[str]:
    bash = os.environ.get("_INSPIRE_COMPLETE") == "complete_bash"
    escapes = bash and not os.environ.get(_QUOTE)
    typed = re.sub(r"\\(.)", r"\1", incomplete) if escapes else incomplete
    rests = [name[len(typed) :] for name in names if name.casefold().startswith(typed.casefold())]
    return [incomplete + (_SPECIAL.sub(r"\\\1", rest) if escapes else rest) for rest in rests]
