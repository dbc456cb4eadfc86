"""What may be asked for."""

from __future__ import annotations

import struct

import pytest

from engine.errors import RequestError
from engine.limits import MAX_VARIATIONS
from engine.request import GenerationRequest, draw_seed, request_from_mapping


def test_a_drawn_seed_and_those_of_its_variations_survive_a_32_bit_float(monkeypatch):
    drawn = [draw_seed() for _ in range(1000)]
    assert len(set(drawn)) > 900 and max(drawn) > 2**20
    monkeypatch.setattr("secrets.randbelow", lambda limit: limit - 1)
    highest = GenerationRequest("dub", seed=draw_seed())
    for variation in range(1, MAX_VARIATIONS + 1):
        seed = highest.seed_of(variation)
        assert seed < 2**24 and struct.unpack("<f", struct.pack("<f", seed)) == (seed,)


def test_a_loop_lasts_bars():
    request = GenerationRequest("dub", bpm=120.0, loop=1)
    assert request.loop is True and request.bars == 4 and request.seconds == 8
    with pytest.raises(RequestError, match="give bars instead of duration_s"):
        GenerationRequest("dub", bpm=120.0, loop=True, duration_s=4.0)
    with pytest.raises(RequestError, match="bars needs bpm"):
        GenerationRequest("dub", loop=True)
    with pytest.raises(RequestError, match="loop is 'yes'"):
        GenerationRequest("dub", bpm=120.0, loop="yes")


@pytest.mark.parametrize("name", ["loop", "grid", "midi"])
def test_a_switch_is_on_or_off_as_clients_write_it(name):
    for given, read in ((1, True), (0, False), (True, True), (False, False)):
        assert getattr(GenerationRequest("dub", bpm=120.0, **{name: given}), name) is read
    for wrong in (2, "on", -1) + ((None,) if name != "grid" else ()):
        with pytest.raises(RequestError, match=f"^{name} is {wrong!r}: 1, it.*, or 0 is allowed$"):
            GenerationRequest("dub", bpm=120.0, **{name: wrong})
    assert GenerationRequest("dub").grid is None  # as loop


def test_whether_it_is_measured_first_follows_the_loop_unless_it_is_said():
    for loop, grid, expected in ((True, None, True), (False, None, False), (True, False, False), (False, True, True)):
        assert GenerationRequest("dub", bpm=120.0, loop=loop, grid=grid).on_grid is expected


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({}, 10.0), ({"duration_s": 3.5}, 3.5), ({"bars": 4, "bpm": 120.0}, 8.0),
        ({"bars": 2, "bpm": 120.0, "beats_per_bar": 3}, 3.0),
        ({"bars": 4, "bpm": 120.0, "beats_per_bar": 7, "beat_unit": 8}, 7.0), ({"clip": "a", "from_s": 1.0, "to_s": 3.25}, 2.25),
        ({"clip": "a", "from_bar": 3, "to_bar": 5, "bpm": 120.0}, 4.0), ({"clip": "a", "from_bar": 3, "to_bar": 4}, 2.0),
    ],
)  # fmt: skip
def test_the_length_is_that_of_the_seconds_the_bars_or_the_region(asked, seconds):
    request = GenerationRequest("dub", **asked)
    assert request.seconds == pytest.approx(seconds) and request.frames(48_000) == round(seconds * 48_000)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"clip": "a", "from_s": 3.0, "to_s": 2.0}, "begins at 3 and ends at 2: its end must come after"),
        ({"clip": "a", "from_s": 3.0, "to_bar": 5}, "both in seconds .* or both in bars"),
        ({"clip": "a", "to_s": 3.0}, "the region's beginning and end are needed"),
        ({"clip": "a", "from_s": 1.0, "from_bar": 2}, "give from_s or from_bar, not both"),
        ({"clip": "a", "from_s": 1.0, "to_s": 3.0, "bars": 2, "bpm": 120.0}, "lasts as long as the region"),
        ({"clip": "a", "from_s": 1.0, "to_s": 3.0, "variations": 4, "candidates": 3}, "as many as there are candidates, 3"),
        ({"from_s": 1.0, "to_s": 3.0}, "a fill replaces a part of a clip: give clip"),
        ({"from_bar": 2}, "from_bar is a place in a clip"),
        ({"candidates": 3}, "candidates are what a fill chooses from"),
        ({"bars": 512, "bpm": 30.0}, "last 4096.0 s: 0.5 to 480 s are allowed"),
        ({"timbre": "clip"}, "timbre clip needs a clip"),
        ({"clip": "a", "timbre": "clip", "width": 0.5}, "leave width away"),
    ],
)
def test_places_and_lengths_that_do_not_go_together_are_one_sentence(asked, said):
    with pytest.raises(RequestError, match=said):
        GenerationRequest("dub", **asked)


def test_an_unknown_key_is_an_error_that_names_the_known_ones():
    assert request_from_mapping({"prompt": "dub", "bars": 2, "bpm": 120}) == GenerationRequest("dub", bars=2, bpm=120)
    with pytest.raises(RequestError, match="unknown key 'tempo': known are arrangement, bars, beat_unit.*"):
        request_from_mapping({"tempo": 120})
