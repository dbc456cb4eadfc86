"""What a request may hold: choices and ranges, and the errors for what is outside of them. Each check raises RequestError."""

from __future__ import annotations

import math

from engine import words
from engine.errors import RequestError
from engine.words import BEAT_UNITS, MAX_BEATS_PER_BAR

SECTIONS = ("intro", "verse", "chorus", "verse2", "outro")
JOINS = ("append", "new")
DECODE_PATHS = ("full", "fast")
TIMBRES = ("clip", "model")
TASKS = ("music", "reconstruct", "upsample")
# What a language model's step runs on, on a CPU. exact: compiled in float32, the same but for rounding; int8: it with weights
# and activations in eight bits; off: torch alone; auto: exact for a small model, off for a large one.
ACCELERATIONS = ("auto", "exact", "int8", "off")

DEFAULT_MODEL = "sketch"
USUAL_BPM = 120.0  # until a clip's own is known
LOOP_BARS = 4  # of a loop that does not say how many
MAX_DURATION_S = 480.0
MAX_PROMPT_CHARS = 4_000
MAX_VARIATIONS = 8
MAX_BAR = 10_000
MAX_CANDIDATES = 16  # of a fill
CANDIDATES = 8  # of one that does not say how many: twice as many take 1.65 times the work and bring the chosen one little nearer
MIN_REGION_S = 0.05


def check_number(name: str, value: object, low: float, high: float, *, whole: bool = False, optional: bool = False) -> None:
    if value is None and optional:
        return
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and not isinstance(value, int)):
        raise RequestError(f"{name} must be {kind} from {low:g} to {high:g}, got {value!r}")
    if not math.isfinite(value) or not low <= value <= high:
        raise RequestError(f"{name} is {value!r}: {kind} from {low:g} to {high:g} is allowed")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(f"{name} is {value!r}: allowed are {', '.join(choices)}")


def check_prompt(prompt: object) -> None:
    if not isinstance(prompt, str):
        raise RequestError(f"prompt must be text, got {type(prompt).__name__}")
    if len(prompt) > MAX_PROMPT_CHARS:
        raise RequestError(f"prompt has {len(prompt)} characters: at most {MAX_PROMPT_CHARS} are allowed, shorten it")


def check_metre(beats_per_bar: int, beat_unit: int) -> None:
    check_number("beats_per_bar", beats_per_bar, 1, MAX_BEATS_PER_BAR, whole=True)
    check_number("beat_unit", beat_unit, 2, 16, whole=True)
    if beat_unit not in BEAT_UNITS or beats_per_bar * 4 / beat_unit > MAX_BEATS_PER_BAR:
        metre = f"{beats_per_bar}/{beat_unit}"
        raise RequestError(f"the metre is {metre}: beat_unit 2, 4, 8 or 16 and bars of at most 16 quarter notes are allowed")


def parse_key(key: str | None) -> tuple[int, str] | None:
    """Pitch class (C = 0) and mode: "F# minor" → (6, "minor"), "D dorian" → (2, "minor"), the nearest. Raises RequestError."""
    if key is None:
        return None
    found = words.parse_key(key) if isinstance(key, str) else None
    if found is None:
        raise RequestError(
            f"unknown key {key!r}: write a note A to G, # or b, and major or minor, such as 'F# minor', 'Am' or '8A'"
        )
    return found
