"""Commands to the daemon itself."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import ListModels, Ping, Quit
from bridge.osc.parsing import parse_command


def test_quit_keeps_the_jobs_that_wait_unless_they_are_dropped():
    assert parse_command("/inspire/quit", ["q"]) == Quit("q", drop=False)
    assert parse_command("/inspire/stop", ["q", "drop", 1]) == Quit("q", drop=True)


@pytest.mark.parametrize(("address", "command"), [("/inspire/ping", Ping), ("/inspire/models", ListModels)])
def test_what_only_asks_takes_nothing_but_where_to_answer(address, command):
    assert parse_command(address, ["p", "reply_port", 9000]) == command("p", reply_port=9000)
    with pytest.raises(MessageError, match="drop"):
        parse_command(address, ["p", "drop", 1])
