"""The audio device's messages, over a real pipe: each comes out as it went in."""

from __future__ import annotations

from multiprocessing import Pipe
from typing import get_args

import numpy as np
import pytest

from bridge.audio import protocol
from bridge.audio.protocol import Begin, Close, Closed, Failed, Final, Found, Gain, Open, Opened, Quit, State, Stop, Write
from bridge.link import Link

SAMPLES = np.arange(6, dtype=np.float32).reshape(3, 2)
TO_PROCESS = [Open(0.5), Begin(None, False), Begin(12.25, True), Write(SAMPLES), Final(), Stop(), Gain(0.25), Close(), Quit()]
FROM_PROCESS = [
    Found("USB 24", 44_100, (3, 4)), Opened(0.02, 48_000), State(480, 1, -3.5, -12.25, True), Closed(), Failed("it is gone"),
]  # fmt: skip


def test_every_message_is_tried():
    assert {type(message) for message in TO_PROCESS} == set(get_args(protocol.ToProcess))
    assert {type(message) for message in FROM_PROCESS} == set(get_args(protocol.FromProcess))


@pytest.mark.parametrize("message", [*TO_PROCESS, *FROM_PROCESS], ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(message):
    ours, theirs = map(Link, Pipe())
    ours.send(*protocol.encode(message))
    received = protocol.decode(*theirs.receive())
    if isinstance(message, Write):
        assert isinstance(received, Write)
        assert received.samples.dtype == np.float32
        np.testing.assert_array_equal(received.samples, message.samples)
    else:
        assert received == message


@pytest.mark.parametrize("carried", [{"type": "louder"}, {"type": "gain"}, {"type": "gain", "gain": 1.0, "ramp_s": 2.0}])
def test_what_is_no_message_is_a_fault(carried):
    with pytest.raises((KeyError, TypeError)):
        protocol.decode(carried, None)
