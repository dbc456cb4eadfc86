"""The list of rules: a module adds its own with `@rule`. A rule raises Differs."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.peers import Reply, Server, expect


def expect_fail(reply: Reply, code: str, what: str) -> None:
    expect(reply.name == "fail" and reply.values[1:2] == [code], f"{what}: {reply}: fail {code} is right")


RULES: dict[str, Callable[[Server], None]] = {}


def rule(reported: str) -> Callable:
    def add(check: Callable[[Server], None]) -> Callable[[Server], None]:
        RULES[reported] = check
        return check

    return add
