"""Finds the daemon, or starts one and says so."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any, NoReturn, TypeVar

from bridge.cli.consoles import err
from bridge.config import state_file
from bridge.config.settings import AUTO, Settings, load_settings
from bridge.errors import NoDaemon, UnexpectedReply
from bridge.osc.client import Client
from bridge.osc.replies import Fail, Reply, State, name_of

_START_PATIENCE_S = 30.0

_Reply = TypeVar("_Reply")
_Expected = TypeVar("_Expected", bound=Reply)
_UPDATE = "it may be of another version: end it with 'inspire stop', and ask again"


def connect(port: int | None, no_start: bool, quiet: bool = False) -> Client:
    """A client of this user's running daemon. Raises NoDaemon."""
    settings = load_settings({"port": port})
    others: list[str] = []
    if client := find_daemon(settings, port, others=others):
        return client
    if others and (no_start or port is not None):
        raise NoDaemon(others[0])
    if no_start:
        raise NoDaemon(f"no daemon runs on port {settings.port}, and none is started for this: start one with 'inspire serve'")
    return _start_daemon(settings, port, quiet, AUTO if others else settings.port)


def find_daemon(settings: Settings, port: int | None, patience_s: float = 1.0, others: list[str] | None = None) -> Client | None:
    """A client of the daemon, where one answers. A fail is an answer too: what the client then asks for will fail with it again.

    But not that of another user's daemon: what it says is added to `others`.
    """
    for host, number in state_file.addresses(settings, port is not None):
        client = Client(number, host, patience_s, settings.token)
        try:
            answer = client.ping()
        except NoDaemon:
            client.close()
            continue
        if not isinstance(answer, Fail) or answer.code != "other_user":
            return client
        client.close()
        if others is not None:
            others.append(answer.message)
    return None


def _start_daemon(settings: Settings, port: int | None, quiet: bool, its_port: int | str) -> Client:
    log_file = settings.log_folder / "daemon.log"
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not quiet:
        err.print(f"no daemon runs: starting one on port {its_port} (log: {log_file}; end it with 'inspire stop')")
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(its_port)]
    with open(log_file, "ab") as log:
        began = log.tell()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + _START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if client := find_daemon(settings, port, patience_s=0.5):
            _wait_for_model(client, quiet)
            return client
        time.sleep(0.05)
    if process.poll() is None:
        raise NoDaemon(f"the daemon has not answered in {_START_PATIENCE_S:g} s: it may need longer, try again (log: {log_file})")
    lines = log_file.read_bytes()[began:].decode(errors="replace").strip().splitlines()
    raise NoDaemon(f"the daemon did not start: {lines[-1] if lines else 'it logged nothing'} (log: {log_file})")


def _wait_for_model(client: Client, quiet: bool) -> None:
    """A new daemon loads its model first; a job's figures are to be the job's."""
    if not quiet:
        err.print("loading the model …")
    while (state := answered(client.status())).state == "starting" or _is_awaited(state):
        time.sleep(0.1)
    if not quiet and "problem" not in state.pairs:
        facts = {"model": state.pairs.get("model"), "on": state.pairs.get("engine_device")}
        facts["sound:"] = always_in(state, "audio_device")
        err.print(" ".join(f"{name} {value}" for name, value in facts.items()), markup=False)


def _is_awaited(state: State) -> bool:
    """The model, by a job that the last daemon left."""
    return state.state == "busy" and not state.pairs.keys() & {"model", "problem"}


def answered(reply: _Reply | Fail) -> _Reply:
    """A reply that is not a fail."""
    if isinstance(reply, Fail):
        fail(reply.message, 1)
    return reply


def expected(reply: Reply | None, type_: type[_Expected]) -> _Expected:
    """A reply of this type. Raises UnexpectedReply."""
    if not isinstance(reply, type_):
        said = "gave no answer" if reply is None else f"answered with {name_of(reply)!r}, which is no answer to this"
        raise UnexpectedReply(f"the daemon {said}: {_UPDATE}")
    return reply


def always_in(state: State, key: str) -> Any:
    """A value that a daemon's state always has. Raises UnexpectedReply where it lacks."""
    if key not in state.pairs:
        raise UnexpectedReply(f"the daemon does not state its {key}: {_UPDATE}")
    return state.pairs[key]


def fail(message: str, code: int) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise SystemExit(code)
