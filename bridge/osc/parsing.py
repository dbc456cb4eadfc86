"""OSC arguments → commands, and a client's half of that. Pure: no socket, no clock.

Nothing inside the daemon sees an argument list.
"""

from __future__ import annotations

import hmac
import os
from typing import Any

from bridge import user
from bridge.errors import MessageError
from bridge.osc.arguments import as_text, convert, read, read_values, shown, unknown_key
from bridge.osc.commands import ALIASES, COMMANDS, TYPES, Command
from bridge.osc.fields import MAX_ID_CHARS, REPLY_PORT, TOKEN, USER, Message
from bridge.plain_text import is_plain
from engine.api import RequestError


def parse_command(address: str, arguments: list[Any], token: str = "") -> Command:
    """One command from OSC. Raises MessageError that carries the request's id and reply port where they can be read.

    `token` is what the command must bring, empty for nothing; one that does not learns nothing else. One that says that another
    user asks is rejected, unless there is a token and it brings it.
    """
    id = _read_id(arguments)
    address = ALIASES.get(address, address)
    try:
        _check_sender(address, arguments, token)
        return _parse(address, id, arguments[1:])
    except (MessageError, RequestError) as error:
        raise MessageError(str(error), error.code, id, _reply_port(arguments)) from None


def encode_command(address: str, id: str, arguments: list[Any], pairs: dict[str, Any]) -> tuple[str, list[Any]]:
    """A command as a client sends it, values converted to the table's types. A pair that is None is left out."""
    message = COMMANDS[address]
    values: list[Any] = [id, *(convert(f.type, value) for f, value in zip(message.arguments, arguments, strict=True))]
    for name, value in pairs.items():
        if value is None:
            continue
        key = message.pair(name)
        if key is None:
            raise unknown_key(message, name)
        values += [name, convert(key.type, value)]
    return address, values


def _parse(address: str, id: str, arguments: list[Any]) -> Command:
    message = COMMANDS.get(address)
    if message is None:
        raise MessageError(f"no command {shown(address)}: there are {', '.join(COMMANDS)}", "unknown_address")
    if not id:
        problem = f"{address} must begin with a request id that you choose, a text of 1 to 100 characters, no control characters"
        raise MessageError(problem, "no_id")
    values = read_values(message, arguments)
    _check_text(message, values)
    for key in (TOKEN, USER):
        values.pop(key.name, None)
    values |= {f.name: bool(values[f.name]) for f in message.pairs if f.is_switch and f.name in values}
    return TYPES[address].read(id, **values)


def _check_text(message: Message, values: dict[str, Any]) -> None:
    """Names, ids and paths hold nothing that a terminal would obey: they are shown, logged and become names of files."""
    for f in (*message.arguments, *message.pairs):
        if f.type == "s" and not f.is_free and not is_plain(values.get(f.name, "")):
            problem = f"{f.name} is {shown(values[f.name])}: control characters and marks of direction are not allowed in it"
            raise MessageError(problem, "bad_value")


def _check_sender(address: str, arguments: list[Any], expected: str) -> None:
    """In constant time: how long a rejection takes says nothing of the token."""
    message = COMMANDS.get(address)
    pairs = arguments[1 + len(message.arguments if message else ()) :]
    given = dict(zip(pairs[::2], pairs[1::2], strict=False))
    token, asks = str(given.get(TOKEN.name, "")), as_text(given.get(USER.name, user.number()))
    if expected and hmac.compare_digest(token.encode(), expected.encode()):
        return
    if asks != user.number():
        whose = f"this daemon is {user.name()}'s (process {os.getpid()}), who is another user of this machine"
        raise MessageError(f"{whose}: start your own with 'inspire serve --port auto', or ask for its token", "other_user")
    if expected:
        raise MessageError("this daemon asks for its token (its setting token): give it with the key token", "token")


def _read_id(arguments: list[Any]) -> str:
    """The request's id, or empty. Pd and Max may send a number: it is taken as its text, 7.0 as "7"."""
    id = (as_text(arguments[0]) if arguments else None) or ""
    return id if len(id) <= MAX_ID_CHARS and is_plain(id) else ""


def _reply_port(arguments: list[Any]) -> int | None:
    """The reply port of a message that may be wrong elsewhere, so that the fail reaches who listens there."""
    for name, value in zip(arguments, arguments[1:], strict=False):
        if name == REPLY_PORT.name:
            try:
                return int(read(REPLY_PORT, value))
            except MessageError:
                return None
    return None
