"""Text → ids, by the model's own tokenizer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer

from engine.api import ModelError
from engine.checkpoints.checkpoint import Checkpoint
from engine.words import strange_words


def load_text_encoder(checkpoint: Checkpoint) -> Callable[[str], list[int]]:
    """The model's own tokenizer as a function from text to ids. Raises ModelError."""
    directory, size = checkpoint.directory, checkpoint.config.language_model.text_vocab_size
    if checkpoint.has_own_words:
        tokenizer = _read_tokenizer(directory / "tokenizer.json")
        return lambda text: list(tokenizer.encode(text).ids)
    return _load_qwen_tokenizer(directory, size)


def learnt_words(checkpoint: Checkpoint) -> frozenset[str]:
    """Those of a model with words of its own; empty where a model reads any."""
    if not checkpoint.has_own_words:
        return frozenset()
    vocabulary = _read_tokenizer(checkpoint.directory / "tokenizer.json").get_vocab()
    return frozenset(word for entry in vocabulary for word in re.findall(r"[^\W_]+", entry.lower()))


def unknown_words(prompt: str, checkpoint: Checkpoint) -> list[tuple[str, str | None]]:
    """(word, the most alike of those it knows) for each word of a prompt that a model with words of its own has not learnt."""
    if not checkpoint.has_own_words:
        return []
    return strange_words(prompt, _read_tokenizer(checkpoint.directory / "tokenizer.json").get_vocab())


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"cannot read {path}: {error}; get the file again") from None


def _load_qwen_tokenizer(directory: Path, vocabulary: int) -> Callable[[str], list[int]]:
    """Qwen's byte-pair tokenizer with the specials the language model was trained with, in their order."""
    from transformers import AutoTokenizer  # seconds to import, and the embedded model does without

    specials = ["<|im_start|>", "<|im_end|>", "<|endofprompt|>", "[breath]", "<strong>", "</strong>", "[noise]", "[laughter]",
                "[cough]", "[clucking]", "[accent]", "[quick_breath]"]  # fmt: skip
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"no usable tokenizer in {directory}: {str(error).splitlines()[0]}; get the tokenizer files again"
        ) from None
    tokenizer.add_special_tokens(
        {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "additional_special_tokens": specials}
    )
    if len(tokenizer) > vocabulary:
        raise ModelError(
            f"the tokenizer in {directory} has {len(tokenizer)} words, the language model {vocabulary}: another variant's files"
        )
    return lambda text: tokenizer([text]).input_ids[0]
