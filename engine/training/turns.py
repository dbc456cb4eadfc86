"""Teaches a finished language model that words change what a clip plays: drums come in, or fall silent.

`python -m engine.training.turns MODEL CORPUS TOKENS RUN --minutes 60`. In other windows a clip and its words always agree, so a
model learns to go by the clip alone. Here a clip goes on in two ways. It turns: with another section of its piece, which begins a
phrase and in which drums play that did not before, or play no more, as the words ask; and under these words that shall be
likelier than that it goes on as it was. Or it stays: under words that ask for nothing else. There, on the windows of before and
on how pieces begin the model is held to what it chose when it began, so that nothing else changes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.captions import caption, short_caption
from engine.corpus.dataset import Corpus
from engine.corpus.piece import FRAME_RATE
from engine.models.condition import SECTION_ROWS
from engine.models.language_model import LanguageModel
from engine.music.grid import BARS_PER_PHRASE, Grid, clock
from engine.training.language_model import (
    DROP_CLOCK,
    NULL_ID,
    SHORTER,
    WHOLE_PIECE,
    Batch,
    Windows,
    audio_logits,
    collate,
    log_chances,
    with_unknown_words,
)
from engine.training.loop import Refinement, Run
from engine.training.sketch import SKETCH

CLIPS = 4  # that turn in a step, and as many that stay; beside them goes one window, or as many more as they are shorter
BEGINNINGS = 16  # pieces that begin in a step, without a clip
# What divergence on windows, on clips that stay and on beginnings weighs, and choosing to turn. Windows alone held beginnings
# too loosely: of a window's tokens they are few, and intros became as full as choruses.
HELD, STAYING, BEGINNING, CHOOSING = 2.0, 3.0, 2.0, 0.4
BEGUN = 96  # tokens of a beginning, a bar or two: what follows goes on as full as they were
INTROS = 0.5  # share of beginnings
CHOICE = 48  # tokens from the join on, half a bar to a bar, that tell whether a clip turns
SHARPNESS = 0.05  # of that choice: by 1 / SHARPNESS nats it is certain enough
HEARD = round(SKETCH.context_s * FRAME_RATE)  # tokens of a clip that the model goes on from, of a long one
WHOLE_CONTEXT = 0.3  # share of steps in which as many are heard; in the others it is less
ENTER = 0.6  # share of turns in which drums come in, where a piece has both
FEW_WORDS = 0.4  # share of captions that say little beside the drums, as one asks for a change
OWN_WORDS = 0.7  # share of clips that stay under what is said for a clip when nothing is asked: its tempo and key
LOOPED = 0.5  # share of clips that are one, two or four bars round and round
SHIFT_PHRASE = 0.7  # share of clips that stay and end anywhere in their phrase
OWN_LABEL = 0.5  # share of clips that carry the label of the section that follows; the others that of a verse or chorus


class Clips(Windows):
    """Examples of clips and of what follows them. What is heard first is no target."""

    def __init__(self, corpus: Corpus, tokens: dict[str, np.ndarray], tokenizer: Tokenizer, frames: int, stop: int):
        super().__init__(corpus, tokens, tokenizer, frames, stop)
        steady = {name: _steady(corpus.facts[name]["sections"]) for name in self.names}
        turns = {name: _turns(sections) for name, sections in steady.items()}
        self.steady = {name: sections for name, sections in steady.items() if sections}
        self.pairs = {name: pairs for name, pairs in turns.items() if pairs}
        self.most_heard = min(HEARD, 2 * frames // 3)

    def turns(self, count: int, rng: np.random.Generator, *, drop: bool = True) -> tuple[Batch, Batch]:
        """Clips whose words ask for what they do not play, twice: as they turn to it, and as they would go on unmoved."""
        heard, played = self._lengths(rng)
        names = rng.choice(list(self.pairs), count)
        turned, unmoved = zip(*(self._turn(str(name), heard, played, rng, drop) for name in names), strict=True)
        return self._collated(turned), self._collated(unmoved)

    def stays(self, count: int, rng: np.random.Generator) -> Batch:
        """Clips whose words ask for nothing but what they play, as they go on."""
        heard, played = self._lengths(rng)
        return self._collated([self._stay(str(name), heard, played, rng) for name in rng.choice(list(self.steady), count)])

    def begins(self, count: int, rng: np.random.Generator) -> Batch:
        """How sections begin from words alone, intros and others."""
        played = min(BEGUN, self.frames)
        return self._collated([self._begin(str(name), played, rng) for name in rng.choice(list(self.steady), count)])

    def _lengths(self, rng: np.random.Generator) -> tuple[int, int]:
        most, rest = self.most_heard, self.frames - self.most_heard
        heard = most if rng.random() < WHOLE_CONTEXT else int(rng.integers(most // 5, most + 1))
        return heard, int(rng.integers(rest // 2, rest + 1))

    def _collated(self, rows: list[dict]) -> Batch:
        return *collate(rows, len(rows[0]["tokens"]), self.stop), torch.zeros(len(rows), dtype=torch.bool)

    def _turn(self, name: str, heard: int, played: int, rng: np.random.Generator, drop: bool) -> tuple[dict, dict]:
        facts, pairs = self.corpus.facts[name], self.pairs[name]
        enter = rng.random() < ENTER
        fitting = [pair for pair in pairs if ("drums" in pair[1]["layers"]) == enter] or pairs
        before, after = fitting[rng.integers(len(fitting))]
        layers = sorted(after["layers"])
        say = short_caption if rng.random() < FEW_WORDS else caption
        words = say(facts, layers, rng, say_drums=True)
        unmoved = self._row(name, before, _label(after, rng), words, heard, played, rng)
        if drop:
            unmoved["text"] = with_unknown_words(unmoved["text"], self.denials, rng)
        if drop and rng.random() < DROP_CLOCK:
            unmoved["clock"][:] = -1
        turned = np.concatenate([unmoved["tokens"][:heard], np.resize(self._tokens_of(name, after), played)])
        return unmoved | {"tokens": turned}, unmoved

    def _stay(self, name: str, heard: int, played: int, rng: np.random.Generator) -> dict:
        facts = self.corpus.facts[name]
        sections = self.steady[name]
        section = sections[rng.integers(len(sections))]
        own = rng.random() < OWN_WORDS
        say = short_caption if own or rng.random() < FEW_WORDS else caption
        words = say(facts, sorted(section["layers"]), rng, say_drums=not own)
        row = self._row(name, section, _label(section, rng), words, heard, played, rng)
        if rng.random() < SHIFT_PHRASE:
            row["clock"][:, 1] = (row["clock"][:, 1] + rng.integers(BARS_PER_PHRASE)) % BARS_PER_PHRASE
        if rng.random() < DROP_CLOCK:
            row["clock"][:] = -1
        return row

    def _begin(self, name: str, played: int, rng: np.random.Generator) -> dict:
        facts, sections = self.corpus.facts[name], self.steady[name]
        intro = rng.random() < INTROS
        fitting = [section for section in sections if (section["label"] == "intro") == intro] or sections
        section = fitting[rng.integers(len(fitting))]
        told = facts["sections"] if rng.random() < WHOLE_PIECE else [section]
        layers = sorted({layer for part in told for layer in part["layers"]})
        row = self._row(name, section, section["label"], caption(facts, layers, rng), 0, played, rng)
        return row | {"end": self.frames / FRAME_RATE * 2 ** rng.uniform(-1.5, 1.5)}

    def _row(self, name: str, section: dict, label: str, words: str, heard: int, played: int, rng: np.random.Generator) -> dict:
        """A clip from a section that goes on as it is, from the beginning of a phrase. heard may be 0."""
        facts, clip = self.corpus.facts[name], self._tokens_of(name, section)
        if rng.random() < LOOPED:
            loop = facts["bar_frames"] * int(rng.choice((1, 2, 4)))
            clip = clip[facts["bar_frames"] * int(rng.integers(max(1, (len(clip) - loop) // facts["bar_frames"] + 1))) :][:loop]
        return {
            "text": self.tokenizer.encode(words).ids or [NULL_ID],
            "tokens": np.concatenate([np.tile(clip, -(-heard // len(clip)))[-heard:], np.resize(clip, played)]), "given": heard,
            "section": SECTION_ROWS[label],
            "start": 0.0, "end": played / FRAME_RATE * 2 ** rng.uniform(-0.5, 1.5), "ends": False,
            "clock": clock(Grid(facts["bpm"], facts["beats"]), FRAME_RATE, -heard, heard + played + 1),
        }  # fmt: skip

    def _tokens_of(self, name: str, section: dict) -> np.ndarray:
        return self.tokens[name][section["first_frame"] : section["first_frame"] + section["frames"]]


def _label(section: dict, rng: np.random.Generator) -> str:
    return section["label"] if rng.random() < OWN_LABEL else str(rng.choice(["verse", "chorus"]))


def _steady(sections: list[dict]) -> list[dict]:
    """Of a piece's sections those in which something plays and that lead nowhere."""
    return [section for section in sections if section["layers"] and "build_up" not in section]


def _turns(steady: list[dict]) -> list[tuple[dict, dict]]:
    """Of such sections those that have drums with those that have not, either way round."""
    return [(a, b) for a in steady for b in steady if ("drums" in a["layers"]) != ("drums" in b["layers"])]


def divergence(model: LanguageModel, begun_with: LanguageModel, batch: Batch) -> Tensor:
    """By how many nats a token a model's choices differ from those of the one it began with (Kullback and Leibler's)."""
    with torch.no_grad():
        before = audio_logits(begun_with, batch).log_softmax(-1)
    now = audio_logits(model, batch).log_softmax(-1)
    return (before.exp() * (before - now)).sum(-1)[batch[2] >= 0].mean()


def turning(model: LanguageModel, turned: Batch, unmoved: Batch) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of clips that turn, in nats a token, and how much likelier turning begins than going on unmoved, in
    nats: [B].
    """
    chances = [log_chances(model, batch) for batch in (turned, unmoved)]
    counted = turned[2].to(chances[0].device) >= 0
    begins = counted & (counted.cumsum(1) <= CHOICE)
    turn, go_on = ((chance * begins).sum(1) for chance in chances)
    return -chances[0][counted].mean(), turn - go_on


def train(model: LanguageModel, tokenizer: Tokenizer, corpus: Path, tokens_file: Path, folder: Path, *, minutes: float,
          frames: int = 768, lr: float = 1e-4, seed: int = 0) -> LanguageModel:  # fmt: skip
    """Trains `model` and returns the moving average of its weights. Resumes from `folder`, if that began with the same model.

    A corpus in which drums neither come in nor fall silent teaches nothing; the model stays what it is.
    """
    torch.manual_seed(seed)
    refinement = Refinement(model, folder, minutes=minutes, lr=lr)
    begun_with, average, run = refinement.begun_with, refinement.average, refinement.run
    rng = np.random.default_rng([seed, run.step])
    parts = (dict(np.load(tokens_file)), tokenizer, frames, model.config.stop_token)
    clips, held_out = Clips(Corpus(corpus), *parts), Clips(Corpus(corpus, held_out=True), *parts)
    proof = [held_out.turns(6, np.random.default_rng(i), drop=False) for i in range(8)] if held_out.pairs else []

    def step(run: Run) -> dict[str, float]:
        short = SHORTER[run.step % len(SHORTER)]
        held = divergence(model, begun_with, clips.batch(short, rng, frames=frames // short))
        staying = divergence(model, begun_with, clips.stays(CLIPS, rng))
        beginning = divergence(model, begun_with, clips.begins(BEGINNINGS, rng))
        whole = HELD * held + STAYING * staying + BEGINNING * beginning
        told = {"divergence": held, "staying": staying, "beginning": beginning}
        if clips.pairs:
            turn, margin = turning(model, *clips.turns(CLIPS, rng))
            whole = whole + turn - CHOOSING * F.logsigmoid(SHARPNESS * margin).mean()
            told |= {"loss": turn, "turning": margin.mean()}
        norm = refinement.step(whole)
        return {name: value.item() for name, value in told.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        turns, margins = zip(*(turning(average, *batches) for batches in proof), strict=True)
        return {"held_out": torch.stack(turns).mean().item(), "held_out_turning": torch.cat(margins).mean().item()}

    run.loop(step, evaluate=evaluate if proof else None)
    return average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="the model to begin with")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    checkpoint = load_checkpoint(options.model)
    tokenizer = Tokenizer.from_file(str(checkpoint.directory / "tokenizer.json"))
    train(checkpoint.language_model, tokenizer, options.corpus, options.tokens, options.run, minutes=options.minutes)


if __name__ == "__main__":
    main()
