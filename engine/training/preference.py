"""Direct preference optimisation of a language model on pairs of its own candidates (Rafailov et al., arXiv 2305.18290).

`python -m engine.training.preference MODEL CANDIDATES CORPUS TOKENS RUN --minutes 20`, with the candidates of
`engine.training.candidates`. Of two candidates of one prompt the one with the higher reward becomes likelier and the other less
likely, against the reference model that training began with. The loss on the corpus is added as an anchor.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from engine.arrays import FloatArray
from engine.corpus.dataset import Corpus
from engine.models.language_model import LanguageModel
from engine.training.candidates import Candidates
from engine.training.command import add_fine_tuning_paths, load_language_model, stage_options, stage_parser
from engine.training.language_model import log_likelihoods, loss
from engine.training.loop import FineTuning, Run
from engine.training.windows import Example, Windows, collate

BETA = 0.1  # strength of the constraint to the reference model, as in the paper
PAIRS, ANCHORS = 2, 2  # in a step
ANCHOR_FRAMES = 512
HELD_OUT_EVERY = 10  # of the files of candidates, one is not learnt from
VALIDATION_PAIRS = 120  # of those, at most

Pair = tuple[Example, Example]  # the chosen candidate, then the rejected one


def read_pairs(paths: Iterable[Path], rng: np.random.Generator) -> tuple[list[Pair], FloatArray]:
    """Of each file the best candidate with the worst, the second best with the second worst and so on, while rewards differ.

    And the differences of their rewards: [pairs].
    """
    pairs, margins = [], []
    for path in paths:
        candidates = Candidates.load(path)
        rewards = candidates.rewards
        order = np.lexsort((rng.random(len(rewards)), -rewards))
        for chosen, rejected in zip(order, order[::-1], strict=True):
            if rewards[chosen] <= rewards[rejected]:
                break
            pairs.append((_example(candidates, chosen), _example(candidates, rejected)))
            margins.append(rewards[chosen] - rewards[rejected])
    return pairs, np.array(margins)


def _example(candidates: Candidates, number: int) -> Example:
    return {
        "text": candidates.text.tolist(), "tokens": np.concatenate([candidates.prefix, candidates.tokens[number]]),
        "section": candidates.section, "start": 0.0, "end": candidates.end_s, "ends": False, "clock": candidates.clock,
    }  # fmt: skip


def _padded(clock: NDArray[np.int64], frames: int) -> NDArray[np.int64]:
    """Candidates of different lengths share a batch: there is no musical time where nothing is played."""
    return np.pad(clock, ((0, frames - len(clock)), (0, 0)), constant_values=-1)


def reward_margin(model: LanguageModel, reference: LanguageModel, pairs: list[Pair]) -> Tensor:
    """By how many nats the model prefers the chosen candidate of each pair more than the reference model does: [pairs]."""
    rows = [chosen for chosen, _ in pairs] + [rejected for _, rejected in pairs]
    frames = max(len(row["tokens"]) for row in rows)
    padded: list[Example] = [{**row, "clock": _padded(row["clock"], frames + 1)} for row in rows]
    parts = collate(padded, frames, model.config.stop_token)
    batch = (*parts, torch.zeros(len(rows), dtype=torch.bool))
    with torch.no_grad():
        before = log_likelihoods(reference, batch).sum(1)
    # A prefix that both share adds the same to both.
    chosen, rejected = (log_likelihoods(model, batch).sum(1) - before).chunk(2)
    return chosen - rejected


def train(model: LanguageModel, tokenizer: Tokenizer, candidates: Path, corpus: Path, tokens_file: Path, folder: Path, *,
          minutes: float, lr: float = 3e-5, seed: int = 0) -> LanguageModel:  # fmt: skip
    """Trains `model` and returns the moving average of its weights. Resumes from `folder`, if that began with the same model.

    Candidates with equal rewards make no pairs: it then learns from the corpus alone.
    """
    torch.manual_seed(seed)
    tuning = FineTuning(model, folder, minutes=minutes, lr=lr)
    reference, average, run = tuning.reference, tuning.average, tuning.run
    rng = np.random.default_rng([seed, run.step])
    paths = sorted(candidates.glob("*.npz"))
    validation, _ = read_pairs(paths[::HELD_OUT_EVERY], np.random.default_rng(0))
    validation = validation[:: 1 + len(validation) // VALIDATION_PAIRS]
    pairs, margins = read_pairs((path for n, path in enumerate(paths) if n % HELD_OUT_EVERY), np.random.default_rng(seed))
    windows = Windows(Corpus(corpus), dict(np.load(tokens_file)), tokenizer, ANCHOR_FRAMES, model.config.stop_token)

    def step(run: Run) -> dict[str, float]:
        anchor = loss(model, windows.batch(ANCHORS, rng))
        total, logged = anchor, {"anchor": anchor}
        if pairs:
            # A difference of 1 may be chance: pairs with a larger one are drawn more often.
            drawn = rng.choice(len(pairs), min(PAIRS, len(pairs)), replace=False, p=margins / margins.sum())
            margin = reward_margin(model, reference, [pairs[i] for i in drawn])
            preference = -F.logsigmoid(BETA * margin).mean()
            total = preference + anchor
            logged |= {"preference": preference, "preferred": (margin > 0).float().mean()}
        norm = tuning.step(total)
        return {name: value.item() for name, value in logged.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        batches = [validation[i : i + PAIRS] for i in range(0, len(validation), PAIRS)]
        margin = torch.cat([reward_margin(average, reference, batch) for batch in batches])
        logged = {"held_out": -F.logsigmoid(BETA * margin).mean(), "held_out_preferred": (margin > 0).float().mean()}
        return {name: value.item() for name, value in logged.items()}

    run.loop(step, evaluate=evaluate if validation else None)
    return average


def main() -> None:
    parser = stage_parser(__doc__, minutes=20, threads=2)
    parser.add_argument("model", help="the model to begin with, which the candidates are of")
    parser.add_argument("candidates", type=Path)
    add_fine_tuning_paths(parser)
    options = stage_options(parser)
    train(*load_language_model(options.model), options.candidates, options.corpus, options.tokens, options.run,
          minutes=options.minutes)  # fmt: skip


if __name__ == "__main__":
    main()
