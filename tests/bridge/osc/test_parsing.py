"""OSC arguments become commands, or one error that says what is allowed; without a socket."""

from __future__ import annotations

import math
import struct

import pytest

from bridge.errors import MessageError
from bridge.osc import replies, spec
from bridge.osc.commands import Cancel, History, Status, Submit
from bridge.osc.parsing import parse_command
from bridge.osc.replies import encode_reply


def rejected(address: str, *arguments) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse_command(address, list(arguments))
    assert caught.value.code in spec.FAIL_CODES
    return caught.value


def test_generate_with_everything():
    command = parse_command(
        "/inspire/generate",
        ["j", "dub", "bars", 4, "bpm", 124.0, "key", "A minor", "seed", 7, "play", 1, "path", "x.wav", "reply_port", 9000],
    )
    assert isinstance(command, Submit)
    assert (command.id, command.play, command.path, command.reply_port) == ("j", True, "x.wav", 9000)
    assert (command.request.prompt, command.request.bars, command.request.bpm, command.request.seed) == ("dub", 4, 124.0, 7)


def test_a_number_is_taken_for_every_text(tmp_path):
    """Hosts that send only floats, or only integers, can name jobs, presets, prompts, paths and days all the same."""
    assert parse_command("/inspire/cancel", [1.0, "job", 7.0]) == Cancel("1", "7")
    assert parse_command("/inspire/keep", ["k", 7]).job == "7"
    assert parse_command("/inspire/generate", [7, 808.0, "path", 3.0, "preset", 909]).music == {"prompt": "808"}
    assert parse_command("/inspire/generate", [7, 808.0, "path", 3.0]).path == "3"
    assert parse_command("/inspire/history", ["h", "since", 2026.0, "words", 303]) == History("h", words="303", since="2026")
    (tenth,) = struct.unpack(">f", struct.pack(">f", 0.1))
    assert parse_command("/inspire/status", [tenth, "job", tenth]) == Status("0.1", "0.1")
    for wrong in (True, float("nan"), float("inf")):
        with pytest.raises(MessageError) as caught:
            parse_command("/inspire/keep", ["k", wrong])
        assert caught.value.code == "bad_value"


def test_numbers_are_taken_as_pd_and_max_send_them():
    pd = parse_command("/inspire/generate", [7.0, "dub", "duration_s", 8, "seed", 3.0, "play", True])
    assert pd.id == "7"
    assert isinstance(pd.request.duration_s, float) and pd.request.duration_s == 8.0
    assert isinstance(pd.request.seed, int) and pd.request.seed == 3
    assert pd.play is True
    assert parse_command("/inspire/ping", [7]).id == "7"


def test_an_error_names_what_is_allowed():
    assert rejected("/inspire/generate").code == "no_id"
    assert rejected("/inspire/generate", "").code == "no_id"
    assert rejected("/inspire/generate", "x" * 101, "dub").code == "no_id"
    assert "/inspire/generate" in str(rejected("/inspire/nothing", "j"))
    assert rejected("/inspire/generate", "j").code == "missing_argument"
    assert "duration_s" in str(rejected("/inspire/generate", "j", "dub", "length", 3))
    assert rejected("/inspire/generate", "j", "dub", "length", 3).code == "unknown_key"
    assert rejected("/inspire/generate", "j", "dub", 3, 3).code == "unknown_key"
    assert rejected("/inspire/generate", "j", "dub", "seed", 1, "seed", 2).code == "unknown_key"
    assert rejected("/inspire/generate", "j", "dub", "seed").code == "missing_argument"
    assert "0.5 to 480" in str(rejected("/inspire/generate", "j", "dub", "duration_s", 0.0))
    assert rejected("/inspire/generate", "j", "dub", "seed", 1.5).code == "bad_value"
    assert rejected("/inspire/generate", "j", "dub", "seed", "7").code == "bad_value"
    assert rejected("/inspire/generate", "j", True).code == "bad_value"
    assert "intro" in str(rejected("/inspire/generate", "j", "dub", "section", "bridge"))
    assert rejected("/inspire/generate", "j", "   ").code == "bad_request"
    assert rejected("/inspire/generate", "j", "dub", "bars", 4).code == "bad_request"
    assert rejected("/inspire/generate", "j", "dub", "key", "H major").code == "bad_request"
    for value in (math.nan, math.inf, -math.inf, -1.0, 0.0, 3 * 3600.0):
        assert rejected("/inspire/generate", "j", "dub", "duration_s", value).code == "bad_value"


def test_an_error_carries_id_and_reply_port():
    error = rejected("/inspire/generate", "j", "dub", "length", 3, "reply_port", 9000.0)
    assert (error.id, error.reply_port) == ("j", 9000)
    assert rejected("/inspire/generate", "j", "dub", "reply_port", 99999).reply_port is None


def test_a_long_value_makes_no_long_answer():
    error = rejected("/inspire/generate", "j", "dub", "x" * 60_000, 1)
    address, values = encode_reply(replies.fail(error, error.id))
    assert address == "/inspire/fail" and len(values[2]) < 1000


def test_commands_are_understood_by_the_names_of_the_command_line():
    assert parse_command("/inspire/stop", ["q"]) == parse_command("/inspire/quit", ["q"])
    assert parse_command("/inspire/ideas", ["s", "dub"]) == parse_command("/inspire/sketch", ["s", "dub"])
    assert parse_command("/inspire/save", ["p", "Mine", "j"]) == parse_command("/inspire/preset/save", ["p", "Mine", "j"])
