"""Words: what a request says, in its prompt or in fields, and the caption and negative prompt the language model reads.

Tempo and key may stand in the prompt or in fields of their own; the model only knows words, so fields become words here. No
torch: a prompt is read before any network is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.api import GenerationRequest, parse_key
from engine.config import ModelConfig
from engine.music.analysis import key_name
from engine.music.grid import Grid
from engine.words import BPM, PLAIN_KEY, find_key, in_plain_words, tempo_in

Key = tuple[int, str]  # pitch class, C = 0, and mode, "major" or "minor"

DRUMS, AMBIENT = "drums", "ambient"


@dataclass(frozen=True)
class ClipDescription:
    """What was measured in a clip that words can say. That there are drums is never said: beside a clip that asks for others."""

    key: Key | None = None
    ambient: bool = False  # it has no beat

    @property
    def words(self) -> str:
        return ", ".join([AMBIENT] * self.ambient + ([] if self.key is None else [key_name(self.key)]))


@dataclass(frozen=True)
class Words:
    """What the language model reads in words."""

    caption: str  # as reported: the prompt, and what fields and the clip add to it
    text: str  # as read: the caption, its negations last
    negative_prompt: str | None = None  # the text that guidance leads away from; None: no text of its own
    scale_key: Key | None = None  # the key whose scale is made likelier; None: none


def choose_words(
    request: GenerationRequest, config: ModelConfig, grid: Grid | None = None, described: ClipDescription | None = None,
    excluded: tuple[str, ...] = (),
) -> Words:  # fmt: skip
    """All a request says in words, in the words this model knows. described: the clip, where the request asks for no key.
    excluded: what shall not play, beside what the prompt excludes.

    A scale is biased only where a clip goes on as it is: the bias is away from drums, too, so prompts alone, and words that
    change what plays, go without it. Nor does a clip's continuation take a negative prompt: guidance gives its words weight
    enough, and to lead away from what the clip plays would lose its key.
    """
    said = caption(request, config.tempo_words, grid, described)
    if request.clip is None:
        text = negations_last(said, config.negatable)
        negative = negative_prompt(text, config.negatable)
        return Words(said, text, ", ".join([negative or text, *excluded]) if excluded else negative)
    if names_instruments(said, config.negatable):
        return Words(said, said)
    measured = None if described is None else described.key
    return Words(said, said, scale_key=key_in(request.prompt) or parse_key(request.key) or measured)


def asked_bpm(request: GenerationRequest) -> float | None:
    """The tempo a request states, in its field or else in its prompt."""
    if request.bpm is not None:
        return float(request.bpm)
    return tempo_in(request.prompt)


def asked_key(request: GenerationRequest) -> Key | None:
    """The key a request states, in its field or else in its prompt."""
    return key_in(request.prompt) if request.key is None else parse_key(request.key)


def key_in(words: str) -> Key | None:
    """The key that words name."""
    found = find_key(words)
    return found and found[0]


def asked_beats(request: GenerationRequest) -> float:
    """Quarter notes to a bar."""
    return request.quarters_per_bar


def kept_metre(request: GenerationRequest, grid: Grid | None) -> tuple[float, int]:
    """Beats to a bar and the note a beat is, of the metre that is kept: as asked, or as it was measured in a clip."""
    if grid and grid.beats_per_bar != request.quarters_per_bar:
        return grid.beats_per_bar, 4
    return request.beats_per_bar, request.beat_unit


def asked_grid(request: GenerationRequest, kept: Grid | None) -> Grid | None:
    """Musical time that the result is measured by: what is `kept`, else, of a model without a musical clock, what was asked."""
    if kept is not None or request.clip is not None or (bpm := asked_bpm(request)) is None:
        return kept
    return Grid(bpm, asked_beats(request))


def usual_bpm(prompt: str, usual: tuple[tuple[str, float], ...]) -> float | None:
    """The tempo of the style a prompt names. Of several the longest decides: dub techno is no techno."""
    found = [(len(word), bpm) for word, bpm in usual if word in prompt.lower()]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def names_instruments(words: str, instruments: tuple[str, ...]) -> bool:
    """Whether words name something that a model lets come in or fall silent, or negate it."""
    named = (re.search(rf"\b{re.escape(word)}\b", words, re.IGNORECASE) for word in instruments)
    return negative_prompt(words, instruments) is not None or any(named)


def caption(
    request: GenerationRequest, known_bpm: tuple[int, ...] = (), grid: Grid | None = None,
    described: ClipDescription | None = None,
) -> str:  # fmt: skip
    """The prompt, plus tempo and key where only the fields state them, or a clip (`grid`, `described`).

    A model that knows only certain tempi reads the nearest of them in place of the asked one.
    """
    prompt = in_plain_words(request.prompt.strip())
    parts = [prompt] if prompt else []
    bpm = request.bpm if request.bpm is not None or asked_bpm(request) or grid is None else round(grid.bpm)
    if bpm is not None:
        tempo = f"{bpm:g} bpm"
        parts = [BPM.sub(tempo, part) for part in parts] if BPM.search(prompt) else [*parts, tempo]
    said = in_plain_words(request.key) if request.key else described and described.words
    if said and not PLAIN_KEY.search(prompt):
        parts.append(said)
    text = ", ".join(parts)
    if known_bpm:
        text = BPM.sub(lambda found: f"{nearest(float(found[1]), known_bpm)} bpm", text)
    return text


def negations_last(words: str, instruments: tuple[str, ...]) -> str:
    """Words with their negations at the end: "house, no drums, 120 bpm" → "house, 120 bpm, no drums".

    So the rest stands at the same positions in the negative prompt: one position further a key counts as another word, and
    guidance would lead away from the key.
    """
    if (negation := _negation(instruments)) is None:
        return words
    negations = [found[0] if found["before"] else f", {found[0]}" for found in negation.finditer(words)]
    return (negation.sub("", words).strip(", ") + "".join(negations)).strip(", ") if negations else words


def negative_prompt(words: str, instruments: tuple[str, ...]) -> str | None:
    """Words with what they negate asked for: "house, no drums" → "house, drums". None where they negate no `instruments`.

    A "no" alone has little effect on the model: what it would play without it says what guidance is to lead away from.
    """
    negation = _negation(instruments)
    asked = negation.sub(lambda found: f"{found['before']}{found['instrument'] or DRUMS}", words) if negation else words
    return asked if asked != words else None


def excludes_drums(words: str) -> bool:
    """Whether words say "no drums", "without drums" or "drumless"."""
    return negative_prompt(words, (DRUMS,)) is not None


def nearest(bpm: float, known_bpm: tuple[int, ...]) -> int:
    """The known tempo nearest to `bpm`."""
    return min(known_bpm, key=lambda known: abs(known - bpm))


def _negation(instruments: tuple[str, ...]) -> re.Pattern[str] | None:
    if not instruments:
        return None
    phrases = rf"(?:no|without)\s+(?P<instrument>{'|'.join(map(re.escape, instruments))})"
    return re.compile(rf"(?P<before>,?\s*)\b(?:{phrases}{'|drumless' * (DRUMS in instruments)})\b", re.IGNORECASE)
