"""A message's class is its row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from bridge.osc.fields import Field, Meta, read_message, short_name


@dataclass(frozen=True)
class Order:
    id: str
    dish: Annotated[str, Meta("what", 1, 20)]
    count: Annotated[int | None, Meta("how many", 1, 4)] = None
    hot: Annotated[bool, Meta("1: spicy")] = False
    size: Annotated[str | None, Meta("how large", choices=("small", "large"))] = None


@dataclass(frozen=True)
class Bill:
    id: str
    total: Annotated[float, Meta("euros")]
    pairs: dict[str, Any] = field(default_factory=dict)

    class Keys:
        tip: Annotated[float, Meta("euros too")]


def test_fields_without_a_default_are_arguments_the_others_keys():
    common = (Field("token", "s", "a token"),)
    message = read_message(Order, "/inspire/order", "orders", ("ack",), common)
    assert [one.name for one in message.arguments] == ["dish"] and message.answers == ("ack",)
    assert [(one.name, one.type) for one in message.pairs] == [("count", "i"), ("hot", "i"), ("size", "s"), ("token", "s")]
    assert message.pair("hot").is_switch and not message.pair("count").is_switch and message.pair("dish") is None


def test_a_replys_keys_stand_in_a_class_of_their_own():
    message = read_message(Bill, "/inspire/bill", "the bill")
    assert [one.name for one in message.arguments] == ["total"] and [one.name for one in message.pairs] == ["tip"]


def test_what_is_allowed_is_said_in_words():
    message = read_message(Order, "/inspire/order", "orders")
    assert message.arguments[0].allowed == "text of 1 to 20 characters"
    allowed = ["a whole number from 1 to 4", "a whole number from 0 to 1", "one of small, large"]
    assert [one.allowed for one in message.pairs] == allowed
    assert Field("gain", "f", "").allowed == "a number" and short_name("/inspire/midi/learn") == "midi/learn"
