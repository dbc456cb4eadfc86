"""What a corpus' manifests say: one JSON file a piece, beside its WAV file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict


class SectionFacts(TypedDict):
    """One section of a piece; places in token frames (50 a second)."""

    label: str  # one of engine.api.SECTIONS
    first_frame: int
    frames: int
    layers: list[str]  # what plays in it: "drums", "bass", "chords" …
    build_up: NotRequired[int]  # so many of its bars, the last ones, lead to a drop


class CaptionFacts(TypedDict):
    """What a caption can say of a piece."""

    style: str
    synonyms: Sequence[str]
    mood: str
    key: int  # pitch class, C is 0
    mode: str  # "major" or "minor"
    bpm: float
    beats: int  # in a bar
    instruments: dict[str, str]  # layer → instrument word


class PieceFacts(CaptionFacts):
    """A piece's whole manifest."""

    number: int
    seed: int
    bar_frames: int
    progression: list[int]  # scale degrees, 0 is the tonic
    seconds: float
    held_out: bool
    sections: list[SectionFacts]
    synthesised: NotRequired[bool]  # by `engine.corpus.synthesis`, not played in General MIDI sounds
    augmentation: NotRequired[list[str]]  # the effects that an augmented copy went through, in their order


def read_facts(path: Path) -> PieceFacts:
    """A piece's manifest from its JSON file."""
    values = json.loads(path.read_text())
    if "colour" in values:  # the name of the field in manifests of before
        values["augmentation"] = values.pop("colour")
    facts: PieceFacts = values
    return facts


def has_key(facts: CaptionFacts) -> bool:
    """Whether more than drums play in a piece."""
    return set(facts["instruments"]) != {"drums"}


def section_of(facts: PieceFacts, label: str) -> SectionFacts:
    """The first section of this label."""
    return next(section for section in facts["sections"] if section["label"] == label)
