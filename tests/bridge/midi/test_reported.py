"""A host's time as it tells it: bars without MIDI clock, the last word wins and is forgotten when it is not renewed."""

from __future__ import annotations

import asyncio
import time

import mido
import pytest

from bridge.midi.reported import ReportedTransport
from bridge.midi.transport import Transport
from bridge.osc.async_client import AsyncClient
from bridge.osc.protocol import TRANSPORT_S
from bridge.osc.replies import Ack, Done, Fail
from tests.bridge.conftest import socket_port, wait_for
from tests.bridge.midi.test_input import BPM, Host, asked, finds_the_tempo, state
from tests.bridge.midi.test_transport import START, playing


@pytest.mark.parametrize(
    ("position", "metre", "earliest", "bar", "next_s"),
    [
        (6.5, (4, 4), 0.0, 2, 0.75),  # 1.5 quarters at 120
        (6.5, (4, 4), 0.8, 2, 2.75),
        (6.5, (3, 4), 0.0, 3, 1.25),
        (6.5, (7, 8), 0.0, 2, 0.25),  # bars of 3.5 quarters
        (6.5, (), 0.0, 2, 1.75),  # those of whoever asks: of 5
        (-1.0, (4, 4), 0.0, 0, 0.5),  # in a count-in
        (8.0, (4, 4), 0.0, 3, 0.0),
    ],
)
def test_the_next_bar_is_where_the_host_has_it(position, metre, earliest, bar, next_s):
    transport = Transport()
    transport.report(ReportedTransport(120.0, position, True, START, *metre))
    assert transport.next_bar_s(START, 5, START + earliest) - START == pytest.approx(next_s)
    assert transport.state(START, 5)["bar"] == bar
    assert transport.beat(START + 1) == pytest.approx(position + 2)


def test_a_host_that_stands_has_no_next_bar_and_keeps_its_place():
    transport = Transport()
    transport.report(ReportedTransport(120.0, 6.5, False, START))
    assert transport.next_bar_s(START, 4, START) is None and not transport.playing(START)
    assert transport.beat(START + 1) == 6.5


def test_the_last_word_wins_also_over_midi_clock_until_it_is_not_renewed():
    transport, now = playing(90.0, 96)
    transport.report(ReportedTransport(120.0, 0.0, True, now - 1))
    transport.report(ReportedTransport(125.0, 2.0, False, now))
    assert (transport.bpm(now), transport.playing(now)) == (125, False)
    transport.report(ReportedTransport(125.0, 2.0, True, now - TRANSPORT_S))
    assert transport.bpm(now) == 125
    transport.report(ReportedTransport(125.0, 2.0, True, now - TRANSPORT_S - 0.01))
    assert (transport.bpm(now), transport.state(now, 4)["transport_from"]) == (90, "midi_clock")


def test_start_bar_without_midi(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        (fail,) = client.generate("tune", start="bar", bars=1)
        assert fail.code == "no_clock" and "no host reports its transport" in fail.message
        assert isinstance(client.tell_transport(125, 17, True, beats_per_bar=7, beat_unit=8), Ack)
        done = list(client.generate("tune", start="bar", bars=1))[-1]
        assert isinstance(done, Done)
        request = asked(done)
        assert (request["bpm"], request["beats_per_bar"], request["beat_unit"]) == (125, 7, 8)
        client.tell_transport(125, 17, True, beats_per_bar=7, beat_unit=8)
        request = asked(list(client.generate("tune", start="bar", bars=1, bpm=90, beats_per_bar=3))[-1])
        assert (request["bpm"], request["beats_per_bar"], request.get("beat_unit", 4)) == (90, 3, 4)  # its own
        client.tell_transport(125, 17, False)
        (fail,) = client.generate("tune", start="bar", bars=1)
        assert fail.code == "no_clock" and "does not play" in fail.message


def test_it_is_forgotten_when_it_is_not_renewed_and_midi_clock_counts_again(start_daemon):
    daemon = start_daemon(midi_in="socket:127.0.0.1:0")
    with socket_port(daemon) as port, daemon.client() as client, Host(port.send):
        port.send(mido.Message("start"))
        finds_the_tempo(daemon)
        client.tell_transport(125, 17.5, True, beats_per_bar=3)
        began = time.monotonic()
        stated = client.status().pairs
        assert (stated["transport_from"], stated["bpm"], stated["bar"], stated["beats_per_bar"]) == ("report", 125, 6, 3)
        state(daemon, transport_from="midi_clock", transport="playing", beats_per_bar=4)
        assert time.monotonic() - began > TRANSPORT_S - 0.1
        assert client.status().pairs["bpm"] == pytest.approx(BPM, rel=0.1)


def test_the_asynchronous_client_sends_it_too(daemon):
    async def tell() -> Ack | Fail:
        async with AsyncClient(daemon.port) as client:
            return await client.tell_transport(96, 4, False)

    assert isinstance(asyncio.run(tell()), Ack)
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("bpm") == 96)


@pytest.mark.parametrize(
    ("position", "loop", "earliest", "bar_s", "loop_s", "beat"),
    [
        (2.0, (4.0, 12.0), 0.0, 1.0, 5.0, 4.0),  # it plays into the loop, which ends at beat 12
        (10.5, (4.0, 12.0), 0.0, 0.75, 0.75, 4.5),  # the bar line at its end is the one at its beginning
        (10.5, (4.0, 12.0), 0.8, 2.75, 4.75, 4.5),
        (10.5, (4.0, 12.0), 4.8, 6.75, 8.75, 4.5),
        (5.0, (4.0, 10.0), 0.0, 1.5, 2.5, 7.0),  # one and a half bars: lines at 4 and 8, then at 4 again
        (5.0, (4.0, 10.0), 1.6, 2.5, 2.5, 7.0),
        (5.0, (5.0, 7.0), 0.0, None, 1.0, 5.0),  # half a bar without a bar line
        (13.0, (4.0, 12.0), 0.0, 1.5, None, 15.0),  # past it: it plays on
    ],
)
def test_a_host_that_loops_goes_back(position, loop, earliest, bar_s, loop_s, beat):
    transport = Transport()
    transport.report(ReportedTransport(120.0, position, True, START, 4, 4, loop))
    found = (transport.next_bar_s(START, 4, START + earliest), transport.next_loop_s(START, START + earliest))
    assert [None if one is None else pytest.approx(one - START) for one in found] == [bar_s, loop_s]
    assert transport.beat(START + 1) == pytest.approx(beat)
    assert transport.loop_quarters(START) == loop[1] - loop[0]
    if loop_s is not None:
        assert transport.bar_at(START, START + loop_s, 4) == int(loop[0] // 4) + 1


def test_a_host_that_stands_or_does_not_loop_has_no_next_loop():
    transport = Transport()
    transport.report(ReportedTransport(120.0, 6.5, False, START, 4, 4, (4.0, 12.0)))
    assert transport.next_loop_s(START, START) is None
    transport.report(ReportedTransport(120.0, 6.5, True, START, 4, 4))
    assert transport.next_loop_s(START, START) is None and transport.loop_quarters(START) is None
    assert playing(90.0, 96)[0].next_loop_s(START, START) is None  # MIDI clock tells of none
