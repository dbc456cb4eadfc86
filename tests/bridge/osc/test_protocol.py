"""The interface's numbers and words go together."""

from __future__ import annotations

from bridge.osc import codec, protocol
from bridge.osc.commands import COMMANDS
from bridge.osc.fields import MAX_ID_CHARS
from bridge.osc.replies import Chunk, encode_reply

_NAME_BYTES = 255  # of a file, in every usual file system


def test_what_midi_does_are_commands_and_one_key_of_those_that_it_asks_for():
    actions = [action for action in protocol.MIDI_ACTIONS if f"/inspire/{action}" not in COMMANDS]
    assert actions == ["guidance"] and COMMANDS["/inspire/generate"].pair("guidance")


def test_a_chunk_in_the_deepest_folder_that_is_allowed_fits_a_clients_buffer():
    path = "/" + "x" * (protocol.MAX_FOLDER_BYTES - 1) + "/" + "y" * _NAME_BYTES
    chunk = Chunk("ü" * MAX_ID_CHARS, 2**31 - 1, 480.0, 480.0, path, {"variation": 8})
    assert len(codec.encode(*encode_reply(chunk))) <= protocol.MAX_DATAGRAM_OUT


def test_ranges_are_ranges():
    assert 0 < protocol.LEAST_DATAGRAM_OUT < protocol.MAX_DATAGRAM_OUT < 65_508  # the largest datagram of UDP
    assert protocol.LEAST_GAIN_DB < 0 < protocol.MAX_GAIN_DB and protocol.HISTORY_LIMIT <= protocol.MAX_LISTED
    assert protocol.STARTS[0] == "now"  # what does not wait: Submit's own
