"""An arrangement: the sections of a piece, one after the other, as text such as "intro:4 verse:8 drop:8=dark, drums outro:4".

A section is NAME:BARS, or NAME:BARS=WORDS with words of its own. A space stands between two of them, or between all of them | or
; or a line's end: then words may hold anything else, "Verse 1:8 | Chorus:8=brass, ratio 3:2".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SECTIONS = 64
MAX_BARS = 512  # of a section

_SECTION = re.compile(r"\s*(?P<name>[^:=]*?)\s*:\s*(?P<bars>[^\s=]*)\s*(?:=(?P<words>.*))?", re.DOTALL)
_CORE = re.compile(r"[^\s:=]*:[^\s:=]*(=.*)?")  # the end of a section's name, its bars, and its first word
# In the words that hosts use, each that of the model's parts which it is most like; of a longer name its first known word counts.
_KINDS = {
    "intro": "intro", "verse": "verse", "verse2": "verse2", "chorus": "chorus", "outro": "outro",
    "begin": "intro", "start": "intro", "opening": "intro", "prelude": "intro", "count": "intro",
    "pre": "verse", "prechorus": "verse", "build": "verse", "buildup": "verse", "riser": "verse", "theme": "verse",
    "hook": "chorus", "refrain": "chorus", "drop": "chorus", "climax": "chorus", "main": "chorus", "solo": "chorus",
    "bridge": "verse2", "break": "verse2", "breakdown": "verse2", "middle": "verse2", "interlude": "verse2", "mid": "verse2",
    "end": "outro", "ending": "outro", "coda": "outro", "finale": "outro", "fade": "outro",
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """`start` is in bars from the beginning of the piece; `words` are its own, beside those of the whole piece."""

    name: str
    start: int
    bars: int
    words: str = ""

    @property
    def kind(self) -> str:
        """One of engine.api.SECTIONS: what the model takes it for; verse where the name says nothing."""
        words = re.findall(r"[a-z]+2?", re.sub(r"\W+(?=\d)", "", self.name.casefold()))
        known = (_KINDS.get(word) or _KINDS.get(word.rstrip("2")) for word in words)
        return next(filter(None, known), "verse")


def parse_arrangement(text: str) -> tuple[Section, ...]:
    """Raises ValueError with one sentence."""
    parts = re.split(r"[|;\n]", text) if re.search(r"[|;]|\S\s*\n\s*\S", text) else _at_spaces(text)
    parts = [part.strip() for part in parts if part.strip()]
    if not parts:
        raise ValueError("the arrangement has no section: write them as NAME:BARS, such as 'intro:4 verse:8 outro:4'")
    if len(parts) > MAX_SECTIONS:
        raise ValueError(f"the arrangement has {len(parts)} sections: at most {MAX_SECTIONS} are allowed")
    sections: list[Section] = []
    for part in parts:
        found = _SECTION.fullmatch(part)
        name, bars = (found["name"].strip(" ,"), found["bars"].strip(",")) if found else ("", "")
        if not name:
            raise ValueError(f"{_short(part)} is no section: write NAME:BARS or NAME:BARS=WORDS, such as 'drop:8=dark, drums'")
        if not re.fullmatch(r"[0-9]{1,4}", bars) or not 1 <= int(bars) <= MAX_BARS:
            raise ValueError(f"section {_short(name)} has {_short(bars)} bars: a whole number from 1 to {MAX_BARS} is allowed")
        start = sections[-1].start + sections[-1].bars if sections else 0
        assert found is not None
        sections.append(Section(name, start, int(bars), (found["words"] or "").strip(" ,")))
    return tuple(sections)


def _at_spaces(text: str) -> list[str]:
    """A part for each section: words before its name's end are its name's, words after = are its own."""
    parts: list[str] = []
    name: list[str] = []
    for word in re.sub(r"\s*(=)\s*|\s*(:)\s*(?=\d)", lambda found: found[1] or found[2], text).split():
        core = _CORE.fullmatch(word)
        in_words = bool(parts) and "=" in parts[-1]
        if core and (name or not in_words or re.match(r"[^:\d]*[^\W\d][^:]*:\d", word)):
            parts.append(" ".join([*name, word]))
            name = []
        elif in_words:
            parts[-1] += f" {word}"
        else:
            name.append(word)
    return [*parts, *([" ".join(name)] if name else ())]


def find_section(sections: tuple[Section, ...], which: str) -> Section:
    """By its name in any case, or its number from 1; "verse 2" is the second verse where none is called so. Raises ValueError."""
    which = which.strip()
    named = [section for section in sections if section.name.casefold() == which.casefold()]
    if which.isascii() and which.isdigit() and not named and 1 <= int(which) <= len(sections):
        return sections[int(which) - 1]
    if not named and (numbered := re.fullmatch(r"(.*\S)\s+([0-9]{1,2})", which)):
        same = [section for section in sections if section.name.casefold() == numbered[1].casefold()]
        named = same[int(numbered[2]) - 1 :][:1] if int(numbered[2]) else []
    if len(named) == 1:
        return named[0]
    if named:
        numbers = [str(sections.index(section) + 1) for section in named]
        raise ValueError(f"there are {len(named)} sections {_short(which)}: say which by number, {' or '.join(numbers)}")
    listed = ", ".join(f"{number} {section.name}" for number, section in enumerate(sections, 1))
    raise ValueError(f"no section {_short(which)}: there are {listed}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
