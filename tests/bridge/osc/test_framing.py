"""SLIP and size-prefixed frames are found however a stream is cut."""

from __future__ import annotations

import random

from bridge import limits
from bridge.errors import MessageError
from bridge.osc import codec
from tests.bridge.osc.test_server import ping


def test_frames_are_found_however_the_stream_is_cut():
    packets = [random.Random(n).randbytes(n * 7) for n in range(1, 60)] + [b"\xc0\xdb\xdc\xdd" * 9]
    stream = b"".join(codec.slip(packet) for packet in packets)
    for seed in range(20):
        cut, reader, found, position = random.Random(seed), codec.SlipReader(), [], 0
        while position < len(stream):
            step = cut.randrange(1, 40)
            found += reader.feed(stream[position : position + step])
            position += step
        assert found == packets


def test_a_frame_too_long_or_wrong_is_one_error_and_the_next_is_read():
    for wrong in (b"x" * 200_000, b"x" * (limits.MAX_FRAME + 1), b"/a\xdb\x00"):
        reader, found = codec.SlipReader(), []
        stream = wrong + b"\xc0" + codec.slip(ping("after"))
        for start in range(0, len(stream), 5000):
            found += reader.feed(stream[start : start + 5000])
        assert [type(one) for one in found] == [MessageError, bytes] and found[1] == ping("after")
