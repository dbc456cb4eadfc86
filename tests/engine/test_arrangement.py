"""Arrangements: sections as text, and a piece of them in which each begins on its bar and the last one ends."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.api import GenerationRequest, RequestError, find_section, parse_arrangement
from engine.conditioning.drawn import Drawn
from engine.conditioning.plan import GenerationPlan
from tests.engine.conftest import run
from tests.tiny_model import TINY, write_tiny_model


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("intro:4 verse:8 outro:4", [("intro", 0, 4, ""), ("verse", 4, 8, ""), ("outro", 12, 4, "")]),
        ("intro:4 drop:8=dark, drums outro:4", [("intro", 0, 4, ""), ("drop", 4, 8, "dark, drums"), ("outro", 12, 4, "")]),
        ("Verse 1:8 chorus : 4", [("Verse 1", 0, 8, ""), ("chorus", 8, 4, "")]),
        ("intro:4, verse:8, ", [("intro", 0, 4, ""), ("verse", 4, 8, "")]),
        ("a:1=at 3:4 and so: on b:2", [("a", 0, 1, "at 3:4 and so: on"), ("b", 1, 2, "")]),
        ("Verse 1:8 | Drop:8=a:4 to b:2; end:2", [("Verse 1", 0, 8, ""), ("Drop", 8, 8, "a:4 to b:2"), ("end", 16, 2, "")]),
        ("intro:1=pads\noutro:1 = none\n", [("intro", 0, 1, "pads"), ("outro", 1, 1, "none")]),
        ("Brücke:2 サビ:4", [("Brücke", 0, 2, ""), ("サビ", 2, 4, "")]),
    ],
)
def test_sections_are_read(text, sections):
    assert [(one.name, one.start, one.bars, one.words) for one in parse_arrangement(text)] == sections


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "no section"),
        (" \n", "no section"),
        ("intro", "'intro' is no section"),
        ("intro:4 verse", "'verse' is no section"),
        (":4", "is no section"),
        ("intro:0", "0' bars: a whole number from 1 to 512"),
        ("intro:513", "1 to 512"),
        ("intro:four", "'four' bars"),
        ("intro:4.5", "'4.5' bars"),
        ("intro:٤", "bars: a whole number"),
        (" ".join(f"s{n}:1" for n in range(65)), "at most 64"),
    ],
)
def test_what_is_no_arrangement_is_one_clear_error(text, reported):
    with pytest.raises(RequestError, match=".") as caught:
        GenerationRequest("dub", arrangement=text, bpm=120.0)
    assert reported in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("values", "reported"),
    [
        ({"bars": 4}, "leave bars"),
        ({"duration_s": 8.0}, "leave bars"),
        ({"loop": True}, "leave bars"),
        ({"clip": "x.wav", "from_s": 1.0, "to_s": 2.0}, "without sections"),
        ({"bpm": None}, "bars needs bpm"),
        ({"arrangement": "a:300"}, "0.5 to 480 s are allowed"),
        ({"arrangement": 7}, "must be text"),
        ({"prompt": ""}, "prompt is empty"),
    ],
)
def test_what_does_not_go_with_one_is_said(values, reported):
    with pytest.raises(RequestError) as caught:
        GenerationRequest(**({"prompt": "dub", "arrangement": "intro:2 verse:4", "bpm": 120.0} | values))
    assert reported in str(caught.value)


def test_sections_with_words_of_their_own_need_no_others():
    request = GenerationRequest(arrangement="intro:2=pads drop:4=drums", bpm=120.0)
    assert request.bars == 6 and request.seconds == 12.0 and GenerationRequest(**vars(request)) == request


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Intro", "intro"), ("Verse 2", "verse2"), ("DROP 1", "chorus"), ("Breakdown", "verse2"), ("pre-chorus", "verse"),
     ("Bridge", "verse2"), ("The End", "outro"), ("Chorus 2", "chorus"), ("something", "verse"), ("A", "verse")],
)  # fmt: skip
def test_names_that_hosts_use_are_parts_the_model_knows(name, kind):
    (section,) = parse_arrangement(f"{name}:4 |")
    assert (section.name, section.kind) == (name, kind)


def test_a_section_is_found_by_name_and_number():
    sections = parse_arrangement("intro:4 verse:8 drop:8 verse:8 outro:4")
    assert find_section(sections, "Drop").start == 12 and find_section(sections, "5").name == "outro"
    assert find_section(sections, "verse 2").start == 20
    for which, words in [("verse", "2 or 4"), ("bridge", "there are 1 intro, 2 verse"), ("6", "no section"), ("verse 3", "no")]:
        with pytest.raises(ValueError, match=words):
            find_section(sections, which)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (7, 8)])
@pytest.mark.parametrize("bpm", [119.3, 131.7])
def test_bars_last_what_they_should_to_the_frame_and_the_end_ends(engine, model, bpm, metre):
    beats, unit = metre
    audio, finished, *_ = run(
        engine, model, prompt="dub", arrangement="intro:1 drop:1=drums outro:1", bpm=bpm, beats_per_bar=beats, beat_unit=unit,
        seed=1, decode="fast",
    )  # fmt: skip
    bar = beats * 4 / unit * 60 / bpm * finished.samplerate
    assert len(audio) == round(3 * bar) and not finished.cancelled
    last = np.abs(audio[round(2 * bar) :, 0])
    before = np.abs(audio[: round(2 * bar), 0]).mean()
    assert audio[-1, 0] == 0 and last[-round(0.01 * bar) :].max() < 0.01 * before  # no cut
    quarters = [part.mean() for part in np.array_split(last, 4)]
    assert quarters[0] > 0.2 * before > quarters[3]  # it dies away within the bar, and not before


def planned(engine, model, **request) -> GenerationPlan:
    engine.load(model)
    settled = engine._loaded.planner.settle(GenerationRequest(model=model, seed=1, **request))
    return engine._loaded.planner.plan(settled, 24_000)


def test_each_section_has_its_own_words_and_place(engine):
    plan = planned(engine, "sketch", prompt="dub techno", arrangement="intro:2 drop:4=drums outro:2", bpm=120.0)
    conditions = [part.conditions(Drawn()) for part in plan.sections]
    texts = [condition.text.tolist() for condition in conditions]
    assert texts[0] == texts[2] != texts[1]
    assert [condition.time_start.item() for condition in conditions] == [0.0, 4.0, 12.0]
    assert {condition.time_end.item() for condition in conditions} == {16.0}
    assert len({condition.section.item() for condition in conditions}) == 3


def test_another_last_section_leaves_what_is_before_it(engine):
    """They are one stream of tokens: to the sample up to where the renderer looks ahead of the bar line."""
    asked = {"prompt": "dub techno", "bpm": 120.0, "seed": 5, "decode": "fast"}
    one, finished, *_ = run(engine, "sketch", arrangement="intro:1 verse:1", **asked)
    other, *_ = run(engine, "sketch", arrangement="intro:1 verse:1=jazz piano", **asked)
    plan = planned(engine, "sketch", prompt="dub techno", arrangement="intro:1 verse:1", bpm=120.0)
    bar = 2 * finished.samplerate
    assert plan.sections[0].end <= round(2 * plan.stretch * plan.context.token_rate) < plan.sections[0].end + plan.context.views
    same = int(np.argmax((one != other).any(1)))
    assert 0.6 * bar < same <= bar and len(one) == len(other)


def test_eight_minutes_are_made_in_windows_without_a_gap(engine):
    plan = planned(engine, "sketch", prompt="dub", arrangement="a:64 b:64=x c:64 d:48", bpm=120.0)
    wanted, made = round(480 * plan.stretch * plan.context.token_rate), 0
    ends = [part.end for part in plan.parts(wanted)]
    for _, window in plan.windows(wanted):
        assert window.first_made <= made and window.count > 0
        assert not plan.context.max_tokens or made - window.first_made + window.count <= plan.context.max_tokens
        assert not any(made < end < made + window.count for end in ends), "a window crosses a section's end"
        made += window.count
    assert made == wanted


def test_a_part_is_the_place_of_a_section_and_its_words():
    asked = {"prompt": "dub", "arrangement": "intro:2 drop:4=drums outro:2", "bpm": 120.0, "clip": "piece.wav"}
    request = GenerationRequest(**asked, part="drop")
    assert (request.from_s, request.to_s, request.is_fill, request.seconds) == (4.0, 12.0, True, 8.0)
    assert GenerationRequest(**vars(request)) == request
    own = request.under(request.section_called("2"))
    assert (own["prompt"], own["section"], own["time_start_s"], own["time_end_s"]) == ("dub, drums", "chorus", 4.0, 16.0)
    mistakes = [({"part": "solo"}, "there are 1 intro"), ({"arrangement": None}, "give arrangement"), ({"bpm": None}, "bpm")]
    for wrong, reported in [*mistakes, ({"clip": None}, "clip"), ({"part": 2}, "must be text")]:
        with pytest.raises(RequestError, match=reported):
            GenerationRequest(**asked | {"part": "drop"} | wrong)


def test_a_part_of_a_piece_that_goes_on_from_a_clip_lies_after_it():
    asked = {"prompt": "dub", "arrangement": "intro:2 drop:4 outro:2", "bpm": 120.0, "clip": "piece.wav", "piece_s": 3.5}
    request = GenerationRequest(**asked, part="drop")
    assert (request.from_s, request.to_s) == (7.5, 15.5) and GenerationRequest(**vars(request)) == request


def test_a_piece_goes_on_from_a_clip(engine, model, loop):
    """Each section under its own words, all in the clip's context; the first continues its bar, and the last one ends."""
    asked = {"prompt": "dub", "arrangement": "verse:1 drop:2=drums outro:1", "bpm": 120.0, "clip": str(loop), "join": "new"}
    plan = planned(engine, "sketch", **asked)
    assert len(plan.context.clip_tokens) > 0 and plan.lead_in == 0 and plan.timbre == "model"  # drums are asked for
    assert {part.context.clip_tokens for part in plan.sections} == {plan.context.clip_tokens}
    texts = [part.conditions(Drawn()).text.tolist() for part in plan.sections]
    assert texts[0] == texts[2] != texts[1]
    first, *_ = plan.windows(10**3)
    assert first[1].clip_count == len(plan.context.clip_tokens)
    alone = planned(engine, "sketch", **asked | {"arrangement": "verse:1 outro:1"})
    assert alone.timbre == "clip"  # no words ask for other instruments
    audio, finished, *_ = run(engine, model, **asked, seed=1, decode="fast")
    bar = 2 * finished.samplerate
    assert len(audio) == 4 * bar and np.abs(audio[-1]).max() == 0 < np.abs(audio[:bar]).max()


def test_a_model_without_musical_clock_and_without_limit_arranges_too(engine, tmp_path):
    """As the released ones are: the bars are kept in time alone, and all that was made is read again at each section."""
    plain = dataclasses.replace(TINY.language_model, clocks_per_bar=0)
    model = str(write_tiny_model(tmp_path / "plain", language_model=plain, max_tokens=0))
    asked = {"prompt": "dub", "arrangement": "intro:1 drop:2=drums outro:1", "bpm": 131.7, "beats_per_bar": 3}
    audio, finished, *_ = run(engine, model, **asked, seed=1, decode="fast")
    assert len(audio) == round(12 * 60 / 131.7 * finished.samplerate) and audio[-1, 0] == 0
    plan = planned(engine, model, **asked)
    windows = [window for _, window in plan.windows(plan.parts(10**6)[-2].end + 10)]
    assert [window.first_made for window in windows] == [0, 0, 0] and {window.clock is None for window in windows} == {True}
