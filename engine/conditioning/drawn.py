"""What a prompt leaves open is drawn from the seed of each take, so that takes of one prompt differ as pieces do.

A model that is given no key plays nearly all takes in the one that is most frequent in its training, with the most frequent
instruments. What is drawn is written as words beside the prompt's own, so whoever likes a take can write the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TypeVar

import numpy as np

from engine.api import GenerationRequest
from engine.conditioning.lexicon import PARTS, Spoken
from engine.conditioning.prompt import DRUMS, Key, asked_key
from engine.config import ModelConfig, StyleWords
from engine.music.analysis import key_name

T = TypeVar("T")
_PART = re.compile(rf"\b(?:{'|'.join(sorted(PARTS, key=len, reverse=True))})\b")

MOODS = {"minor": ("dark", "sad", "menacing", "cold"), "major": ("sunny", "bright", "graceful")}  # that only one mode has
LONG = 1000  # characters; a prompt that long leaves nothing open
MOST_INSTRUMENTS = 2  # in a prompt; captions in training named three at most
# Beside the seed, so that none of them follows another, nor the first token: a key that is asked for leaves the rest as it is.
_KEY, _MOOD, _INSTRUMENTS = 6_579_065, 6_579_066, 6_579_067


@dataclass(frozen=True)
class Drawn:
    """What one take has beside its prompt's words."""

    key: Key | None = None
    mood: str | None = None
    instruments: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return (*([] if self.mood is None else [self.mood]), *self.instruments)

    @property
    def text(self) -> str:
        """As it would stand in a prompt."""
        return ", ".join([*([] if self.key is None else [key_name(self.key)]), *self.words])

    def added_to(self, request: GenerationRequest) -> GenerationRequest:
        """The request as if it had asked for that."""
        prompt = ", ".join(filter(None, (request.prompt.strip(" ,"), *self.words)))
        return replace(request, prompt=prompt, key=request.key if self.key is None else key_name(self.key))

    def beside(self, words: str, styles: tuple[StyleWords, ...]) -> Drawn:
        """What is left of it where a section of the piece has words of its own."""
        mood = None if _names_mood(words.lower(), styles) else self.mood
        return replace(self, mood=mood, instruments=() if _PART.search(words.lower()) else self.instruments)


@dataclass(frozen=True)
class Choices:
    """What a prompt leaves open: one of each group is drawn, and an instrument of each of so many parts."""

    keys: tuple[Key, ...] = ()
    moods: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()
    instruments: int = 0

    def of(self, seed: int) -> Drawn:
        """What the take with this seed has. Deterministic; seeds in a row, as variations have them, draw what differs."""
        key = _drawn(self.keys, seed, _KEY)
        mood = _drawn(self.moods if key is None else _of_mode(self.moods, key[1]), seed, _MOOD)
        some = combinations(self.parts, self.instruments)
        instruments = _drawn([one for parts in some for one in product(*parts)], seed, _INSTRUMENTS)
        return Drawn(key, mood, instruments or ())

    def longest(self, length: Callable[[str], int]) -> int:
        """The greatest length, in `length`'s unit, that the words of a draw together have."""
        instruments = sorted((max(map(length, part)) for part in self.parts), reverse=True)[: self.instruments]
        return max(map(length, self.moods), default=0) + sum(instruments)


def choices(request: GenerationRequest, config: ModelConfig, spoken: Spoken) -> Choices | None:
    """What a request leaves open to a model that has words for it. spoken: its prompt, in the model's own words.

    None where nothing is open: beside a clip, which decides all of it, and for drums alone. Instruments are left alone where the
    prompt says which shall not play or that one plays alone. What the sections of an arrangement say besides changes nothing:
    another last section leaves what is before it.
    """
    said = spoken.text.lower()
    if not config.styles or request.clip is not None or spoken.solo == DRUMS or len(said) > LONG:
        return None
    style = _style(said, config.styles)
    asked = asked_key(request)
    keys = () if asked else tuple((tonic, mode) for mode in _modes(said, style) for tonic in range(12))
    if style is None:
        return Choices(keys) if keys else None
    moods = () if _names_mood(said, config.styles) else style.moods if asked is None else _of_mode(style.moods, asked[1])
    parts: tuple[tuple[str, ...], ...] = ()
    if spoken.solo is None and not spoken.excluded:
        parts = tuple(part for part in style.parts if not any(_says(said, word) for word in part))
    instruments = min(len(parts), max(0, MOST_INSTRUMENTS - len(_PART.findall(said))))
    found = Choices(keys, moods, parts if instruments else (), instruments)
    return None if found == Choices() else found


def _drawn(choices: Sequence[T], seed: int, which: int) -> T | None:
    """One of them: all of them once in every so many seeds, in an order of its own each time."""
    if not choices:
        return None
    round_, place = divmod(seed, len(choices))
    return choices[int(np.random.default_rng([round_, which]).permutation(len(choices))[place])]


def _style(said: str, styles: tuple[StyleWords, ...]) -> StyleWords | None:
    """The style that words name; of several the one with the longest name: dub techno is no techno."""
    found = [(len(name), style) for style in styles for name in style.names if _says(said, name)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _modes(said: str, style: StyleWords | None) -> tuple[str, ...]:
    """As the style has them, or else the mood."""
    if style is not None and len(style.modes) == 1:
        return style.modes
    for mode, moods in MOODS.items():
        if any(_says(said, mood) for mood in moods):
            return (mode,)
    return ("minor", "major") if style is None else style.modes


def _names_mood(said: str, styles: tuple[StyleWords, ...]) -> bool:
    return any(_says(said, mood) for style in styles for mood in style.moods)


def _of_mode(moods: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """Without those that only the other mode has."""
    others = {mood for one, own in MOODS.items() if one != mode for mood in own}
    return tuple(mood for mood in moods if mood not in others)


def _says(text: str, words: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", text) is not None
