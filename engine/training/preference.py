"""Teaches a language model to prefer those of its own takes that did what was asked: direct preference optimisation.

`python -m engine.training.preference MODEL TAKES CORPUS TOKENS RUN --minutes 20`, with the takes of `engine.training.takes`. Of
two takes of one wish the one with more points shall become likelier, the other less likely, against the model that
they began with (Rafailov et al., arXiv 2305.18290); beside it, as an anchor, goes on what the model was trained on before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.dataset import Corpus
from engine.models.language_model import LanguageModel
from engine.training.language_model import Windows, collate, log_chances, loss
from engine.training.loop import Refinement, Run
from engine.training.takes import Takes

BETA = 0.1  # how dear it is to leave the model begun with: the paper's
PAIRS, ANCHORS = 2, 2  # in a step
ANCHOR_FRAMES = 512
HELD_OUT_EVERY = 10  # of the files of takes, one is not learnt from
PROOF_PAIRS = 120  # of those, at most

Pair = tuple[dict, dict]  # rows for `collate`, the better one first


def read_pairs(paths: Iterable[Path], rng: np.random.Generator) -> tuple[list[Pair], np.ndarray]:
    """Of each file the best take with the worst, the second best with the second worst and so on, while points differ.

    And by how many points each pair does: [pairs].
    """
    pairs, gains = [], []
    for path in paths:
        takes = Takes.load(path)
        order = np.lexsort((rng.random(len(takes.points)), -takes.points))
        for better, worse in zip(order, order[::-1], strict=True):
            if takes.points[better] <= takes.points[worse]:
                break
            pairs.append((_row(takes, better), _row(takes, worse)))
            gains.append(takes.points[better] - takes.points[worse])
    return pairs, np.array(gains)


def _row(takes: Takes, number: int) -> dict:
    return {
        "text": takes.text.tolist(), "tokens": np.concatenate([takes.heard, takes.tokens[number]]), "section": takes.section,
        "start": 0.0, "end": takes.end_s, "ends": False, "clock": takes.clock,
    }  # fmt: skip


def _lasting(clock: np.ndarray, frames: int) -> np.ndarray:
    """Takes of different lengths stand side by side: there is no time where nothing is played."""
    return np.pad(clock, ((0, frames - len(clock)), (0, 0)), constant_values=-1)


def preferred(model: LanguageModel, begun_with: LanguageModel, pairs: list[Pair]) -> Tensor:
    """By how many nats the model has come to prefer the better take of each pair: [pairs]."""
    rows = [better for better, _ in pairs] + [worse for _, worse in pairs]
    frames = max(len(row["tokens"]) for row in rows)
    parts = collate([row | {"clock": _lasting(row["clock"], frames + 1)} for row in rows], frames, model.config.stop_token)
    batch = (*parts, torch.zeros(len(rows), dtype=torch.bool))
    with torch.no_grad():
        before = log_chances(begun_with, batch).sum(1)
    # What two rows go on from alike adds alike to both.
    better, worse = (log_chances(model, batch).sum(1) - before).chunk(2)
    return better - worse


def train(model: LanguageModel, tokenizer: Tokenizer, takes: Path, corpus: Path, tokens_file: Path, folder: Path, *,
          minutes: float, lr: float = 3e-5, seed: int = 0) -> LanguageModel:  # fmt: skip
    """Trains `model` and returns the moving average of its weights. Resumes from `folder`, if that began with the same model.

    Takes that are all equally good teach nothing: it then goes on learning from the corpus alone.
    """
    torch.manual_seed(seed)
    refinement = Refinement(model, folder, minutes=minutes, lr=lr)
    begun_with, average, run = refinement.begun_with, refinement.average, refinement.run
    rng = np.random.default_rng([seed, run.step])
    paths = sorted(takes.glob("*.npz"))
    proof, _ = read_pairs(paths[::HELD_OUT_EVERY], np.random.default_rng(0))
    proof = proof[:: 1 + len(proof) // PROOF_PAIRS]
    pairs, gains = read_pairs((path for n, path in enumerate(paths) if n % HELD_OUT_EVERY), np.random.default_rng(seed))
    windows = Windows(Corpus(corpus), dict(np.load(tokens_file)), tokenizer, ANCHOR_FRAMES, model.config.stop_token)

    def step(run: Run) -> dict[str, float]:
        anchor = loss(model, windows.batch(ANCHORS, rng))
        whole, told = anchor, {"anchor": anchor}
        if pairs:
            # One point may be chance; the more points lie between two takes, the more there is to learn from them.
            chosen = [pairs[i] for i in rng.choice(len(pairs), min(PAIRS, len(pairs)), replace=False, p=gains / gains.sum())]
            margin = preferred(model, begun_with, chosen)
            preference = -F.logsigmoid(BETA * margin).mean()
            whole = preference + anchor
            told |= {"preference": preference, "preferred": (margin > 0).float().mean()}
        norm = refinement.step(whole)
        return {name: value.item() for name, value in told.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        margins = torch.cat([preferred(average, begun_with, proof[i : i + PAIRS]) for i in range(0, len(proof), PAIRS)])
        told = {"held_out": -F.logsigmoid(BETA * margins).mean(), "held_out_preferred": (margins > 0).float().mean()}
        return {name: value.item() for name, value in told.items()}

    run.loop(step, evaluate=evaluate if proof else None)
    return average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="the model to begin with, which played the takes")
    parser.add_argument("takes", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    checkpoint = load_checkpoint(options.model)
    tokenizer = Tokenizer.from_file(str(checkpoint.directory / "tokenizer.json"))
    train(checkpoint.language_model, tokenizer, options.takes, options.corpus, options.tokens, options.run,
          minutes=options.minutes)  # fmt: skip


if __name__ == "__main__":
    main()
