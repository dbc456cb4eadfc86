"""A pipe of JSON messages, some with audio."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
import pytest

from bridge.link import Link


def test_messages_and_audio_arrive_as_they_were_sent():
    near, far = map(Link, multiprocessing.Pipe())
    samples = np.arange(12, dtype=np.float32).reshape(4, 3)[:, ::2]  # not contiguous
    near.send({"type": "chunk", "name": "Grüße"}, samples)
    near.send({"type": "end"})
    message, audio = far.receive()
    assert message["name"] == "Grüße" and audio.dtype == np.float32
    np.testing.assert_array_equal(audio, samples)
    assert far.receive() == ({"type": "end"}, None)


def test_threads_never_tear_a_message_from_its_audio():
    near, far = map(Link, multiprocessing.Pipe())
    senders = [
        threading.Thread(target=lambda n=n: [near.send({"n": n}, np.full((50, 2), n, np.float32)) for _ in range(50)])
        for n in range(4)
    ]
    for sender in senders:
        sender.start()
    for _ in range(200):
        message, audio = far.receive()
        assert audio.shape == (50, 2) and (audio == message["n"]).all()
    for sender in senders:
        sender.join()


def test_an_end_that_is_gone_is_an_error_on_the_other():
    near, far = map(Link, multiprocessing.Pipe())
    near.close()
    with pytest.raises(EOFError):
        far.receive()
    with pytest.raises(OSError):
        far.send({"type": "x"})
