"""Fine-tunes a language model on prompts that change what a clip plays: drums come in, or stop.

`python -m engine.training.clip_editing MODEL CORPUS TOKENS RUN --minutes 60`. In the corpus' windows a clip and its caption
always agree, so that a model learns to follow the clip alone. Here a clip continues in two ways. Edited: with another section of
its piece, which begins a phrase and in which drums come in or stop, as the prompt says; given this prompt the edited continuation
becomes likelier than the unchanged one. Unchanged: given a prompt that asks for no change. On unchanged clips, on the corpus'
windows and on openings of sections a divergence penalty keeps the model close to the reference model that training began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.arrays import TokenArray
from engine.corpus.captions import caption, short_caption
from engine.corpus.dataset import Corpus
from engine.corpus.facts import SectionFacts
from engine.corpus.piece import FRAME_RATE
from engine.models.condition import SECTION_ROWS
from engine.models.language_model import LanguageModel
from engine.music.grid import BARS_PER_PHRASE, Grid, clock
from engine.training.command import add_fine_tuning_paths, load_language_model, stage_options, stage_parser
from engine.training.language_model import SHORTER, divergence, log_likelihoods
from engine.training.loop import FineTuning, Run
from engine.training.sketch import SKETCH
from engine.training.windows import DROP_CLOCK, NULL_ID, WHOLE_PIECE, Batch, Example, Windows, collate, with_unknown_words

CLIPS = 4  # edited ones a step, and as many unchanged ones; beside them one window, or more where they are shorter
OPENINGS = 16  # sections that begin without a clip, a step
# Weights of the divergence on windows, on unchanged clips and on openings, and of the preference for the edit. The divergence on
# windows alone kept openings too loosely: they are few of a window's tokens, and intros became as full as choruses.
WINDOW_DIVERGENCE, CLIP_DIVERGENCE, OPENING_DIVERGENCE, PREFERENCE = 2.0, 3.0, 2.0, 0.4
OPENING_TOKENS = 96  # a bar or two: what follows is as full as they are
INTROS = 0.5  # share of openings
PREFERENCE_TOKENS = 48  # from the join on, half a bar to a bar, that decide whether the clip is edited
BETA = 0.05  # of the preference: saturates at about 1 / BETA nats
PREFIX_TOKENS = round(SKETCH.context_s * FRAME_RATE)  # the most of a clip that the model continues
WHOLE_PREFIX = 0.3  # share of steps with as many; the others have fewer
ENTER = 0.6  # share of edits in which drums come in, where a piece has both
SHORT_CAPTIONS = 0.4  # share of captions that say little beside the drums, as prompts for a change do
OWN_CAPTIONS = 0.7  # share of unchanged clips with the caption of a clip without a prompt: its tempo and key
LOOPED = 0.5  # share of clips that repeat one, two or four bars
SHIFT_PHRASE = 0.7  # share of unchanged clips that end anywhere in their phrase
OWN_LABEL = 0.5  # share of clips with the label of the section that follows; the others have that of a verse or chorus


class ClipWindows(Windows):
    """Examples of clips and of what follows them. The clip's own tokens are no targets."""

    def __init__(self, corpus: Corpus, tokens: dict[str, TokenArray], tokenizer: Tokenizer, frames: int, stop: int):
        super().__init__(corpus, tokens, tokenizer, frames, stop)
        steady = {name: _steady(corpus.facts[name]["sections"]) for name in self.names}
        edits = {name: _edits(sections) for name, sections in steady.items()}
        self.steady = {name: sections for name, sections in steady.items() if sections}
        self.pairs = {name: pairs for name, pairs in edits.items() if pairs}
        self.longest_prefix = min(PREFIX_TOKENS, 2 * frames // 3)

    def edits(self, count: int, rng: np.random.Generator, *, drop: bool = True) -> tuple[Batch, Batch]:
        """Clips whose prompts ask for a change, with both continuations: edited as the prompt says, and unchanged."""
        prefix, played = self._lengths(rng)
        names = rng.choice(list(self.pairs), count)
        edited, unchanged = zip(*(self._edit(str(name), prefix, played, rng, drop) for name in names), strict=True)
        return self._collated(edited), self._collated(unchanged)

    def unchanged(self, count: int, rng: np.random.Generator) -> Batch:
        """Clips whose prompts ask for no change, and their continuations."""
        prefix, played = self._lengths(rng)
        names = rng.choice(list(self.steady), count)
        return self._collated([self._unchanged(str(name), prefix, played, rng) for name in names])

    def openings(self, count: int, rng: np.random.Generator) -> Batch:
        """Openings of sections without a clip, intros and others."""
        played = min(OPENING_TOKENS, self.frames)
        return self._collated([self._opening(str(name), played, rng) for name in rng.choice(list(self.steady), count)])

    def _lengths(self, rng: np.random.Generator) -> tuple[int, int]:
        longest, rest = self.longest_prefix, self.frames - self.longest_prefix
        prefix = longest if rng.random() < WHOLE_PREFIX else int(rng.integers(longest // 5, longest + 1))
        return prefix, int(rng.integers(rest // 2, rest + 1))

    def _collated(self, rows: Sequence[Example]) -> Batch:
        return *collate(rows, len(rows[0]["tokens"]), self.stop), torch.zeros(len(rows), dtype=torch.bool)

    def _edit(
        self, name: str, prefix: int, played: int, rng: np.random.Generator, drop: bool
    ) -> tuple[Example, Example]:
        facts, pairs = self.corpus.facts[name], self.pairs[name]
        enter = rng.random() < ENTER
        fitting = [pair for pair in pairs if ("drums" in pair[1]["layers"]) == enter] or pairs
        before, after = fitting[rng.integers(len(fitting))]
        layers = sorted(after["layers"])
        describe = short_caption if rng.random() < SHORT_CAPTIONS else caption
        words = describe(facts, layers, rng, say_drums=True)
        unchanged = self._example(name, before, _label(after, rng), words, prefix, played, rng)
        if drop:
            unchanged["text"] = with_unknown_words(unchanged["text"], self.negations, rng)
        if drop and rng.random() < DROP_CLOCK:
            unchanged["clock"][:] = -1
        tokens = np.concatenate([unchanged["tokens"][:prefix], np.resize(self._tokens_of(name, after), played)])
        edited: Example = {**unchanged, "tokens": tokens}
        return edited, unchanged

    def _unchanged(self, name: str, prefix: int, played: int, rng: np.random.Generator) -> Example:
        facts = self.corpus.facts[name]
        sections = self.steady[name]
        section = sections[rng.integers(len(sections))]
        own = rng.random() < OWN_CAPTIONS
        describe = short_caption if own or rng.random() < SHORT_CAPTIONS else caption
        words = describe(facts, sorted(section["layers"]), rng, say_drums=not own)
        row = self._example(name, section, _label(section, rng), words, prefix, played, rng)
        if rng.random() < SHIFT_PHRASE:
            row["clock"][:, 1] = (row["clock"][:, 1] + rng.integers(BARS_PER_PHRASE)) % BARS_PER_PHRASE
        if rng.random() < DROP_CLOCK:
            row["clock"][:] = -1
        return row

    def _opening(self, name: str, played: int, rng: np.random.Generator) -> Example:
        facts, sections = self.corpus.facts[name], self.steady[name]
        intro = rng.random() < INTROS
        fitting = [section for section in sections if (section["label"] == "intro") == intro] or sections
        section = fitting[rng.integers(len(fitting))]
        described = facts["sections"] if rng.random() < WHOLE_PIECE else [section]
        layers = sorted({layer for part in described for layer in part["layers"]})
        row = self._example(name, section, section["label"], caption(facts, layers, rng), 0, played, rng)
        row["end"] = self.frames / FRAME_RATE * 2 ** rng.uniform(-1.5, 1.5)
        return row

    def _example(
        self, name: str, section: SectionFacts, label: str, words: str, prefix: int, played: int, rng: np.random.Generator
    ) -> Example:
        """A clip of `prefix` tokens from a section and its unchanged continuation, which begins a phrase. prefix may be 0."""
        facts, clip = self.corpus.facts[name], self._tokens_of(name, section)
        if rng.random() < LOOPED:
            loop = facts["bar_frames"] * int(rng.choice((1, 2, 4)))
            clip = clip[facts["bar_frames"] * int(rng.integers(max(1, (len(clip) - loop) // facts["bar_frames"] + 1))) :][:loop]
        before = np.tile(clip, -(-prefix // len(clip)))[-prefix:]
        return {
            "text": self.tokenizer.encode(words).ids or [NULL_ID],
            "tokens": np.concatenate([before, np.resize(clip, played)]), "given": prefix, "section": SECTION_ROWS[label],
            "start": 0.0, "end": played / FRAME_RATE * 2 ** rng.uniform(-0.5, 1.5), "ends": False,
            "clock": clock(Grid(facts["bpm"], facts["beats"]), FRAME_RATE, -prefix, prefix + played + 1),
        }  # fmt: skip

    def _tokens_of(self, name: str, section: SectionFacts) -> TokenArray:
        return self.tokens[name][section["first_frame"] : section["first_frame"] + section["frames"]]


def _label(section: SectionFacts, rng: np.random.Generator) -> str:
    return section["label"] if rng.random() < OWN_LABEL else str(rng.choice(["verse", "chorus"]))


def _steady(sections: list[SectionFacts]) -> list[SectionFacts]:
    """Of a piece's sections those in which something plays and that do not build up."""
    return [section for section in sections if section["layers"] and "build_up" not in section]


def _edits(steady: list[SectionFacts]) -> list[tuple[SectionFacts, SectionFacts]]:
    """(before, after): pairs of such sections of which one has drums and the other has none."""
    return [(a, b) for a in steady for b in steady if ("drums" in a["layers"]) != ("drums" in b["layers"])]


def edit_loss(model: LanguageModel, edited: Batch, unchanged: Batch) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of edited continuations, in nats a token, and the margin by which the first PREFERENCE_TOKENS of
    them are likelier than those of the unchanged ones, in nats: [B].
    """
    likelihoods = [log_likelihoods(model, batch) for batch in (edited, unchanged)]
    counted = edited[2].to(likelihoods[0].device) >= 0
    first = counted & (counted.cumsum(1) <= PREFERENCE_TOKENS)
    chosen, rejected = ((likelihood * first).sum(1) for likelihood in likelihoods)
    return -likelihoods[0][counted].mean(), chosen - rejected


def train(model: LanguageModel, tokenizer: Tokenizer, corpus: Path, tokens_file: Path, folder: Path, *, minutes: float,
          frames: int = 768, lr: float = 1e-4, seed: int = 0) -> LanguageModel:  # fmt: skip
    """Trains `model` and returns the moving average of its weights. Resumes from `folder`, if that began with the same model.

    A corpus in which drums neither come in nor stop has no edits; the model then stays as it is.
    """
    torch.manual_seed(seed)
    tuning = FineTuning(model, folder, minutes=minutes, lr=lr)
    reference, average, run = tuning.reference, tuning.average, tuning.run
    rng = np.random.default_rng([seed, run.step])
    parts = (dict(np.load(tokens_file)), tokenizer, frames, model.config.stop_token)
    clips, held_out = ClipWindows(Corpus(corpus), *parts), ClipWindows(Corpus(corpus, held_out=True), *parts)
    validation = [held_out.edits(6, np.random.default_rng(i), drop=False) for i in range(8)] if held_out.pairs else []

    def step(run: Run) -> dict[str, float]:
        short = SHORTER[run.step % len(SHORTER)]
        on_windows = divergence(model, reference, clips.batch(short, rng, frames=frames // short))
        on_clips = divergence(model, reference, clips.unchanged(CLIPS, rng))
        on_openings = divergence(model, reference, clips.openings(OPENINGS, rng))
        total = WINDOW_DIVERGENCE * on_windows + CLIP_DIVERGENCE * on_clips + OPENING_DIVERGENCE * on_openings
        logged = {"window_divergence": on_windows, "clip_divergence": on_clips, "opening_divergence": on_openings}
        if clips.pairs:
            edit, margin = edit_loss(model, *clips.edits(CLIPS, rng))
            total = total + edit - PREFERENCE * F.logsigmoid(BETA * margin).mean()
            logged |= {"loss": edit, "margin": margin.mean()}
        norm = tuning.step(total)
        return {name: value.item() for name, value in logged.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        losses, margins = zip(*(edit_loss(average, *batches) for batches in validation), strict=True)
        return {"held_out": torch.stack(losses).mean().item(), "held_out_margin": torch.cat(margins).mean().item()}

    run.loop(step, evaluate=evaluate if validation else None)
    return average


def main() -> None:
    parser = stage_parser(__doc__, minutes=60, threads=2)
    parser.add_argument("model", help="the model to begin with")
    add_fine_tuning_paths(parser)
    options = stage_options(parser)
    train(*load_language_model(options.model), options.corpus, options.tokens, options.run, minutes=options.minutes)


if __name__ == "__main__":
    main()
