"""Events over the wire and back: every field, every sample, and what is no message."""

import io
from dataclasses import asdict

import numpy as np
import pytest

from engine.api import AudioChunk, Finished, GenerationRequest, Progress, RequestError
from engine.cluster import wire
from tests.fake_engine import create_engine


def through(event):
    """What comes out at the other end."""
    stream = io.BytesIO(wire.encode(event))
    found = wire.decode(*wire.unpack(stream.read))
    assert stream.read() == b""
    return found


def test_all_events_of_a_generation_come_out_as_they_went_in():
    request = GenerationRequest(prompt="stereo", duration_s=0.6, seed=1, model="fake")
    kinds = set()
    engine = create_engine()
    engine.load("fake")
    for event in engine.generate(request, lambda: False):
        found = through(event)
        kinds.add(type(found))
        if isinstance(event, AudioChunk):
            assert found.samples.dtype == np.float32
            np.testing.assert_array_equal(found.samples, event.samples)
            assert (found.index, found.start_frame, found.samplerate, found.variation) == (
                event.index, event.start_frame, event.samplerate, event.variation
            )  # fmt: skip
        elif isinstance(event, Finished):
            assert asdict(found.report) == asdict(event.report) and (found.frames, found.cancelled) == (event.frames, False)
        else:
            assert found == event
    assert kinds == {Progress, AudioChunk, Finished}


def test_an_error_keeps_its_code_and_its_sentence():
    error = through(RequestError("bars needs a tempo"))
    assert (error.code, str(error)) == ("bad_request", "bars needs a tempo")


def test_what_is_no_message_is_an_error():
    with pytest.raises(ValueError, match="no engine's answer"):
        wire.unpack(io.BytesIO(b"<html><body>").read)
    with pytest.raises(ValueError, match="a JSON object"):
        wire.unpack(io.BytesIO(b"\0\0\0\x02[]").read)
    with pytest.raises(ValueError, match="a message of type 'surprise'"):
        wire.decode({"type": "surprise"}, b"")
    assert wire.decode({"type": "alive", "replica": "1 on box"}, b"") is None
