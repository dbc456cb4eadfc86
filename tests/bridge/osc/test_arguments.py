"""Values of a message: lenient where hosts are, and each error says what is allowed."""

from __future__ import annotations

import math

import pytest

from bridge.errors import MessageError
from bridge.osc.arguments import as_text, convert, cut, read, read_values, shown
from bridge.osc.fields import Field, Message

COUNT = Field("count", "i", "how many", 1, 8)
GAIN = Field("gain_db", "f", "gain", -60.0, 0.0)
NAME = Field("name", "s", "a name", 1, 5)
MODE = Field("mode", "s", "a mode", choices=("new", "append"))
MESSAGE = Message("/inspire/test", "for a test", (NAME,), (COUNT, GAIN))


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        (COUNT, 3.0, 3), (COUNT, True, 1), (GAIN, -6, -6.0), (NAME, 7.0, "7"), (NAME, 0.10000000149011612, "0.1"),
        (MODE, "new", "new"),
    ],
)  # fmt: skip
def test_hosts_that_send_other_types_are_understood(field, value, read_as):
    found = read(field, value)
    assert found == read_as and type(found) is type(read_as)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (COUNT, 2.5, "a whole number from 1 to 8"), (COUNT, 9, "from 1 to 8"), (GAIN, math.nan, "a number from -60 to 0"),
        (GAIN, "loud", "a number"), (NAME, "toolong", "7 characters"), (NAME, None, "text"), (MODE, "old", "one of new, append"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_the_field_and_what_is_allowed(field, value, words):
    with pytest.raises(MessageError, match=f"{field.name} .*{words}") as error:
        read(field, value)
    assert error.value.code == "bad_value"


def test_arguments_come_first_then_keys_in_any_order():
    assert read_values(MESSAGE, ["dub", "gain_db", -3, "count", 2]) == {"name": "dub", "gain_db": -3.0, "count": 2}


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ([], "missing_argument", "needs name"), (["dub", "size", 1], "unknown_key", "its keys are count, gain_db"),
        (["dub", 3, 1], "unknown_key", "no key 3"), (["dub", "count"], "missing_argument", "count has no value"),
        (["dub", "count", 1, "count", 2], "unknown_key", "twice"),
    ],
)  # fmt: skip
def test_a_message_that_is_wrong_is_one_error(values, code, words):
    with pytest.raises(MessageError, match=words) as error:
        read_values(MESSAGE, values)
    assert error.value.code == code


def test_text_is_sent_as_utf_8_or_not_at_all():
    assert (convert("s", 7), convert("i", 7.0), convert("f", 7)) == ("7", 7, 7.0)
    with pytest.raises(MessageError, match="no text in UTF-8"):
        convert("s", "a\udcff.wav")


def test_what_people_read_is_short_and_on_one_line():
    assert shown("x" * 100) == "'" + "x" * 58 + "…" and "\x1b" not in shown("\x1b[2J")
    assert len(cut("café" * 10, 12).encode()) <= 12 and cut("café" * 10, 12).startswith("café")
    assert cut("dub", 12) == "dub" and as_text(math.inf) is None
