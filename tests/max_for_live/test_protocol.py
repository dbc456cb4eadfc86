"""The script's table of messages: the daemon's own, cut to what the device uses."""

from __future__ import annotations

import json

from bridge.osc import spec
from max_for_live import protocol
from max_for_live.build import FOLDER, SCRIPT
from max_for_live.protocol import script_table

CODE = (FOLDER / SCRIPT).read_text("utf-8")


def test_every_key_that_is_wanted_of_a_message_is_one_of_the_daemons():
    """A name that it does not have would be left out, and what depends on it be nothing, without an error."""
    for wanted, messages in ((protocol._COMMANDS, spec.COMMANDS), (protocol._REPLIES, spec.REPLIES)):
        for name, keys in wanted.items():
            there = {f.name for f in messages[f"/inspire/{name}"].pairs}
            assert {*(keys or ())} <= there, name


def test_the_message_table_is_the_daemons():
    assert script_table() in CODE, "run python -m max_for_live.build"
    table = json.loads(script_table().removeprefix("var TABLE = ").rstrip().removesuffix(";"))
    assert table["protocol"] == spec.PROTOCOL
    for name, command in table["commands"].items():
        message = spec.COMMANDS[f"/inspire/{name}"]
        assert [field[0] for field in command["arguments"]] == [f.name for f in message.arguments]
        assert all(message.pair(key).type in "ifs" for key in command["keys"])


def test_a_field_is_its_name_type_limits_and_choices():
    table = json.loads(script_table().removeprefix("var TABLE = ").rstrip().removesuffix(";"))
    keys = table["commands"]["generate"]["keys"]
    assert keys["bars"] == ["bars", "i", 1, 512] and keys["start"] == ["start", "s", None, None, ["now", "bar", "next_loop"]]
    assert table["commands"]["gain"]["arguments"] == [["gain_db", "f", -100.0, 12.0]]
