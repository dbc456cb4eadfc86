"""Trains the language model on a corpus' tokens and captions.

`python -m engine.training.language_model CORPUS TOKENS RUN --minutes 90`. Windows begin on a bar; each carries the caption of
the section it begins in, its label and its time span. Conditions are dropped for guidance exactly as the negative row is
built at inference (`LanguageModelConfig.negative` "null").
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.config import LanguageModelConfig
from engine.models.language_model import SECTION_ROWS, Condition, LanguageModel
from engine.training.arrange import FRAME_RATE
from engine.training.captions import caption
from engine.training.data import Corpus
from engine.training.induction import implant_induction
from engine.training.loop import Optimizer, Run
from engine.training.sketch import SKETCH

DROP_CONDITION = 0.15
DROP_TEXT = 0.1  # the text alone, so that continuations without words are at home
# Share of windows that repeat their first one, two or four bars to the end, as a producer loops them.
LOOPS = 0.25
UNKNOWN_WORDS = 0.08  # share of words replaced, so that an unknown word changes little
EMA_DECAY = 0.998
NULL_ID, UNKNOWN_ID = 0, 1


class Windows:
    """Training examples from a corpus: (condition, tokens, targets)."""

    def __init__(self, corpus: Corpus, tokens: dict[str, np.ndarray], tokenizer: Tokenizer, frames: int, stop: int):
        self.corpus, self.tokens, self.tokenizer, self.frames, self.stop = corpus, tokens, tokenizer, frames, stop
        self.names = [name for name in corpus.names if name in tokens]

    def batch(self, count: int, rng: np.random.Generator, *, drop: bool = True) -> tuple[Condition, Tensor, Tensor, Tensor]:
        """Condition, tokens [B, W], targets [B, W + 1] (-100: not counted), negative [B] bool."""
        rows = [self._window(str(name), rng, drop) for name in rng.choice(self.names, count)]
        longest = max(len(r["text"]) for r in rows)
        text = torch.tensor([r["text"] + [NULL_ID] * (longest - len(r["text"])) for r in rows])
        start = torch.tensor([[r["start"]] for r in rows])
        end = torch.tensor([[r["end"]] for r in rows])
        section = torch.tensor([[r["section"]] for r in rows])
        tokens = torch.zeros(count, self.frames, dtype=torch.long)
        targets = torch.full((count, self.frames + 1), -100)
        for i, r in enumerate(rows):
            tokens[i, : len(r["tokens"])] = torch.from_numpy(r["tokens"].astype(np.int64))
            targets[i, : len(r["tokens"])] = tokens[i, : len(r["tokens"])]
            if r["ends"]:
                targets[i, len(r["tokens"])] = self.stop
        negative = torch.from_numpy(rng.random(count) < (DROP_CONDITION if drop else 0.0))
        return Condition(text, start, end, section), tokens, targets, negative

    def _window(self, name: str, rng: np.random.Generator, drop: bool) -> dict:
        facts, tokens = self.corpus.facts[name], self.tokens[name]
        sections = facts["sections"]
        bar = facts["bar_frames"]
        weights = np.array([s["frames"] for s in sections], float)
        section = sections[rng.choice(len(sections), p=weights / weights.sum())]
        bars = section["frames"] // bar
        offset = 0 if rng.random() < 0.4 else int(rng.integers(bars)) * bar
        first = section["first_frame"] + offset
        here = tokens[first : first + self.frames]
        if looped := drop and rng.random() < LOOPS:
            here = np.resize(here[: int(rng.choice((1, 2, 2, 4))) * bar], self.frames)
        whole = rng.random() < 0.6  # the span of the window itself, as a request states it; else its place in the piece
        piece_end = first + len(here) == len(tokens)
        text = self.tokenizer.encode(caption(facts, section["layers"], rng)).ids
        if drop and rng.random() < DROP_TEXT:
            text = [NULL_ID] * len(text)
        elif drop:
            text = [UNKNOWN_ID if rng.random() < UNKNOWN_WORDS else word for word in text]
        return {
            "text": text, "tokens": here, "section": SECTION_ROWS[section["label"]],
            "start": 0.0 if whole else first / FRAME_RATE, "end": (len(here) if whole else len(tokens)) / FRAME_RATE,
            "ends": piece_end and not looped and len(here) < self.frames,
        }  # fmt: skip


def loss(model: LanguageModel, batch: tuple[Condition, Tensor, Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy in nats a token."""
    condition, tokens, targets, negative = batch
    with torch.autocast("cpu", torch.bfloat16):
        inputs = model.embed_condition(condition, tokens, negative=negative)
        logits = model(inputs)[:, -tokens.shape[1] - 1 :]
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=-100)


def smooth_numbers(model: LanguageModel, tokenizer: Tokenizer) -> None:
    """Starts number words off so that near tempi are near: sines of the logarithm of the number, on half of the width."""
    table = model.text_embedding.weight
    half = table.shape[1] // 2
    for word, row in tokenizer.get_vocab().items():
        if word.isdigit() and int(word) >= 20:
            rates = torch.exp(torch.linspace(0, np.log(100.0), half // 2))
            angles = np.log2(int(word) / 60) * rates
            with torch.no_grad():
                table[row, :half] = 0.03 * torch.cat([angles.sin(), angles.cos()])


def train(corpus: Path, tokens_file: Path, tokenizer: Tokenizer, folder: Path, *, minutes: float, batch: int = 4,
          frames: int = 768, config: LanguageModelConfig = SKETCH.language_model, lr: float = 5e-4, matrix_lr: float = 1.5e-3,
          seed: int = 0) -> LanguageModel:  # fmt: skip
    """Trains and returns the moving average of the weights. Resumes from `folder`."""
    torch.manual_seed(seed)
    model = LanguageModel(config)
    smooth_numbers(model, tokenizer)
    implant_induction(model, torch.Generator().manual_seed(seed))
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = Optimizer(model, lr=lr, matrix_lr=matrix_lr, weight_decay=0.1, exclude=(model.llm_decoder,))
    run = Run(folder, {"model": model, "average": average, "optimizer": optimizer}, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    stop = model.config.stop_token

    def windows(held_out: bool) -> Windows:
        return Windows(Corpus(corpus, held_out=held_out), dict(np.load(tokens_file)), tokenizer, frames, stop)

    training, held_out = windows(False), windows(True)
    proof = [held_out.batch(8, np.random.default_rng(i), drop=False) for i in range(4)] if held_out.names else []

    def step(run: Run) -> dict[str, float]:
        nonlocal training
        if run.step % 200 == 199:
            training = windows(False)  # the corpus may have grown
        examples = training.batch(batch, rng)
        value = loss(model, examples)
        norm = optimizer.step(value, run.scale())
        decay = min(EMA_DECAY, run.step / (run.step + 20))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)
        return {"loss": value.item(), "norm": norm, "tokens": float((examples[2] >= 0).sum())}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        return {"held_out": float(np.mean([loss(average, b).item() for b in proof]))}

    run.loop(step, evaluate=evaluate if proof else None)
    return average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.corpus, options.tokens, Tokenizer.from_file(str(options.tokenizer)), options.run, minutes=options.minutes)


if __name__ == "__main__":
    main()
