"""Prompts of the evaluation: captions, in the corpus' words, of pieces that are not in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.corpus.captions import caption
from engine.corpus.facts import CaptionFacts
from engine.corpus.styles import STYLES
from engine.evaluation.measures import Key


@dataclass(frozen=True)
class Prompt:
    """A prompt and what it asks for."""

    text: str
    style: str
    bpm: int
    key: Key
    drums: bool


def draw_prompts(count: int, seed: int = 2026) -> list[Prompt]:
    """Each style in turn, at any whole tempo and in any key that it plays in; a quarter asks for no drums."""
    return [draw_prompt(number, seed) for number in range(count)]


def draw_prompt(number: int, seed: int) -> Prompt:
    """One of `draw_prompts`."""
    style, rng = STYLES[number % len(STYLES)], np.random.default_rng([seed, number])
    parts = {name: part for name in ("bass", "chords", "pad", "lead") if (part := getattr(style, name))}
    drums = bool(style.drums or style.mma) and rng.random() > 0.25
    instruments = {name: str(rng.choice(part.instruments)) for name, part in parts.items()}
    facts: CaptionFacts = {
        "style": style.name, "synonyms": style.synonyms, "mood": str(rng.choice(style.moods)), "beats": style.beats,
        "bpm": int(rng.integers(style.bpm[0], style.bpm[1] + 1)),
        "key": int(rng.integers(12)), "mode": str(rng.choice(style.modes)),
        "instruments": instruments | ({"drums": "drums"} if drums else {}),
    }  # fmt: skip
    text = ""
    while not (re.search(r"\d+ bpm", text) and facts["mode"] in text):  # some phrasings leave them out
        text = caption(facts, list(facts["instruments"]), rng)
    if not re.search(r"\bdrums|\bdrumless", text):
        text += ", drums"
    return Prompt(text, style.name, round(facts["bpm"]), (facts["key"], facts["mode"]), drums)
