"""One daemon for the handlers' tests, and the parts of one in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.handlers import Caller, Replies
from bridge.osc.replies import Reply
from tests.bridge.conftest import RunningDaemon, serving

CALLER = Caller(("127.0.0.1", 9), ("127.0.0.1", 9))


@pytest.fixture(scope="package")
def daemon(tmp_path_factory) -> Iterator[RunningDaemon]:
    """For tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("daemon")) as running:
        yield running


async def all_of(replies: Replies) -> list[Reply]:
    return [reply async for reply in replies]
