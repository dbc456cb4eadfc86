"""What crosses the engine's pipe comes out as it went in, by way of JSON."""

from __future__ import annotations

import json
from multiprocessing import Pipe

import numpy as np
import pytest

from bridge.engine_host import protocol
from bridge.errors import EngineFailure
from bridge.link import Link
from engine.api import AudioChunk, Finished, ModelError, Progress
from tests.reports import REPORT


@pytest.mark.parametrize("event", [Progress("generating", 1.5, 10.0), Finished(480, 48_000, True, REPORT)])
def test_an_event_comes_out_as_it_went_in(event):
    message, samples = protocol.encode(3, event)
    assert message["run"] == 3 and samples is None
    assert protocol.decode(json.loads(json.dumps(message)), None) == event


def test_progress_keeps_the_time_it_was_said_at():
    message, _ = protocol.encode(3, Progress("loading", 0.0, 10.0, at_s=5.25))
    assert protocol.decode(json.loads(json.dumps(message)), None).at_s == 5.25


def test_a_chunk_brings_its_samples_through_the_pipe():
    ours, theirs = (Link(end) for end in Pipe())
    audio = np.random.default_rng(0).random((100, 2), np.float32)
    theirs.send(*protocol.encode(1, AudioChunk(4, 800, 24_000, audio, 2)))
    chunk = protocol.decode(*ours.receive())
    assert (chunk.index, chunk.start_frame, chunk.samplerate, chunk.variation) == (4, 800, 24_000, 2)
    np.testing.assert_array_equal(chunk.samples, audio)


def test_an_error_becomes_the_runs_failure():
    message, _ = protocol.encode(None, ModelError("no model 'x'"))
    failure = protocol.decode(message, None)
    assert isinstance(failure, EngineFailure) and (failure.code, str(failure)) == ("bad_model", "no model 'x'")


def test_what_the_worker_cannot_have_said_is_a_fault():
    with pytest.raises(AssertionError):
        protocol.decode({"type": "chunk", "run": 1, "index": 0}, None)
    with pytest.raises(AssertionError):
        protocol.decode({"type": "sings", "run": 1}, None)
