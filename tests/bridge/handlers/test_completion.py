"""A request gets the values it left open from where they are known; what it says itself wins."""

from __future__ import annotations

import time

import pytest

from bridge.config.presets import Presets
from bridge.config.settings import Settings
from bridge.errors import MessageError
from bridge.handlers.completion import Completion
from bridge.midi.reported import ReportedTransport
from bridge.midi.transport import Transport
from bridge.osc.commands import Submit
from bridge.osc.parsing import parse_command
from engine.api import GenerationRequest


@pytest.fixture
def transport() -> Transport:
    return Transport(0)


@pytest.fixture
def completion(tmp_path, transport) -> Completion:
    return Completion(Settings(folder=tmp_path, state_folder=tmp_path / "state", model="mine"), Presets(tmp_path), transport)


def test_the_usual_model_is_named(completion):
    assert completion.admit(Submit("j", GenerationRequest("dub"))).request.model == "mine"
    assert completion.admit(Submit("j", GenerationRequest("dub", model="other"))).request.model == "other"


def test_a_preset_gives_what_was_left_open(completion):
    draft = parse_command("/inspire/generate", ["j", " ", "preset", "Deep house", "bpm", 99.0])
    request = completion.complete(draft).request
    assert request.bpm == 99 and "house" in request.prompt.lower()


def test_the_host_gives_tempo_and_metre_to_what_starts_on_its_bar(completion, transport):
    draft = parse_command("/inspire/generate", ["j", "dub", "bars", 4, "start", "bar"])
    with pytest.raises(MessageError, match="no host reports its transport") as caught:
        completion.complete(draft)
    assert caught.value.code == "no_clock"
    transport.report(ReportedTransport(90.0, 0.0, True, time.monotonic(), 3, 4))
    request = completion.complete(draft).request
    assert (request.bpm, request.beats_per_bar) == (90.0, 3)
