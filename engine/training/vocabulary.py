"""The embedded model's text tokenizer: whole words of the corpus' captions, numbers snapped to tempi it knows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers import normalizers as norm

NULL = "<null>"  # id 0: text taken away, for guidance
UNKNOWN = "<unknown>"


def build(captions: list[str], size: int) -> Tokenizer:
    """A word-level tokenizer over the `size` - 2 most frequent words. Unknown words become one id the model has learnt to pass over."""
    counts: dict[str, int] = {}
    splitter = _pipeline(Tokenizer(models.WordLevel({UNKNOWN: 0}, UNKNOWN)))
    for text in captions:
        for word, _ in splitter.pre_tokenizer.pre_tokenize_str(splitter.normalizer.normalize_str(text)):
            counts[word] = counts.get(word, 0) + 1
    kept = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return _pipeline(Tokenizer(models.WordLevel({word: i for i, word in enumerate([NULL, UNKNOWN, *sorted(kept)])}, UNKNOWN)))


def _pipeline(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.normalizer = norm.Sequence([norm.NFKC(), norm.Lowercase()])
    # Words, numbers, metres such as 4/4 and note names such as f# are whole; all else separates.
    from tokenizers import Regex

    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[a-g]#|[0-9]+/[0-9]+|[0-9]+|[\p{L}]+"), behavior="removed", invert=True)
    return tokenizer


def caption_sample(facts: list[dict], per_piece: int, seed: int = 0) -> list[str]:
    """Captions of every section of every piece, to count words from."""
    from engine.training.captions import caption

    rng = np.random.default_rng(seed)
    return [caption(f, s["layers"], rng) for f in facts for s in f["sections"] for _ in range(per_piece)]


def save(tokenizer: Tokenizer, path: Path) -> None:
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), indent=0))
