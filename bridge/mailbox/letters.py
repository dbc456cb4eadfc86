"""What lies in a mailbox: a request's file → a command, a reply → a line. Pure, but for reading one file.

A request is the OSC message as JSON, without its id, which is the file's name: `["/inspire/generate", "dub techno", "bars", 8]`.
A reply is the OSC message as JSON on a line of its own: `["/inspire/ack", "job-1"]`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from bridge.errors import MessageError
from bridge.limits import MAX_FRAME
from bridge.osc import commands, parsing, replies, spec
from bridge.osc.arguments import shown

REQUEST = ".json"
REPLIES = ".jsonl"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # of a box and of a request: no file system reads it differently
NAMELESS = "invalid"  # where a fail goes whose request's name is no id
_EXAMPLE = '["/inspire/generate", "dub techno", "bars", 8, "bpm", 124]'


def read_request(file: Path) -> commands.Command:
    """The command in a file that is called ID.json. Raises MessageError, and FileNotFoundError where it was taken back."""
    id = file.name.removesuffix(REQUEST)
    if not NAME.fullmatch(id):
        problem = f"a request's file is called ID{REQUEST}, and ID is 1 to 100 letters, digits, '.', '_' and '-', not {shown(id)}"
        raise MessageError(problem, "no_id", NAMELESS)
    try:
        address, arguments = _message(_text(file))
        command = parsing.parse_command(address, [id, *arguments])
    except MessageError as error:
        raise MessageError(str(error), error.code, id) from None
    if command.reply_port is not None:
        raise MessageError("reply_port has no meaning in a mailbox: answers go to its folder replies", "bad_value", id)
    return command


def reply_line(reply: replies.Reply) -> bytes:
    address, values = replies.encode_reply(reply)
    return json.dumps([address, *values], ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def reply_file(id: str) -> str:
    """The name of the file for the replies to `id`, which another client may have chosen as it liked."""
    if NAME.fullmatch(id):
        return id + REPLIES
    return ("~" + hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:16] if id else NAMELESS) + REPLIES


def _text(file: Path) -> str:
    """Raises MessageError for what is no file, too long or no UTF-8, and FileNotFoundError."""
    try:
        # Neither a link is followed nor a pipe waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(file, flags)
        with open(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise MessageError("this is not a file: put a request there as a file of its own")
            content = opened.read(MAX_FRAME + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MessageError(f"this request cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_FRAME:
        raise MessageError(f"this request is too long: at most {MAX_FRAME} bytes are allowed")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MessageError("text must be UTF-8: this request holds bytes that are not") from None


def _message(text: str) -> tuple[str, list[Any]]:
    """Raises MessageError."""
    try:
        message = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        why = f"{error.msg} in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise MessageError(f"this is not JSON ({why}): write a list such as {_EXAMPLE}") from None
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        raise MessageError(f"a request is a list that begins with an address, such as {_EXAMPLE}")
    address, *arguments = message
    for value in arguments:
        if not isinstance(value, (bool, int, float, str)):
            raise MessageError(f"{shown(value)} is neither text nor a number: {spec.short_name(address)!r} takes only these")
    return address, arguments


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
