"""The embedded model's text tokenizer: whole words of the corpus' captions; all other words share one id."""

from __future__ import annotations

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from engine.corpus.captions import caption
from engine.corpus.facts import PieceFacts

NULL = "<null>"  # id 0: dropped text, for guidance
UNKNOWN = "<unknown>"  # id 1: the model is trained to ignore it
# Keys such as f# minor (no part of one says which notes), metres such as 4/4, numbers and words stay whole; all else separates.
WORD = r"\b[a-g][#b]? (?:major|minor)\b|[0-9]+/[0-9]+|[0-9]+|[\p{L}]+"


def build(captions: list[str], size: int) -> Tokenizer:
    """A word-level tokenizer of the `size` - 2 most frequent words."""
    splitter = _tokenizer({UNKNOWN: 0})
    counts: dict[str, int] = {}
    for text in captions:
        for word, _ in splitter.pre_tokenizer.pre_tokenize_str(splitter.normalizer.normalize_str(text)):
            counts[word] = counts.get(word, 0) + 1
    kept = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return _tokenizer({word: i for i, word in enumerate([NULL, UNKNOWN, *sorted(kept)])})


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(vocabulary, UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    return tokenizer


def caption_sample(facts: list[PieceFacts], per_section: int, seed: int = 0) -> list[str]:
    """Captions of every section of every piece, to count words from."""
    rng = np.random.default_rng(seed)
    return [
        caption(f, s["layers"], rng, build_up="build_up" in s) for f in facts for s in f["sections"] for _ in range(per_section)
    ]
