"""Pads, programs and controllers that play a real daemon, and learning them: over mido's sockets, over OSC."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import mido
import pytest

from bridge.errors import MessageError, SettingsError
from bridge.midi import controller as midi_controller
from bridge.midi.controller import MidiControl
from bridge.osc.client import Client
from bridge.osc.commands import Learn
from bridge.osc.replies import Ack, BindingInfo, Cancelled, Fail
from tests.bridge.conftest import RawClient, RunningDaemon, socket_port, wait_for
from tests.bridge.midi.test_input import MAP, controller, follows_all, note, sounds, write_map


@pytest.fixture
def mapped(start_daemon, tmp_path) -> RunningDaemon:
    write_map(tmp_path / "daemon0")
    return start_daemon(midi_in="socket:127.0.0.1:0")


@pytest.fixture
def listener(mapped) -> Iterator[RawClient]:
    client = follows_all(mapped)
    yield client
    client.close()


def test_what_cannot_be_done_is_said_in_the_log(mapped):
    with socket_port(mapped) as port:
        port.send(note(36))
        wait_for(lambda: "what MIDI asked for cannot be done: no preset is selected" in mapped.log)
        port.send(mido.Message("program_change", program=127))
        wait_for(lambda: "no preset number 127: there are 0 to " in mapped.log)
        port.send(note(38))
    assert mapped.serves_on() and mapped.log.count("cannot be done") == 2


def test_the_map_is_read_again_and_a_bad_one_is_said_once(mapped, listener):
    file = mapped.home / "settings.toml"
    with socket_port(mapped) as port, mapped.client() as client:
        file.write_text(MAP + "\n[[midi_map]]\nnote = 1\n")
        line = len(MAP.splitlines()) + 2
        port.send(note(37))
        sounds(listener)
        fail = client.bindings()
        assert isinstance(fail, Fail) and fail.code == "settings" and f"line {line}: action is None" in fail.message
        file.write_text('[[midi_map]]\nnote = 99\naction = "cancel"\n')
        port.send(note(99))
        assert isinstance(listener.until_end()[-1], Cancelled)
        found, (binding,) = client.bindings()
        assert found.count == 1 and (binding.action, binding.kind, binding.pairs) == ("cancel", "note", {"number": 99})
    assert mapped.log.count(f"the MIDI map stays as it was: {file}, line {line}: ") == 1


# ---- learning


def learn(client: Client, midi_port: mido.ports.BaseOutput, messages: list[mido.Message], action: str, **pairs) -> BindingInfo:
    learning = client.learn(action, **pairs)
    assert isinstance(next(learning), Ack)
    for message in messages:
        midi_port.send(message)
    return next(learning)


def test_the_next_pad_is_learnt_and_kept(learner, midi_port):
    with learner.client() as client:
        others = [mido.Message("clock"), controller(5, 10), mido.Message("note_on", note=40, velocity=0)]
        learnt = learn(client, midi_port, [*others, note(41, 10), note(42, 10)], "preset/select", preset="Funk")
        pairs = {"number": 41, "channel": 10, "values": 'preset = "Funk"'}
        assert (learnt.index, learnt.action, learnt.kind, learnt.pairs) == (0, "preset/select", "note", pairs)
        text = (learner.home / "settings.toml").read_text()
        assert text == '[[midi_map]]\nnote = 41\nchannel = 10\naction = "preset/select"\npreset = "Funk"\n'
        assert "MIDI note 41 on channel 10: preset" not in learner.log  # it has not played yet
        midi_port.send(note(41, 10))
        wait_for(lambda: "MIDI note 41 on channel 10: preset/select" in learner.log)
        learn(client, midi_port, [note(41, 10)], "preset/next")
        assert [binding.action for binding in client.bindings()[1]] == ["preset/next"]  # in its place
        assert isinstance(client.forget("note", 41, 10), Ack)
        fail = client.forget("note", 41, 10)
        assert isinstance(fail, Fail) and fail.code == "no_such_binding" and client.bindings()[1] == []


def test_gain_is_learnt_from_a_controller_and_programs_select(learner, midi_port):
    with learner.client() as client:
        learnt = learn(client, midi_port, [note(50), controller(20, 3)], "gain", low=-20, high=4)
        assert (learnt.kind, learnt.pairs) == ("controller", {"number": 20, "channel": 1, "low": -20, "high": 4})
        midi_port.send(controller(20, 127))
        wait_for(lambda: client.status().pairs["gain_db"] == 4)
        learnt = learn(client, midi_port, [note(50), mido.Message("program_change", program=9)], "preset/select")
        assert (learnt.kind, learnt.pairs) == ("program", {"channel": 1})
        assert 'program = "any"' in (learner.home / "settings.toml").read_text()


def test_a_learn_can_be_cancelled_and_the_latest_counts(learner, midi_port):
    with learner.client() as client:
        first, second = client.learn("pause"), client.learn("resume", id="second")
        assert isinstance(next(first), Ack) and isinstance(next(second), Ack)
        fail = next(first)
        assert fail.code == "not_learnt" and "another learn began" in fail.message
        assert isinstance(client.cancel("second"), Ack)
        fail = next(second)
        assert fail.code == "not_learnt" and "it was cancelled" in fail.message
        midi_port.send(note(60))
        assert learner.serves_on() and client.bindings()[1] == []


def test_a_learn_that_comes_twice_is_one(learner, midi_port):
    client = RawClient(learner.port)
    for _ in range(2):
        client.send("/inspire/midi/learn", "twice", "cancel")
        assert isinstance(client.receive(), Ack)
    midi_port.send(note(61))
    assert all(isinstance(client.receive(), BindingInfo) for _ in range(2))
    client.send("/inspire/midi/learn", "twice", "cancel")
    assert isinstance(client.receive(), Ack) and isinstance(client.receive(), BindingInfo)
    client.close()


def test_what_cannot_be_learnt_is_rejected_at_once(learner, start_daemon):
    rejected = [
        ("preset/bank", {}, "needs bank"),
        ("preset/next", {"low": 1.0}, "low is for"),
        ("gain", {"low": 15.0}, "-100 to 12"),
        ("make coffee", {}, "one of preset/select"),
        ("cancel", {"preset": "x"}, "no key"),
    ]
    with learner.client() as client:
        for action, pairs, reported in rejected:
            (fail,) = client.learn(action, **pairs)
            assert isinstance(fail, Fail) and fail.code == "bad_value" and reported in fail.message
    with start_daemon().client() as client:
        (fail,) = client.learn("cancel")
        assert fail.code == "no_midi" and "midi_in" in fail.message


def test_a_learn_ends_when_nothing_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(midi_controller, "LEARN_S", 0.01)

    async def wait() -> None:
        control = MidiControl(tmp_path / "settings.toml")
        with pytest.raises(MessageError, match="no controller that could do it came in 0.01 s") as error:
            await control.learn(Learn("x", "gain", {}))
        assert error.value.code == "not_learnt" and control.commands_of(controller(1, 9)) == [] and control.bindings == ()

    asyncio.run(wait())


def test_a_file_that_cannot_be_written_is_a_fail(tmp_path):
    (tmp_path / "file").touch()

    async def wait() -> None:
        control = MidiControl(tmp_path / "file" / "settings.toml")
        learning = control.learn(Learn("x", "cancel", {}))
        assert control.commands_of(note(1)) == []
        with pytest.raises(SettingsError, match="cannot change"):
            await learning

    asyncio.run(wait())


# ---- the terminal
