"""Tokens a second under guidance, ours beside transformers: python -m tests.benchmarks.bench_language_model

Same seeded weights, same 5 s prompt, same dtype, two rows, a few tokens. Lines:
`….step`       transformers' Qwen2Model with its dynamic cache and our head: the best a plain loop does.
`….reference`  as InspireMusic drives it: the causal model with its text head and all hidden states kept.
`….prefill`    seconds until the first logits.
`….as_played`  a small model in float32 and plain layout, as `engine.acceleration` has it on a CPU, beside bfloat16 in oneDNN's
layout, as it has a large one where bfloat16 pays.
In float32 both must choose the same tokens, or the comparison means nothing. Times are medians, ours and theirs in turn.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from unittest import mock

import torch
from torch import Tensor
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM

from engine.config import LanguageModelConfig
from engine.models import packed, sampling
from engine.models.condition import Condition
from engine.models.generation import Decoder
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import build_language_model
from engine.training.sketch import SKETCH
from tests.benchmarks.report import report

SIZES = {"sketch": SKETCH.language_model, "0.5B": LanguageModelConfig(negative="null")}
TOKENS = {"sketch": 60, "0.5B": 6}
PROMPT_FRAMES = 375
GUIDANCE = 3.0


def main() -> None:
    for size, config in SIZES.items():
        torch.manual_seed(0)
        model = build_language_model(config).eval()
        for dtype in (torch.float32, torch.bfloat16):
            bench(f"language_model.{size}.{str(dtype).removeprefix('torch.')}", model, dtype, TOKENS[size])
        if size == "sketch":
            bench_as_played(f"language_model.{size}.as_played", model, TOKENS[size])


@torch.inference_mode()
def bench(name: str, model: LanguageModel, dtype: torch.dtype, count: int) -> None:
    condition, prompt = asked_of(model)
    rows = torch.cat([model.embed_condition(condition, prompt, torch.tensor([negative])) for negative in (False, True)]).to(dtype)
    decoder, qwen2 = Decoder(model, dtype), as_transformers(model, dtype)
    speech, head = model.speech_embedding.weight.to(dtype), model.llm_decoder.weight.to(dtype)

    def theirs(forward: Callable) -> Iterator[Tensor]:
        cache, embeds = DynamicCache(), rows
        while True:
            hidden = forward(inputs_embeds=embeds, past_key_values=cache, use_cache=True)[:, -1]
            yield (token := sampling.guide(*(hidden @ head.T).float().chunk(2), GUIDANCE).argmax(-1))
            embeds = speech[token][:, None].repeat(2, 1, 1)

    def backbone_only(**inputs) -> Tensor:
        return qwen2.model(**inputs).last_hidden_state

    def with_text_head(**inputs) -> Tensor:
        return qwen2(**inputs, output_hidden_states=True).hidden_states[-1]

    runs = timed([ours(decoder, condition, prompt, count), theirs(backbone_only), theirs(with_text_head)], count)
    if dtype == torch.float32:
        assert runs[0].tokens == runs[1].tokens == runs[2].tokens, f"{name}: different tokens"
    for label, run in zip(("step", "reference"), runs[1:], strict=True):
        report(f"{name}.{label}", 1 / runs[0].step_s, "tokens/s", 1 / run.step_s, run.step_s / runs[0].step_s)
    report(f"{name}.prefill", runs[0].prefill_s, "s", runs[1].prefill_s, runs[1].prefill_s / runs[0].prefill_s)


@torch.inference_mode()
def bench_as_played(name: str, model: LanguageModel, count: int) -> None:
    plain = Decoder(model, torch.float32)
    with mock.patch.object(packed, "BLOCKED_WEIGHTS", 0):
        narrow = Decoder(model, torch.bfloat16)
    first, second = timed([ours(decoder, *asked_of(model), count) for decoder in (plain, narrow)], count)
    report(name, 1 / first.step_s, "tokens/s", 1 / second.step_s, second.step_s / first.step_s)


def asked_of(model: LanguageModel) -> tuple[Condition, Tensor]:
    condition = Condition(
        torch.randint(0, 500, (1, 16)), torch.zeros(1, 1), torch.full((1, 1), 30.0), torch.ones(1, 1, dtype=torch.long)
    )
    return condition, torch.randint(0, model.config.audio_vocab_size, (1, PROMPT_FRAMES))


def ours(decoder: Decoder, condition: Condition, prompt: Tensor, count: int) -> Iterator[Tensor]:
    generation = decoder.start(condition, audio_prompt=prompt, max_tokens=count, guidance=GUIDANCE)
    while True:
        yield (token := generation.logits.argmax(-1))
        generation.step(token)


class Run:
    """The tokens of one loop and how long each took; the first includes the prompt."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.times: list[float] = []

    @property
    def prefill_s(self) -> float:
        return self.times[0]

    @property
    def step_s(self) -> float:
        return statistics.median(self.times[2:])  # the second warms up


def timed(loops: list[Iterator[Tensor]], count: int) -> list[Run]:
    """Draws `count` tokens from each, in turn, so that a busy moment of the machine hits all of them."""
    runs = [Run() for _ in loops]
    for _ in range(count):
        for loop, run in zip(loops, runs, strict=True):
            before = time.perf_counter()
            run.tokens.append(int(next(loop)))
            run.times.append(time.perf_counter() - before)
    return runs


def as_transformers(model: LanguageModel, dtype: torch.dtype) -> Qwen2ForCausalLM:
    config = model.config
    with torch.device("meta"):
        other = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=config.text_vocab_size,
                hidden_size=config.hidden_size,
                intermediate_size=config.intermediate_size,
                num_hidden_layers=config.num_hidden_layers,
                num_attention_heads=config.num_attention_heads,
                num_key_value_heads=config.num_key_value_heads,
                rms_norm_eps=config.rms_norm_eps,
                rope_theta=config.rope_theta,
                tie_word_embeddings=True,
            )
        )
    weights = {f"model.{key}": value.to(dtype) for key, value in model.backbone.state_dict().items()}
    weights["model.embed_tokens.weight"] = weights["lm_head.weight"] = model.text_embedding.weight.detach().to(dtype)
    other.load_state_dict(weights, assign=True)
    other.model.rotary_emb = type(other.model.rotary_emb)(other.config)  # its table of frequencies is no weight
    return other.eval()


if __name__ == "__main__":
    main()
