"""What a prompt leaves open is drawn from the seed: within its meaning, the same every time, different from take to take."""

import dataclasses

import pytest
import torch

from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.drawn import choices
from engine.conditioning.lexicon import Spoken
from engine.conditioning.plan import Planner
from engine.training.sketch import SKETCH


def open_in(prompt="house, 124 bpm", *, solo=None, excluded=(), config=SKETCH, **fields):
    return choices(GenerationRequest(prompt=prompt, **fields), config, Spoken(prompt, (), solo, excluded))


@pytest.fixture(scope="module")
def planner():
    return Planner(load_checkpoint("sketch"), torch.device("cpu"))


def planned(planner, **fields):
    request = GenerationRequest(**{"prompt": "house, 124 bpm", "duration_s": 1.0, "seed": 5} | fields)
    return planner.plan(planner.settle(request), 24_000)


def test_a_seed_draws_the_same_every_time_and_seeds_in_a_row_differ():
    drawn = [open_in().of(seed) for seed in range(48)]
    assert drawn == [open_in().of(seed) for seed in range(48)]
    for first in (0, 24):
        assert len({one.key for one in drawn[first : first + 24]}) == 24
    assert len({one.words for one in drawn}) > 20
    assert [one.key for one in drawn[:24]] != [one.key for one in drawn[24:]]


@pytest.mark.parametrize(
    ("prompt", "modes"),
    [("dub techno", {"minor"}), ("house, sad", {"minor"}), ("bossa nova, sunny", {"major"}), ("house", {"minor", "major"})],
)
def test_the_mode_is_that_of_the_style_or_the_mood(prompt, modes):
    assert {mode for _, mode in open_in(prompt).keys} == modes


def test_moods_and_instruments_are_those_of_the_style():
    found = open_in("dub techno, 122 bpm")
    assert found.moods == ("deep", "foggy", "hypnotic")
    assert found.parts == (("polysynth", "electric piano"), ("warm pad", "sweep pad"))
    words = {word for seed in range(40) for word in found.of(seed).words}
    assert words == {*found.moods, *(word for part in found.parts for word in part)}


def test_no_mood_that_only_the_other_mode_has():
    ballads = open_in("ballad")
    assert {one.key[1] for one in map(ballads.of, range(96)) if "sad" in one.words} == {"minor"}
    assert "sad" not in open_in("ballad in C major").moods and "sad" in open_in("ballad in C minor").moods


@pytest.mark.parametrize(
    ("prompt", "moods", "instruments"),
    [
        ("house, dark", 0, 2), ("house, organ", 3, 1), ("house, organ, saw lead", 3, 0), ("something at 120 bpm", 0, 0),
        ("house, no drums", 3, 2),
    ],
)  # fmt: skip
def test_what_the_prompt_says_is_left_to_it(prompt, moods, instruments):
    found = open_in(prompt)
    assert (len(found.moods), found.instruments) == (moods, instruments) and len(found.keys) in (12, 24)


def test_beside_a_lone_part_or_what_shall_not_play_no_instrument_is_drawn():
    assert open_in("house, piano", solo="piano").parts == () == open_in("house", excluded=("bass",)).parts


def test_a_sections_own_words_go_before_what_was_drawn_and_change_no_other_section():
    request = GenerationRequest(prompt="house", bpm=124, arrangement="verse:4 drop:4=dark, piano")
    found = choices(request, SKETCH, Spoken("house"))
    assert found == open_in("house")
    drawn = found.of(3)
    assert drawn.beside("dark, piano", SKETCH.styles) == dataclasses.replace(drawn, mood=None, instruments=())
    assert drawn.beside("", SKETCH.styles) == drawn == drawn.beside("drums", SKETCH.styles)


@pytest.mark.parametrize("fields", [{"key": "D minor"}, {"prompt": "house in A minor"}, {"prompt": "house, Am"}])
def test_a_key_that_is_asked_for_stays_and_the_rest_is_drawn_as_before(fields):
    found = open_in(**fields)
    assert found.keys == () and found.of(3).key is None
    assert [found.of(seed).words[1:] for seed in range(9)] == [open_in().of(seed).words[1:] for seed in range(9)]


@pytest.mark.parametrize("fields", [{"clip": "a.wav"}, {"solo": "drums"}, {"config": dataclasses.replace(SKETCH, styles=())}])
def test_none_is_drawn_where_a_clip_decides_or_there_is_nothing_to_draw(fields):
    assert open_in(**fields) is None


def test_takes_of_one_batch_are_as_each_would_be_alone(planner):
    (together, _), = planned(planner, variations=3).windows(50)
    for number, condition in enumerate(together):
        ((alone,), _), = planned(planner, seed=5 + number).windows(50)
        assert torch.equal(alone.text, condition.text)
    assert len({tuple(condition.text[0].tolist()) for condition in together}) == 3


def test_what_was_drawn_can_be_asked_for(planner):
    """With the key in the prompt's place the model reads the same words."""
    plan = planned(planner)
    key, words = plan.drawn(5).text.split(", ", 1)
    ((condition,), _), = plan.windows(50)
    ((pinned,), _), = planned(planner, key=key).windows(50)
    assert torch.equal(pinned.text, condition.text)
    ((all_of_it,), _), = planned(planner, prompt=f"house, 124 bpm, {words}", key=key).windows(50)
    assert {*condition.text[0].tolist()} - {0} == {*all_of_it.text[0].tolist()} - {0}


def test_every_section_of_an_arrangement_has_the_takes_own_words(planner):
    plan = planned(planner, prompt="house", bpm=124, duration_s=None, arrangement="verse:1 drop:1=drums", variations=2)
    drawn = [plan.drawn(seed) for seed in plan.seeds]
    assert drawn[0] != drawn[1]
    ids = [{planner._encode_text(word)[0] for word in one.words} for one in drawn]
    for conditions, _ in plan.windows(400):
        for condition, own in zip(conditions, ids, strict=True):
            assert own <= set(condition.text[0].tolist())


def test_a_negative_prompt_has_them_too(planner):
    plan = planned(planner, prompt="house, 124 bpm, no drums")
    ((condition,), _), = plan.windows(50)
    own = {planner._encode_text(word)[0] for word in plan.drawn(5).words}
    assert own <= set(condition.text[0].tolist()) and own <= set(condition.negative_text[0].tolist())
