"""Trains the language model on a corpus' tokens and captions.

`python -m engine.training.language_model CORPUS TOKENS TOKENIZER RUN --minutes 90`. Examples are those of
`engine.training.windows`. `--begin sketch` trains a model's network further, on tokens of its own codec, at a
third of the rates and with conditions from the first step; the result is the moment with the least held-out loss.
`--keep CORPUS TOKENS` are pieces on which it shall stay as it is: there the loss is its divergence from the model it began as.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.config import LanguageModelConfig
from engine.corpus.dataset import Corpus
from engine.models.condition import Condition
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import build_language_model
from engine.training.command import load_language_model, stage_options, stage_parser
from engine.training.induction_heads import initialize_induction_heads
from engine.training.loop import Best, Optimizer, Run, Stateful, best_device, update_average
from engine.training.sketch import SKETCH
from engine.training.windows import Batch, Windows, without_conditions

# The paper's stages in small: audio first, then captions. So long into a run, in minutes and as a share of it, no window has any
# condition but musical time.
AUDIO_FIRST_MINUTES, AUDIO_FIRST = 15.0, 0.2
# So many windows, each so many times shorter, in turn: words matter most to the first bars, and long windows hold few of those.
SHORTER = (1, 4, 16)
FURTHER = 0.3  # of the rates, where a trained model is trained further
KEPT, KEPT_ROWS = 3.0, 1  # weight of the divergence on what is kept, and the longest windows of it a step


def loss(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Mean cross-entropy in nats a token. dtype: of what is multiplied."""
    logits = audio_logits(model, batch, dtype)
    return F.cross_entropy(logits.flatten(0, 1), batch[2].to(logits.device).flatten(), ignore_index=-100)


def log_likelihoods(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """How likely each target is, in nats; 0 for what is not counted: [B, W + 1]"""
    logits = audio_logits(model, batch, dtype)
    return -F.cross_entropy(logits.transpose(1, 2), batch[2].to(logits.device), reduction="none", ignore_index=-100)


def audio_logits(model: LanguageModel, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Of each token of a batch and of what follows: float32 [B, W + 1, V]"""
    condition, tokens, _, negative = batch
    device = model.llm_decoder.weight.device
    condition = Condition(**{name: column.to(device) for name, column in vars(condition).items() if column is not None})
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        noise = model.negative_branch.draw(condition, model.config.hidden_size, None)  # None for `sketch`, which draws none
        inputs = model.embed_condition(condition, tokens.to(device), negative=negative.to(device), noise=noise)
        logits: Tensor = model(inputs)[:, -tokens.shape[1] - 1 :].float()
        return logits


def divergence(model: LanguageModel, reference: LanguageModel, batch: Batch) -> Tensor:
    """Kullback-Leibler divergence of the model's distribution from the reference model's, in nats a token."""
    with torch.no_grad():
        before = audio_logits(reference, batch).log_softmax(-1)
    now = audio_logits(model, batch).log_softmax(-1)
    return (before.exp() * (before - now)).sum(-1)[batch[2] >= 0].mean()


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
          seed: int = 0, device: torch.device | None = None, begin: LanguageModel | None = None,
          keep: tuple[Path, Path] | None = None) -> LanguageModel:  # fmt: skip
    """Trains and returns the moving average of the weights. Resumes from `folder`.

    begin: a trained model to train further, in place of random weights of `config`; it is left as it is, and of the average's
    saves that with the least held-out loss is returned. keep: a corpus and its tokens, on which the model stays as it began.
    """
    torch.manual_seed(seed)
    if begin is None:
        model = build_language_model(config)
        smooth_numbers(model, tokenizer)
        initialize_induction_heads(model, torch.Generator().manual_seed(seed))
    else:
        model, lr, matrix_lr = copy.deepcopy(begin).float().requires_grad_(True), FURTHER * lr, FURTHER * matrix_lr
    model.to(device or best_device())
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = Optimizer(model, lr=lr, matrix_lr=matrix_lr, weight_decay=0.1, exclude=(model.llm_decoder,))
    reference = None if begin is None or keep is None else copy.deepcopy(average)
    best = Best(average)
    parts: dict[str, Stateful] = {"model": model, "average": average, "optimizer": optimizer}
    if begin is not None:
        parts["best"] = best
    run = Run(folder, parts, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    stop = model.config.stop_token
    audio_first_s = 0.0 if begin is not None else 60 * min(AUDIO_FIRST_MINUTES, AUDIO_FIRST * minutes)

    def windows(held_out: bool, corpus: Path = corpus, tokens_file: Path = tokens_file) -> Windows:
        return Windows(Corpus(corpus, held_out=held_out), dict(np.load(tokens_file)), tokenizer, frames, stop)

    training, held_out = windows(False), windows(True)
    kept = None if keep is None else windows(False, *keep)
    validation = [held_out.batch(8, np.random.default_rng(i), drop=False) for i in range(4)] if held_out.names else []

    def step(run: Run) -> dict[str, float]:
        nonlocal training
        if run.step % 200 == 199:
            training = windows(False)  # the corpus may have grown
        short = SHORTER[run.step % len(SHORTER)]
        examples = training.batch(short * batch, rng, frames=frames // short)
        if run.elapsed < audio_first_s:
            examples = without_conditions(examples)
        total = value = loss(model, examples)
        logged = {"tokens": float((examples[2] >= 0).sum())}
        if reference is not None and kept is not None:
            on_kept = divergence(model, reference, kept.batch(short * KEPT_ROWS, rng, frames=frames // short))
            total, logged["divergence"] = value + KEPT * on_kept, on_kept.item()
        norm = optimizer.step(total, run.scale())
        update_average(average, model, run.step)
        return {"loss": value.item(), "norm": norm} | logged

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        value = float(np.mean([loss(average, b).item() for b in validation]))
        best.offer(value)
        return {"held_out": value}

    run.loop(step, evaluate=evaluate if validation else None)
    if begin is not None and validation:
        average.load_state_dict(best.weights)
    return average


def main() -> None:
    parser = stage_parser(__doc__, minutes=90, threads=2)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--begin", metavar="MODEL", help="train this model's further; TOKENIZER must be its own")
    parser.add_argument("--keep", nargs=2, type=Path, metavar=("CORPUS", "TOKENS"), help="pieces on which that stays as it is")
    options = stage_options(parser)
    if options.keep and not options.begin:
        parser.error("--keep needs --begin: the model that stays as it is there")
    begin = load_language_model(options.begin)[0] if options.begin else None
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    train(options.corpus, options.tokens, tokenizer, options.run, minutes=options.minutes, begin=begin,
          keep=options.keep and tuple(options.keep))  # fmt: skip


if __name__ == "__main__":
    main()
