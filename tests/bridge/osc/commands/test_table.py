"""A class becomes a row of the table of commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from bridge.osc.commands.table import Command, Table
from bridge.osc.fields import COMMON, Meta


def test_a_class_puts_itself_into_the_table_with_what_it_answers_and_the_keys_of_all():
    table = Table()

    @table.command("/inspire/order", "orders a dish", "ack", "fail")
    @dataclass(frozen=True)
    class Order(Command):
        dish: Annotated[str, Meta("which", 1, 20)]
        hot: Annotated[bool, Meta("1: spicy")] = False

    message = table.messages["/inspire/order"]
    assert table.types == {"/inspire/order": Order} and (message.doc, message.answers) == ("orders a dish", ("ack", "fail"))
    assert [field.name for field in message.arguments] == ["dish"]
    assert [field.name for field in message.pairs] == ["hot", *(field.name for field in COMMON)]
    assert Order.read("o", dish="soup", reply_port=9000) == Order("o", "soup", reply_port=9000)


def test_a_command_cannot_be_changed():
    with pytest.raises(AttributeError):
        Command("c").id = "d"
