"""The engine's process, spoken to through its pipe: it loads, runs, checks what its engine gives, and ends with the daemon."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing.context import SpawnProcess

import numpy as np
import pytest

from bridge.engine_host import protocol, worker
from bridge.engine_host.worker import NICENESS, checked, create_engine
from bridge.errors import EngineFailure
from bridge.link import Link
from engine.api import AudioChunk, Finished, GenerationRequest, ModelReport, Progress
from tests.bridge.conftest import wait_for
from tests.fake_engine import FakeEngine
from tests.reports import MODEL, REPORT


class Wrong:
    """Breaks the contract in the way that the prompt names."""

    def load(self, model: str) -> ModelReport:
        return MODEL

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator:
        samples = np.zeros((10, 1), np.float64 if request.prompt == "float64" else np.float32)
        yield AudioChunk(1 if request.prompt == "index" else 0, 0, 48_000, samples + (np.nan if request.prompt == "nan" else 0))
        if request.prompt != "endless":
            yield Finished(11 if request.prompt == "frames" else 10, 48_000, False, REPORT)


def create_wrong() -> Wrong:
    return Wrong()


class Child:
    """One engine process and our end of its pipe."""

    def __init__(self, engine: str):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=worker.main, args=(theirs, engine), daemon=True)
        self.process.start()
        theirs.close()
        self.link = Link(ours)
        self.run = 0

    def next(self) -> protocol.Message:
        while (received := self.link.receive())[0]["type"] == "heartbeat":
            pass
        return received[0]

    def generate(self, prompt: str, weights: str = "", **values: object) -> list:
        """Everything that comes of it, up to its end."""
        self.run += 1
        request = asdict(GenerationRequest(prompt, **{"model": "sketch", "duration_s": 0.5, **values}))
        self.link.send({"type": "generate", "run": self.run, "request": request, "weights": weights})
        events: list = []
        while not events or not isinstance(events[-1], (Finished, EngineFailure, dict)):
            message, samples = self.link.receive()
            if message["type"] == "dying":
                events.append(message)
            elif message.get("run") == self.run:
                events.append(protocol.decode(message, samples))
        return events


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    one = Child("tests.fake_engine:create_engine")
    assert one.next() == {"type": "ready"}
    yield one
    one.link.send({"type": "quit"})
    one.process.join(20)
    assert one.process.exitcode == 0


def test_the_model_of_a_request_is_loaded_once_and_its_events_come_in_order(child):
    first, second = child.generate("tune"), child.generate("tune")
    assert first[0] == Progress("loading", 0.0, 0.5, first[0].at_s)  # only the first time
    assert all(not isinstance(event, Progress) or event.phase != "loading" for event in second)
    chunks = [event for event in second if isinstance(event, AudioChunk)]
    assert [chunk.index for chunk in chunks] == [0, 1] and isinstance(second[-1], Finished) and second[-1].frames == 24_000


def test_an_error_that_the_engine_means_ends_the_run_and_not_the_process(child):
    (*_, end) = child.generate("refuse this")
    assert (end.code, str(end)) == ("bad_request", "the fake engine is asked to reject")
    (*_, end) = child.generate("tune", weights="others")
    assert end.code == "bad_model" and "its weights were others, now they are none" in str(end)
    assert isinstance(child.generate("tune", weights="none")[-1], Finished)


def test_a_cancel_is_seen_while_the_engine_works(child):
    child.link.send({"type": "cancel", "run": child.run + 1})
    end = child.generate("slow tune", duration_s=60)[-1]
    assert isinstance(end, Finished) and end.cancelled


def test_an_engine_that_breaks_the_contract_dies_and_says_how():
    """Before its job is taken for done."""
    one = Child(f"{__name__}:create_wrong")
    (*_, end) = one.generate("frames")
    assert end["type"] == "dying" and "counts 11 frames" in end["message"]
    one.process.join(20)
    assert one.process.exitcode == 1


@pytest.mark.parametrize(
    ("prompt", "reported"),
    [("float64", "not float32"), ("index", "does not follow"), ("nan", "not finite"), ("endless", "without Finished"),
     ("frames", "counts 11 frames")],
)  # fmt: skip
def test_what_is_no_stream_of_chunks_is_named(prompt, reported):
    with pytest.raises(AssertionError, match=reported):
        list(checked(Wrong().generate(GenerationRequest(prompt), lambda: False)))


def test_the_process_ends_with_the_daemon_whatever_it_does():
    one = Child("tests.fake_engine:create_engine")
    one.next()
    one.link.close()
    one.process.join(20)
    assert one.process.exitcode == 0


def test_an_engine_is_named_by_its_module_or_its_address():
    assert isinstance(create_engine("tests.fake_engine:create_engine"), FakeEngine)
    with pytest.raises(AttributeError):
        create_engine("tests.fake_engine:nothing")


def test_the_engine_runs_at_a_lower_priority_than_a_daw(start_daemon):
    daemon = start_daemon()
    engine, own = daemon.engine_pid(), os.getpriority(os.PRIO_PROCESS, daemon.process.pid)
    wait_for(lambda: os.getpriority(os.PRIO_PROCESS, engine) == max(NICENESS, own))
    assert NICENESS > 0 and own == os.getpriority(os.PRIO_PROCESS, 0)
    assert daemon.serves_on()
    threads = [int(one) for one in os.listdir(f"/proc/{engine}/task")]
    assert {os.getpriority(os.PRIO_PROCESS, one) for one in threads} == {max(NICENESS, own)}
