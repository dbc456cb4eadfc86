"""The ring: nothing lost, nothing repeated, nothing torn, between two threads."""

from __future__ import annotations

import threading

import numpy as np

from bridge.audio.ring_buffer import RingBuffer


def frames(start: int, count: int) -> np.ndarray:
    return np.repeat(np.arange(start, start + count, dtype=np.float32)[:, None], 2, axis=1)


def test_it_takes_what_fits_and_gives_what_is_there():
    ring = RingBuffer(8, 2)
    assert ring.write(frames(0, 5)) == 5
    assert ring.write(frames(5, 5)) == 3
    out = np.full((6, 2), -1, np.float32)
    assert ring.read_into(out) == 6
    np.testing.assert_array_equal(out, frames(0, 6))
    assert ring.write(frames(8, 4)) == 4  # around the end
    out = np.full((9, 2), -1, np.float32)
    assert ring.read_into(out) == 6
    np.testing.assert_array_equal(out[:6], frames(6, 6))
    np.testing.assert_array_equal(out[6:], -1)
    assert (ring.readable, ring.writable) == (0, 8)


def test_discard_forgets_what_is_there():
    ring = RingBuffer(8, 2)
    ring.write(frames(0, 5))
    ring.discard()
    assert ring.readable == 0
    ring.write(frames(9, 2))
    out = np.zeros((2, 2), np.float32)
    ring.read_into(out)
    np.testing.assert_array_equal(out, frames(9, 2))


def test_two_threads_pass_everything_on_in_order():
    ring, total = RingBuffer(509, 2), 30_000
    captured = np.zeros((total, 2), np.float32)

    def consume() -> None:
        position, sizes = 0, np.random.default_rng(1)
        while position < total:
            position += ring.read_into(captured[position : position + sizes.integers(1, 700)])

    consumer = threading.Thread(target=consume)
    consumer.start()
    position, sizes = 0, np.random.default_rng(2)
    while position < total:
        count = min(int(sizes.integers(1, 700)), total - position)
        position += ring.write(frames(position, count))
    consumer.join()
    np.testing.assert_array_equal(captured, frames(0, total))
