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
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus
from engine.corpus.piece import FRAME_RATE
from engine.models.condition import SECTION_ROWS, Condition
from engine.models.language_model import LanguageModel
from engine.music.grid import BARS_PER_PHRASE, Grid, clock
from engine.training.implants import implant_heads
from engine.training.loop import Optimizer, Run, best_device, follow
from engine.training.sketch import SKETCH

# The paper's stages in small: audio first, then captions. So long into a run, in minutes and as a share of it, no window has any
# condition but musical time.
AUDIO_FIRST_MINUTES, AUDIO_FIRST = 15.0, 0.2
DROP_CONDITION = 0.15
DROP_TEXT = 0.1  # the text alone, so that continuations without words are at home
# Share of windows that repeat their first one, two or four bars to the end, as a producer loops them.
LOOPS = 0.25
# Share of windows that keep to their section: what was asked for goes on. The others go on to the next, up to the outro: one that
# no one asked for sounds as if the band had left.
STAY = 0.9
# So many windows, each so many times shorter, in turn: words matter most to the first bars, and long windows hold few of those.
SHORTER = (1, 4, 16)
DRUMLESS = 1.5  # so many times as often as others come pieces without drums in styles that have them: "no drums" is a rare wish
# Share of captions that say what plays in the whole piece, not in this section of it: to ask for drums is not to ask for them in
# the intro.
WHOLE_PIECE = 0.5
BUILD_UPS = 3.0  # and so many times pieces that build up, and in them the section that does
SEEN_WHOLE = 0.7  # share of its windows that begin late enough for the drop, or in the build-up where they are too short for it
DROP_CLOCK = 0.05  # so that a recording without a beat can be continued
SHIFT_PHRASE = 0.2  # so that a clip may begin anywhere in its phrase
UNKNOWN_WORDS = 0.04  # share of words replaced, and as many put in before a word, so that an unknown word changes little
DENIALS = ("no", "without")  # never replaced: "heavy drums" would come to mean "no drums"
NULL_ID, UNKNOWN_ID = 0, 1

Batch = tuple[Condition, Tensor, Tensor, Tensor]  # condition, tokens [B, W], targets [B, W + 1] (-100: not counted), negative [B]


class Windows:
    """Training examples from a corpus: (condition, tokens, targets)."""

    def __init__(self, corpus: Corpus, tokens: dict[str, np.ndarray], tokenizer: Tokenizer, frames: int, stop: int):
        self.corpus, self.tokens, self.tokenizer, self.frames, self.stop = corpus, tokens, tokenizer, frames, stop
        self.names = [name for name in corpus.names if name in tokens]
        with_drums = {corpus.facts[name]["style"] for name in self.names if "drums" in corpus.facts[name]["instruments"]}
        weights = np.array([_weight(corpus.facts[name], with_drums) for name in self.names])
        self.shares = weights / weights.sum()
        self.denials = {tokenizer.token_to_id(word) for word in DENIALS}

    def batch(self, count: int, rng: np.random.Generator, *, drop: bool = True, frames: int | None = None) -> Batch:
        """frames: of each window if not the longest."""
        frames = frames or self.frames
        names = rng.choice(self.names, count, p=self.shares if drop else None)
        rows = [self._window(str(name), frames, rng, drop) for name in names]
        negative = torch.from_numpy(rng.random(count) < (DROP_CONDITION if drop else 0.0))
        return *collate(rows, frames, self.stop), negative

    def _window(self, name: str, frames: int, rng: np.random.Generator, drop: bool) -> dict:
        facts, tokens = self.corpus.facts[name], self.tokens[name]
        sections = facts["sections"]
        bar = facts["bar_frames"]
        weights = np.array([s["frames"] * (BUILD_UPS if "build_up" in s else 1) for s in sections], float)
        section = sections[rng.choice(len(sections), p=weights / weights.sum())]
        bars = section["frames"] // bar
        offset = 0 if rng.random() < 0.4 else int(rng.integers(bars))
        rises = section.get("build_up", 0)  # and leads to the next
        if rises and rng.random() < SEEN_WHOLE:
            offset = int(rng.integers(max(0, bars - max(rises, frames // bar - 1)), bars))
        first = section["first_frame"] + offset * bar
        here = tokens[first : first + frames]
        if section is not sections[-1] and not rises:
            here = _stay(tokens, section if rng.random() < STAY else sections[-2], first, frames)
        if looped := drop and not rises and rng.random() < LOOPS:
            here = np.resize(here[: int(rng.choice((1, 2, 2, 4))) * bar], frames)
        times = clock(Grid(facts["bpm"], facts["beats"]), FRAME_RATE, first - section["first_frame"], frames + 1)
        if looped or (drop and rng.random() < SHIFT_PHRASE):
            times[:, 1] = (times[:, 1] + rng.integers(BARS_PER_PHRASE)) % BARS_PER_PHRASE
        if drop and rng.random() < DROP_CLOCK:
            times[:] = -1
        # A span from nothing to anything, as requests state it; else the window's place in its piece.
        alone = rng.random() < 0.6
        length_s = len(here) / FRAME_RATE * 2 ** rng.uniform(-1.5, 1.5)
        piece_end = first + len(here) == len(tokens)
        told = sections if rng.random() < WHOLE_PIECE else [section]
        layers = sorted({layer for part in told for layer in part["layers"]})
        text = self.tokenizer.encode(caption(facts, layers, rng, build_up=bool(rises))).ids
        if drop and rng.random() < DROP_TEXT:
            text = [NULL_ID] * len(text)
        elif drop:
            text = with_unknown_words(text, self.denials, rng)
        return {
            "text": text, "tokens": here, "section": SECTION_ROWS[section["label"]],
            "start": 0.0 if alone else first / FRAME_RATE, "end": length_s if alone else len(tokens) / FRAME_RATE,
            "ends": piece_end and not looped and len(here) < frames, "clock": times,
        }  # fmt: skip


def without_conditions(batch: Batch) -> Batch:
    """All rows as the negative one: what is left to learn from is audio and musical time."""
    return *batch[:3], torch.ones_like(batch[3])


def with_unknown_words(text: list[int], kept: set[int | None], rng: np.random.Generator) -> list[int]:
    """`text` with some words unknown and some unknown words put in; those in `kept` are what they were."""
    words: list[int] = []
    for word in text:
        words += [UNKNOWN_ID] * (rng.random() < UNKNOWN_WORDS)
        words.append(UNKNOWN_ID if word not in kept and rng.random() < UNKNOWN_WORDS else word)
    return words


def _weight(facts: dict, styles_with_drums: set[str]) -> float:
    if any("build_up" in section for section in facts["sections"]):
        return BUILD_UPS
    return DRUMLESS if "drums" not in facts["instruments"] and facts["style"] in styles_with_drums else 1.0


def collate(rows: list[dict], frames: int, stop: int) -> tuple[Condition, Tensor, Tensor]:
    """Rows of different lengths as Condition, tokens [B, frames] and targets [B, frames + 1] (-100: not counted, as are as many
    of a row's first tokens as are "given").
    """
    longest = max(len(r["text"]) for r in rows)
    text = torch.tensor([r["text"] + [NULL_ID] * (longest - len(r["text"])) for r in rows])
    start = torch.tensor([[r["start"]] for r in rows])
    end = torch.tensor([[r["end"]] for r in rows])
    section = torch.tensor([[r["section"]] for r in rows])
    tokens = torch.zeros(len(rows), frames, dtype=torch.long)
    targets = torch.full((len(rows), frames + 1), -100)
    for i, r in enumerate(rows):
        tokens[i, : len(r["tokens"])] = torch.from_numpy(r["tokens"].astype(np.int64))
        given = r.get("given", 0)
        targets[i, given : len(r["tokens"])] = tokens[i, given : len(r["tokens"])]
        if r["ends"]:
            targets[i, len(r["tokens"])] = stop
    times = torch.from_numpy(np.stack([r["clock"] for r in rows]))
    return Condition(text, start, end, section, times), tokens, targets


def _stay(tokens: np.ndarray, last: dict, first: int, frames: int) -> np.ndarray:
    """`frames` tokens from `first` on; where section `last` ends, it is played again."""
    begin, end = last["first_frame"], last["first_frame"] + last["frames"]
    here = tokens[first:end][:frames]
    return np.concatenate([here, np.resize(tokens[begin:end], frames - len(here))])


def loss(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Mean cross-entropy in nats a token. dtype: of what is multiplied."""
    logits = audio_logits(model, batch, dtype)
    return F.cross_entropy(logits.flatten(0, 1), batch[2].to(logits.device).flatten(), ignore_index=-100)


def log_chances(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """How likely each target is, in nats; 0 for what is not counted: [B, W + 1]"""
    logits = audio_logits(model, batch, dtype)
    return -F.cross_entropy(logits.transpose(1, 2), batch[2].to(logits.device), reduction="none", ignore_index=-100)


def audio_logits(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Of each token of a batch and of what follows: float32 [B, W + 1, V]"""
    condition, tokens, _, negative = batch
    device = model.llm_decoder.weight.device
    condition = Condition(**{name: column.to(device) for name, column in vars(condition).items() if column is not None})
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        inputs = model.embed_condition(condition, tokens.to(device), negative=negative.to(device))
        return model(inputs)[:, -tokens.shape[1] - 1 :].float()


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
          frames: int = 768, config: LanguageModelConfig = SKETCH.language_model, lr: float = 7e-4, matrix_lr: float = 2e-3,
          seed: int = 0, device: torch.device | None = None) -> LanguageModel:  # fmt: skip
    """Trains and returns the moving average of the weights. Resumes from `folder`."""
    torch.manual_seed(seed)
    model = LanguageModel(config)
    smooth_numbers(model, tokenizer)
    implant_heads(model, torch.Generator().manual_seed(seed))
    model.to(device or best_device())
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = Optimizer(model, lr=lr, matrix_lr=matrix_lr, weight_decay=0.1, exclude=(model.llm_decoder,))
    run = Run(folder, {"model": model, "average": average, "optimizer": optimizer}, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    stop = model.config.stop_token
    audio_first_s = 60 * min(AUDIO_FIRST_MINUTES, AUDIO_FIRST * minutes)

    def windows(held_out: bool) -> Windows:
        return Windows(Corpus(corpus, held_out=held_out), dict(np.load(tokens_file)), tokenizer, frames, stop)

    training, held_out = windows(False), windows(True)
    proof = [held_out.batch(8, np.random.default_rng(i), drop=False) for i in range(4)] if held_out.names else []

    def step(run: Run) -> dict[str, float]:
        nonlocal training
        if run.step % 200 == 199:
            training = windows(False)  # the corpus may have grown
        short = SHORTER[run.step % len(SHORTER)]
        examples = training.batch(short * batch, rng, frames=frames // short)
        if run.elapsed < audio_first_s:
            examples = without_conditions(examples)
        value = loss(model, examples)
        norm = optimizer.step(value, run.scale())
        follow(average, model, run.step)
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
