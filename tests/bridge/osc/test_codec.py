"""Bytes that clients send, well-formed and not."""

from __future__ import annotations

import random
import struct

import pytest

from bridge.errors import MessageError
from bridge.osc import codec


def bundle(*elements: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def test_encoded_messages_decode():
    assert codec.decode(codec.encode("/a", [1, 0.5, "ä b"])) == ("/a", [1, 0.5, "ä b"])


def test_doubles_longs_and_booleans_are_read():
    message = b"/a\0\0,dhTF\0\0\0" + struct.pack(">dq", 0.1, 2**40)
    assert codec.decode(message) == ("/a", [0.1, 2**40, True, False])


def test_bundles_give_their_messages_in_order():
    one, two, three = (codec.encode("/a", [n]) for n in (1, 2, 3))
    assert [message for _, message in codec.split(bundle(one, bundle(two), three))] == [one, two, three]


@pytest.mark.parametrize("size", [-4, 0, 3, 1 << 30])
def test_bundles_with_wrong_sizes_are_rejected(size):
    packet = b"#bundle\0" + struct.pack(">Qi", 1, size) + b"/a\0"
    with pytest.raises(MessageError):
        for _, message in codec.split(packet):
            codec.decode(message)


def test_bundles_in_bundles_in_bundles_end():
    packet = codec.encode("/a", [])
    for _ in range(1000):
        packet = bundle(packet)
    with pytest.raises(MessageError, match="nested"):
        list(codec.split(packet))


def test_text_that_is_not_utf8_is_rejected_with_its_id():
    message = codec.encode("/inspire/generate", ["job1", "caf_"]).replace(b"caf_", "café".encode("latin-1"))
    with pytest.raises(MessageError, match="UTF-8") as caught:
        codec.decode(message)
    assert caught.value.id == "job1"


def test_types_that_are_not_served_are_named():
    with pytest.raises(MessageError, match="'b'") as caught:
        codec.decode(b"/a\0\0,sb\0job1\0\0\0\0\0\0\0\4abcd")
    assert caught.value.id == "job1"


def test_noise_and_mutations_never_raise_anything_else():
    random.seed(1)
    read = rejected = 0
    good = bundle(codec.encode("/inspire/generate", ["job1", "dub", "seed", 7, "duration_s", 2.0]))
    for _ in range(3000):
        data = bytearray(random.choice((good, good[20:], random.randbytes(random.randrange(200)))))
        for _ in range(random.randrange(4)):
            if data:
                data[random.randrange(len(data))] = random.randrange(256)
        data = bytes(data[: random.randrange(len(data) + 1)])
        try:
            for _, message in codec.split(data):
                assert codec.decode(message)[0].startswith("/")
                read += 1
        except MessageError as error:
            assert error.code and str(error)
            rejected += 1
    assert read > 20 and rejected > 1000  # both are tried
