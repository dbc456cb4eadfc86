"""A transport that a host reports: as old as it says, kept until the next, rejected where it cannot be."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.handlers.transport import TransportHandlers
from bridge.midi.transport import Transport
from bridge.osc.commands import ReportTransport
from bridge.osc.replies import Ack, Fail
from tests.bridge.handlers.conftest import CALLER, all_of


def report(**values) -> Transport:
    """A transport that got this report."""
    transport = Transport()
    command = ReportTransport("t", **{"bpm": 120.0, "position_beats": 8.0, "playing": True, **values})
    assert asyncio.run(all_of(TransportHandlers(transport).report(command, CALLER))) == [Ack("t")]
    return transport


def test_a_report_is_of_when_it_was_made():
    fresh, old = report(), report(age_s=0.5)
    now = time.monotonic()
    assert old.beat(now) - fresh.beat(now) == pytest.approx(1.0, abs=0.1)  # half a second at 120 bpm
    assert report(playing=False, age_s=0.5).beat(time.monotonic()) == pytest.approx(8.0)


def test_metre_and_loop_are_the_hosts_where_it_gives_them():
    now = time.monotonic()
    assert report(beats_per_bar=7, beat_unit=8).metre(now) == {"beats_per_bar": 7, "beat_unit": 8}
    assert report(loop_start_beats=4.0, loop_end_beats=12.0).loop_quarters(now) == 8.0
    assert report().loop_quarters(now) is None


def test_what_cannot_be_is_rejected_and_what_was_reported_stays(daemon):
    with daemon.client() as client:
        client.tell_transport(125, 17, False)
        rejected = [
            ((0, 17, True), {}, "bad_value"),
            ((125, 17, 2), {}, "bad_value"),
            ((125, 1e9, True), {}, "bad_value"),
            ((125, 17, True), {"beats_per_bar": 0}, "bad_value"),
            ((125, 17, True), {"beats_per_bar": 4, "beat_unit": 3}, "bad_value"),
            ((125, 17, True), {"beats_per_bar": 16, "beat_unit": 2}, "bad_request"),
            ((125, 17, True), {"beat_unit": 8}, "bad_request"),
        ]
        for arguments, pairs, code in rejected:
            fail = client.tell_transport(*arguments, **pairs)
            assert isinstance(fail, Fail) and fail.code == code, (arguments, pairs, fail)
        stated = client.status().pairs
        assert (stated["transport"], stated["bpm"]) == ("stopped", 125)


def test_half_a_loop_is_rejected(daemon):
    with daemon.client() as client:
        for pairs, word in (({"loop_start_beats": 4}, "give both"), ({"loop_start_beats": 4, "loop_end_beats": 4}, "end later")):
            rejected = client.tell_transport(120.0, 0.0, True, **pairs)
            assert isinstance(rejected, Fail) and word in rejected.message
