"""What may be asked for."""

from __future__ import annotations

import struct

import pytest

from engine.errors import RequestError
from engine.limits import MAX_VARIATIONS
from engine.request import GenerationRequest, draw_seed


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
