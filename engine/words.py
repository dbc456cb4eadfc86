"""What words say of tempo, metre and key, as people type them. Nothing else of the engine is needed here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")  # as the models' captions write them
DRUM_NOTES = {"kick": 36, "snare": 38, "hat": 42}  # of General MIDI, by what a transcription separates
CHORDS = {"": (0, 4, 7), "m": (0, 3, 7), "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10), "7": (0, 4, 7, 10)}  # semitones
NO_CHORD = "-"
LEAST_BPM, MOST_BPM = 20, 400
BARE_BPM = (60, 200)  # a number alone is a tempo in between
BEAT_UNITS = (2, 4, 8, 16)
MAX_BEATS_PER_BAR = 16
METRES = {4: range(2, 8), 8: (3, 5, 6, 7, 8, 9, 10, 11, 12), 2: (2, 3), 16: ()}  # that words are taken to mean

BPM = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*-?\s*bpm", re.IGNORECASE)
_MACHINES = "tr|tb|sh|cr|dx|mpc|sp|sk|cs|jp|jx|juno|jupiter|korg|roland|yamaha|casio|akai|moog|linn|prophet|opus|route|no|number"
_UNITS = "s|secs?|seconds?|ms|min|minutes?|k?hz|bars?|beats?|bits?|measures?|th|st|nd|rd|db|percent|years?|cents?|people|voices"
_BARE = re.compile(rf"(?<![\w.,/#+-])(\d{{2,3}}(?:\.\d+)?)(?![\w/%'’:-]|[.,]\d|\s*(?:{_UNITS})\b)", re.IGNORECASE)
_BEFORE_NO_TEMPO = re.compile(rf"\b(?:{_MACHINES})\s$", re.IGNORECASE)
_METRE = re.compile(r"(?<![\d/])(\d{1,2})\s?/\s?(2|4|8|16)(?![\d/])")
_SPOKEN = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "nine": 9, "eleven": 11, "twelve": 12}
_SPOKEN_METRE = re.compile(rf"\b({'|'.join(_SPOKEN)})[- ](four|eight)\b", re.IGNORECASE)
_WALTZ = re.compile(r"\bwaltz", re.IGNORECASE)

_TONICS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_GERMAN = {"h": 11, "b": 10, "es": 3, "as": 8, "ais": 10, "cis": 1, "dis": 3, "eis": 5, "fis": 6, "gis": 8, "his": 0,
           "ces": 11, "des": 1, "fes": 4, "ges": 6}  # fmt: skip
_MAJOR, _MINOR = "major", "minor"
_MODES = {
    "major": _MAJOR, "maj": _MAJOR, "ionian": _MAJOR, "lydian": _MAJOR, "mixolydian": _MAJOR,
    "minor": _MINOR, "min": _MINOR, "aeolian": _MINOR, "dorian": _MINOR, "phrygian": _MINOR, "locrian": _MINOR,
}  # fmt: skip
_MODE = rf"(?:(?:natural|harmonic|melodic)[ -]?)?(?P<mode>{'|'.join(sorted(_MODES, key=len, reverse=True))})"
_NOTE = r"(?P<tonic>[A-Ga-g])[ -]?(?P<sign>#|b|♯|♭|sharp|flat)?"
# From the plainest to what only stands for a key where nothing else is said.
PLAIN_KEY = re.compile(r"\b([ADG][#b]?|[BE]b?|[CF]#?)\s+(major|minor)\b", re.IGNORECASE)
_WRITTEN = re.compile(rf"(?<![\w#]){_NOTE}[ _-]*{_MODE}(?!\w)", re.IGNORECASE)
_GERMAN_NOTE = "|".join(sorted({*_GERMAN, *_TONICS}, key=len, reverse=True))
_GERMAN_KEY = re.compile(rf"(?<!\w)(?P<tonic>{_GERMAN_NOTE})[ -]?(?P<mode>dur|moll)(?!\w)", re.IGNORECASE)
_SHORT = re.compile(r"(?<![\w#])(?P<tonic>[A-G])(?P<sign>#|b|♯|♭)?(?P<mode>m)(?!\w)")  # in lower case am is a word
_CAMELOT = re.compile(r"(?<![\w/.])(?P<hour>1[0-2]|[1-9])(?P<side>[AB])(?![\w/])")
_OPEN_KEY = re.compile(r"(?P<hour>1[0-2]|[1-9])(?P<side>[dm])", re.IGNORECASE)

_WORD = re.compile(r"[^\W\d_]{2,}")
_ALIKE = 0.7  # two words, from which on one may be meant by the other
_SMALL_WORDS = frozenset(re.findall(r"\w+", """
    an the of and or at in on to for by from some very my is it its like as this that then please make me play key tempo bpm song
    track music"""))  # fmt: skip


def tempo_in(words: str) -> float | None:
    """The tempo that words state in beats per minute: "124 bpm", or a number alone from 60 to 200."""
    found = BPM.search(words)
    if found:
        return float(found[1]) if LEAST_BPM <= float(found[1]) <= MOST_BPM else None
    bare = _bare_tempo(words)
    return float(bare[1]) if bare else None


def with_bpm(words: str) -> str:
    """Words in which a bare number that is their tempo is followed by "bpm"."""
    bare = None if BPM.search(words) else _bare_tempo(words)
    return f"{words[: bare.end()]} bpm{words[bare.end() :]}" if bare else words


def _bare_tempo(words: str) -> re.Match[str] | None:
    for found in _BARE.finditer(words):
        if BARE_BPM[0] <= float(found[1]) <= BARE_BPM[1] and not _BEFORE_NO_TEMPO.search(words[: found.start()]):
            return found
    return None


def metre_in(words: str) -> tuple[int, int] | None:
    """(beats to a bar, the note a beat is) that words state: "7/8", "three-four", "waltz"."""
    for written in _METRE.finditer(words):
        if int(written[1]) in METRES[int(written[2])]:
            return int(written[1]), int(written[2])
    if spoken := _SPOKEN_METRE.search(words):
        beats, unit = _SPOKEN[spoken[1].lower()], {"four": 4, "eight": 8}[spoken[2].lower()]
        return (beats, unit) if beats in METRES[unit] else None
    return (3, 4) if _WALTZ.search(words) else None


def find_key(words: str) -> tuple[tuple[int, str], re.Match[str]] | None:
    """((pitch class, mode), where it stands) of the key that words name, as near to it as major and minor come."""
    for pattern in (_WRITTEN, _GERMAN_KEY, _SHORT, _CAMELOT):
        if found := pattern.search(words):
            return _key_of(found), found
    return None


def parse_key(text: str) -> tuple[int, str] | None:
    """(pitch class, mode) of a key's name alone: "F# minor", "Amin", "a-Moll", "8A", "D dorian", "Bb"; None for anything else."""
    text = " ".join(text.replace("_", " ").split())
    for pattern in (_WRITTEN, _GERMAN_KEY, re.compile(rf"{_NOTE}(?P<mode>m)?"), _CAMELOT, _OPEN_KEY):
        if found := pattern.fullmatch(text):
            return _key_of(found)
    if found := re.fullmatch(r"(?P<hour>\d+)(?P<side>[ab])", text):
        return parse_key(text.upper())
    return None


def name_key(key: tuple[int, str]) -> str:
    """(9, "minor") → "A minor"."""
    return f"{NOTES[key[0]]} {key[1]}"


def parse_chord(name: str) -> tuple[int, str] | None:
    """Pitch class of the root and kind, one of CHORDS: "F#m7" → (6, "m7"). None of NO_CHORD. Raises ValueError for others."""
    if name == NO_CHORD:
        return None
    root = name[:2] if name[:2] in NOTES else name[:1]
    if root not in NOTES or name[len(root) :] not in CHORDS:
        raise ValueError(f"no chord {name!r}")
    return NOTES.index(root), name[len(root) :]


def chord_notes(name: str) -> tuple[int, ...]:
    """A chord's MIDI notes, its root in the octave from C3 (48) on; none of NO_CHORD. Raises ValueError."""
    found = parse_chord(name)
    return () if found is None else tuple(48 + found[0] + step for step in CHORDS[found[1]])


def in_plain_words(text: str) -> str:
    """What a prompt, or a key's name, says of tempo and key, as models learn it: "dub 124 in Am" → "dub 124 bpm in A minor"."""
    text = with_bpm(text)
    if PLAIN_KEY.search(text):
        return text
    if key := parse_key(text):
        return name_key(key)
    found = find_key(text)
    return f"{text[: found[1].start()]}{name_key(found[0])}{text[found[1].end() :]}" if found else text


def strange_words(prompt: str, known: Collection[str]) -> list[tuple[str, str | None]]:
    """(word, the known one most alike, if one is) for each word of a prompt that is not among the `known` ones."""
    words = _WORD.findall(in_plain_words(prompt).lower())
    known = {word for entry in known for word in _WORD.findall(entry)}
    strange = [word for word in dict.fromkeys(words) if word not in known and word not in _SMALL_WORDS]
    return [(word, next(iter(difflib.get_close_matches(word, known, 1, _ALIKE)), None)) for word in strange]


def notes(
    prompt: str, key: str | None, strange: Sequence[tuple[str, str | None]], read_as: Sequence[tuple[str, str]] = ()
) -> list[str]:  # fmt: skip
    """What is understood otherwise than it was written, in sentences. strange: as from `strange_words`. read_as: what was said,
    and the words of the model that it is read as.
    """
    sentences, text = [], prompt if key is None else key
    if not PLAIN_KEY.search(text):
        found = find_key(text)
        understood = parse_key(text) if found is None else found[0]
        if understood:
            sentences.append(f"the key {text.strip() if found is None else found[1][0]} is played as {name_key(understood)}")
    if read_as:
        first, *rest = read_as
        sentences.append(", ".join([f"{first[0]} is read as {first[1]}", *(f"{said} as {learnt}" for said, learnt in rest)]))
    if strange:
        named = (f"{word} (the nearest it has is {known})" if known else word for word, known in strange)
        sentences.append(f"the model has no word for {', '.join(named)}")
    return sentences


def _key_of(found: re.Match[str]) -> tuple[int, str]:
    parts = found.groupdict()
    if parts.get("hour"):
        fifths, side = int(parts["hour"]), parts["side"].lower()
        mode = _MINOR if side in "am" else _MAJOR
        begin = fifths - 8 if side in "ab" else fifths - 1  # Camelot's 8 and Open Key's 1 are A minor and C major
        return ((9 if mode == _MINOR else 0) + 7 * begin) % 12, mode
    tonic, mode = parts["tonic"].lower(), (parts.get("mode") or "").lower()
    if mode in ("dur", "moll"):
        return {**_TONICS, **_GERMAN}[tonic] % 12, {"dur": _MAJOR, "moll": _MINOR}[mode]
    sign = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}[(parts.get("sign") or "").lower()]
    return (_TONICS[tonic] + sign) % 12, _MINOR if mode == "m" else _MODES[mode] if mode else _MAJOR
