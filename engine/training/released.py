"""The paper's training stages for a model in InspireMusic's published layout: on from its weights, on a corpus of your own.

`python -m engine.training.released MODEL CORPUS RUNS --minutes 240` runs all four in order, `--stages captions flow` some:

tokenizer  WavTokenizer: spectral reconstruction, commitment, codebook by moving averages, and a spectrogram discriminator
audio      the language model on tokens alone, without conditions
captions   the language model with captions, time spans and section labels
flow       flow matching from tokens to the 48 kHz codec's latents

Adam with the paper's rate, 1e-4, and its 5000 steps of warm-up. A run goes on where it stopped. RUNS/model is MODEL with what was
trained in place of its own, in the same layout. A trained tokenizer gives tokens another meaning: language model and flow must
then be trained on. A full-size model needs a GPU, see the README for what a step takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from engine.api import EngineError, ModelError
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.conditioning.tokenizer import load_text_encoder
from engine.corpus.dataset import Corpus
from engine.models.language_model import LanguageModel
from engine.training import codec, flow_matching
from engine.training.adapted_model import copy_released
from engine.training.command import stage_parser
from engine.training.language_model import loss
from engine.training.loop import Optimizer, Run, best_device
from engine.training.released_examples import ReleasedExamples
from engine.training.tokens import encode_corpus
from engine.training.windows import Batch

STAGES = ("tokenizer", "audio", "captions", "flow")
RATE, WARMUP_STEPS = 1e-4, 5000  # the paper's
ROW_S, CROP_S = 30.0, 2.56  # of audio in a row of the language model, and of the tokenizer and the flow
HELD_OUT_ROWS = 8


def train_released(
    model: str | Path, corpus: Path, runs: Path, stages: Sequence[str] = STAGES, *, minutes: float, batch: int = 4,
    row_s: float = ROW_S, device: torch.device | None = None,
) -> Path:  # fmt: skip
    """`minutes` in equal shares. batch: rows of a step. Returns the trained model's directory. Raises ModelError."""
    checkpoint, each, crop_s = load_checkpoint(model), minutes / len(stages), min(CROP_S, row_s)
    if checkpoint.has_own_words:
        raise ModelError(f"{model} is not in InspireMusic's published layout: its stages are those of python -m engine.training")
    if "flow" in stages and checkpoint.full is None:
        raise ModelError(f"{model} has no flow to train: leave that stage out")
    if "tokenizer" in stages:
        codec.train(
            "wavtokenizer", corpus, runs / "tokenizer", minutes=each, batch=batch, seconds=crop_s, config=checkpoint.config,
            lr=RATE, matrix_lr=RATE, codec=checkpoint.wavtokenizer, adversarial=True, warmup_steps=WARMUP_STEPS, device=device,
        )  # fmt: skip
        checkpoint.wavtokenizer.cpu().eval()
    tokens = _tokens(checkpoint, corpus, runs, trained="tokenizer" in stages)
    for stage in ("audio", "captions"):
        if stage in stages:
            train_language_model(
                checkpoint, corpus, tokens, runs / stage, audio_only=stage == "audio", minutes=each, batch=batch, row_s=row_s,
                device=device,
            )  # fmt: skip
    if "flow" in stages:
        assert checkpoint.full is not None, "it has been looked at"
        trained = flow_matching.train(
            corpus, tokens, checkpoint.full.codec, runs / "flow", minutes=each, batch=batch, lr=RATE, matrix_lr=RATE,
            frames=round(crop_s * checkpoint.config.token_rate), flow=checkpoint.full.flow, warmup_steps=WARMUP_STEPS,
            device=device,
        )  # fmt: skip
        checkpoint.full.flow.load_state_dict(trained.cpu().state_dict())
    return copy_released(runs / "model", checkpoint)


def train_language_model(
    checkpoint: Checkpoint, corpus: Path, tokens_file: Path, folder: Path, *, audio_only: bool, minutes: float, batch: int,
    row_s: float = ROW_S, seed: int = 0, device: torch.device | None = None,
) -> LanguageModel:  # fmt: skip
    """Trains the checkpoint's language model in place. Resumes from `folder`."""
    torch.manual_seed(seed)
    model = checkpoint.language_model.train().requires_grad_(True).to(device or best_device())
    optimizer = Optimizer(model, lr=RATE, matrix_lr=0.0, exclude=(model,))  # Adam for all of it
    run = Run(folder, {"model": model, "optimizer": optimizer}, minutes=minutes, warmup_steps=WARMUP_STEPS)
    rng, frames = np.random.default_rng([seed, run.step]), round(row_s * checkpoint.config.token_rate)
    training, held_out = (_examples(checkpoint, corpus, tokens_file, held_out=held) for held in (False, True))
    drawn = np.random.default_rng(0)
    rows = [held_out.row(frames, drawn, audio_only=audio_only, drop=False) for _ in range(HELD_OUT_ROWS if held_out.names else 0)]

    def step(run: Run) -> dict[str, float]:
        return language_model_step(model, optimizer, lambda: training.row(frames, rng, audio_only=audio_only), batch, run.scale())

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the noise in place of conditions
            return {"held_out": float(np.mean([loss(model, row).item() for row in rows]))}

    run.loop(step, evaluate=evaluate if rows else None)
    return model.cpu().eval()


def language_model_step(
    model: LanguageModel, optimizer: Optimizer, draw: Callable[[], Batch], batch: int, scale: float
) -> dict[str, float]:
    """One optimiser step of `batch` rows, one after the other: memory for the activations of one."""
    total = 0.0
    for number in range(batch):
        value = loss(model, draw()) / batch
        total += value.item()
        if number < batch - 1:
            torch.autograd.backward(value)
    return {"loss": total, "norm": optimizer.step(value, scale)}


def _examples(checkpoint: Checkpoint, corpus: Path, tokens_file: Path, *, held_out: bool) -> ReleasedExamples:
    config, tokens = checkpoint.config, dict(np.load(tokens_file))
    encode = load_text_encoder(checkpoint)
    pieces, stop = Corpus(corpus, held_out=held_out), config.language_model.stop_token
    return ReleasedExamples(pieces, tokens, encode, config.token_rate, stop)


def _tokens(checkpoint: Checkpoint, corpus: Path, runs: Path, *, trained: bool) -> Path:
    """The corpus' tokens, made anew where the tokenizer has just been trained."""
    path = runs / "tokens.npz"
    if trained:
        path.unlink(missing_ok=True)
    runs.mkdir(parents=True, exist_ok=True)
    corpora = [Corpus(corpus), Corpus(corpus, held_out=True)]
    if not corpora[0].names:
        raise EngineError(f"{corpus} is no corpus: it needs pieces to learn from, as p000000.wav and .json")
    encode_corpus(corpora, path, checkpoint.wavtokenizer, checkpoint.hifi_codec)
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser(__doc__, minutes=240, threads=2)
    parser.add_argument("model", help="a model's name or directory, in InspireMusic's published layout")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        stages = [stage for stage in STAGES if stage in options.stages]
        made = train_released(
            options.model, options.corpus, options.runs, stages, minutes=options.minutes, batch=options.batch
        )
    except EngineError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
