"""The models that others publish and `inspire models pull` gets: what each is, where it is, which of its files are needed.

InspireMusic's paper (arXiv 2503.00084, table 1) names eight variants; five model directories are published. A variant without
flow is one of those without its flow and its codec: the same language model, whose tokens WavTokenizer's decoder plays. No torch
here.
"""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass

from engine.api import ModelError

_TOKEN_SIDE = (
    "llm.pt", "inspiremusic.yaml", "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "wavtokenizer/config.yaml", "wavtokenizer/model.pt", "LICENSE*",
)  # fmt: skip
_FLOW_SIDE = ("flow.pt", "music_tokenizer/config.json", "music_tokenizer/model.pt")
# Each entry: one of these names must be there. tokenizer.json, or what it can be made from.
_TOKEN_NEEDED = (
    ("llm.pt",), ("inspiremusic.yaml",), ("config.json",), ("wavtokenizer/config.yaml",), ("wavtokenizer/model.pt",),
    ("tokenizer.json", "vocab.json"), ("tokenizer.json", "merges.txt"),
)  # fmt: skip
_FLOW_NEEDED = tuple((name,) for name in _FLOW_SIDE)

# Millions of parameters, counted in the shapes that the published key names have.
_LANGUAGE_MODEL = {"0.5B": 502, "1.5B": 1556}
_BACKBONE = {"0.5B": 358, "1.5B": 1310}
_WAVTOKENIZER, _FLOW, _CODEC = 85, 77, 64
_WORK = 1_000_000_000  # bytes that libraries and one generation take beside the weights
_PREFIX = "inspiremusic-"


@dataclass(frozen=True)
class Published:
    """A model to be had. `samplerate` in Hz, of its best path; `paper`: its name in the paper."""

    name: str
    what: str
    samplerate: int
    size: str  # of its language model: "0.5B" or "1.5B"
    has_flow: bool
    hugging_face: str
    model_scope: str
    paper: str
    licence: str = "Apache-2.0"  # see `engine.checkpoints.library.LICENCES`; a pull shows what the source states

    @property
    def patterns(self) -> tuple[str, ...]:
        """Of the files that are pulled; the publisher's others (Qwen's own weights, examples) are not needed."""
        return _TOKEN_SIDE + (_FLOW_SIDE if self.has_flow else ())

    @property
    def parameters(self) -> int:
        return 1_000_000 * (_LANGUAGE_MODEL[self.size] + _WAVTOKENIZER + (_FLOW + _CODEC if self.has_flow else 0))

    @property
    def bytes(self) -> int:
        """About what it takes on disk, as float32: what is published may be half of it."""
        return 4 * self.parameters

    @property
    def memory_bytes(self) -> int:
        """About what it takes of memory on a CPU: float32 weights, a second copy of those a decode step reads, and the work."""
        return 4 * self.parameters + 4_000_000 * _BACKBONE[self.size] + _WORK

    def wants(self, file: str) -> bool:
        return any(fnmatch.fnmatchcase(file, pattern) for pattern in self.patterns)

    def lacks(self, files: set[str]) -> list[str]:
        """What a set of files misses of a whole model."""
        needed = _TOKEN_NEEDED + (_FLOW_NEEDED if self.has_flow else ())
        return [" or ".join(names) for names in needed if not files & set(names)]


def _variants() -> list[Published]:
    def variant(paper: str, published: str, scope: str, size: str, samplerate: int, kind: str) -> Published:
        fast = kind == "fast"
        what = {
            "fast": "24 kHz straight from the tokens, no flow",
            "flow": "flow matching, 24 kHz",
            "super": "flow matching and super resolution, 48 kHz",
        }[kind]
        long = ", for long pieces" if "Long" in published else ""
        name = published + ("-fast" if fast else "")
        return Published(
            name, what + long, samplerate, size, not fast, f"FunAudioLLM/{published}", f"iic/{scope}",
            paper + (" (w/o flow)" if fast else ""),
        )  # fmt: skip

    base, large, long = "InspireMusic-Base", "InspireMusic-1.5B", "InspireMusic-1.5B-Long"
    return [
        variant("InspireMusic-0.5B", base, "InspireMusic", "0.5B", 24_000, "fast"),
        variant("InspireMusic-0.5B-24kHz", base + "-24kHz", base + "-24kHz", "0.5B", 24_000, "flow"),
        variant("InspireMusic-0.5B", base, "InspireMusic", "0.5B", 48_000, "super"),
        variant("InspireMusic-1.5B", large, large, "1.5B", 24_000, "fast"),
        variant("InspireMusic-1.5B-24kHz", large + "-24kHz", large + "-24kHz", "1.5B", 24_000, "flow"),
        variant("InspireMusic-1.5B", large, large, "1.5B", 48_000, "super"),
        variant("InspireMusic-1.5B-Long", long, long, "1.5B", 24_000, "fast"),
        variant("InspireMusic-1.5B-Long", long, long, "1.5B", 48_000, "super"),
    ]


PUBLISHED: dict[str, Published] = {one.name: one for one in _variants()}


def find_published(name: str) -> Published:
    """By its name, in any case, with or without "InspireMusic-", or by the paper's. Raises ModelError that names the nearest."""
    by_any: dict[str, Published] = {}
    for one in PUBLISHED.values():
        for spelling in (one.name, one.paper):
            for key in {spelling.lower(), spelling.lower().removeprefix(_PREFIX)}:
                by_any.setdefault(key, one)
    asked = name.strip().lower()
    if asked in by_any:
        return by_any[asked]
    near = difflib.get_close_matches(asked, by_any, n=1, cutoff=0.4)
    guess = f"did you mean {by_any[near[0]].name}? " if near else ""
    raise ModelError(f"no model {name!r} is published: {guess}there are {', '.join(PUBLISHED)}")
