"""The table against everything that is derived from it."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.osc import replies, spec
from engine.api import GenerationRequest, RequestError

MUSIC_FIELDS = {f.name for f in dataclasses.fields(GenerationRequest)}
CONTINUE, FILL = spec.COMMANDS["/inspire/continue"], spec.COMMANDS["/inspire/fill"]
OF_A_REGION = {"to_s", "to_bar", "candidates"}
FILL_NAMES = {"start_s": "from_s", "end_s": "to_s", "start_bar": "from_bar", "end_bar": "to_bar"}
RANGED = [f for f in CONTINUE.pairs if f.name in MUSIC_FIELDS and f.high is not None and f.type != "s"]


def _request(name: str, value: float) -> GenerationRequest:
    values = {"prompt": "x", "bpm": 120.0, "clip": "x.wav", name: value}
    if name == "bars":
        values["bpm"] = 400.0 if value > 1 else 120.0
    return GenerationRequest(**values)


@pytest.mark.parametrize("field", RANGED, ids=lambda f: f.name)
def test_ranges_are_the_engines(field):
    step = 1 if field.type == "i" else 0.01
    kind = int if field.type == "i" else float
    _request(field.name, kind(field.low))
    if field.name != "bars":  # 512 bars are allowed, if short enough to fit eight minutes
        _request(field.name, kind(field.high))
    for outside in (field.low - step, field.high + step):
        with pytest.raises(RequestError):
            _request(field.name, kind(outside))


@pytest.mark.parametrize("field", [f for f in CONTINUE.pairs if f.choices and f.name in MUSIC_FIELDS], ids=lambda f: f.name)
def test_choices_are_the_engines(field):
    for choice in field.choices:
        assert getattr(_request(field.name, choice), field.name) == choice


def test_every_key_of_a_request_can_be_given():
    given = {f.name for f in (*CONTINUE.arguments, *CONTINUE.pairs)}
    sections = {"arrangement" for f in spec.COMMANDS["/inspire/arrange"].arguments if f.name == "sections"}
    assert given | sections | OF_A_REGION | {"task", "part", "piece_s"} >= MUSIC_FIELDS  # which is the command itself
    of_a_region = {FILL_NAMES.get(f.name, f.name) for f in (*FILL.arguments, *FILL.pairs)}
    assert of_a_region | {"duration_s", "bars", "loop", "grid", "midi", "arrangement", "part", "piece_s", "task"} >= MUSIC_FIELDS
    assert of_a_region >= OF_A_REGION


@pytest.mark.parametrize(
    "field", [f for f in (*FILL.arguments, *FILL.pairs) if f.high is not None and f.type != "s"], ids=lambda f: f.name
)
def test_ranges_of_a_region_are_the_engines(field):
    name = FILL_NAMES.get(field.name, field.name)
    if name not in MUSIC_FIELDS:
        return
    step, kind = (1, int) if field.type == "i" else (0.01, float)
    edge = {"from_s": {"to_s": 1e4}, "to_s": {"from_s": 0.0}, "from_bar": {"to_bar": 10_001}, "to_bar": {"from_bar": 1}}
    others = edge.get(name, {"from_s": 1.0, "to_s": 2.0})
    for outside in (field.low - step, field.high + step):
        with pytest.raises(RequestError, match=name):
            GenerationRequest(clip="x.wav", **others | {name: kind(outside)})


def test_names_are_unique_and_types_are_what_max_reads():
    for message in (*spec.COMMANDS.values(), *spec.REPLIES.values()):
        fields = (spec.ID, *message.arguments, *message.pairs)
        assert len({f.name for f in fields}) == len(fields), message.address
        assert {f.type for f in fields} <= set("ifs"), message.address


def test_every_number_of_a_command_has_its_range():
    for message in spec.COMMANDS.values():
        for field in (*message.arguments, *message.pairs):
            assert field.choices or None not in (field.low, field.high), f"{message.address} {field.name}"


def test_answers_exist_and_every_reply_answers_something():
    answers = {answer for message in spec.COMMANDS.values() for answer in message.answers}
    assert answers == {spec.short_name(address) for address in spec.REPLIES}


def test_replies_have_the_tables_fields():
    for address, reply in replies.TYPES.items():
        message = spec.REPLIES[address]
        names = [f.name for f in dataclasses.fields(reply)]
        assert names == ["id", *(f.name for f in message.arguments), *(["pairs"] if message.pairs else [])]
    assert set(replies.TYPES) == set(spec.REPLIES)
