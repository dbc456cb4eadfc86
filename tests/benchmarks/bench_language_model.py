"""Tokens a second under guidance, ours beside transformers: python -m tests.benchmarks.bench_language_model [--sizes sketch,0.5B]

Same seeded weights, same 5 s prompt, two rows, a few tokens; transformers always in the same dtype, or in float32. Of each size
`float32` and `bfloat16` as torch runs it packed, `compiled` in float32 and `int8` as ONNX Runtime does; of `sketch`, its weights
rounded as its own are on disk, `eight_bits` as it is played, steps by numba. 1.5B takes 17 GB. Lines:
`….threads`    of our steps and of transformers'.
`….step`       transformers' Qwen2Model with its dynamic cache and our head: the best a plain loop does.
`….reference`  as InspireMusic drives it: the causal model with its text head and all hidden states kept.
`….prefill`    seconds until the first logits.
`….cpu`        each once more in seconds of work, of all threads, which other programs' load changes less.
`….as_played`  a small model in float32 and plain layout, as `engine.acceleration` has it on a CPU, beside bfloat16 in oneDNN's
layout, as it has a large one where bfloat16 pays.
`….takes`      tokens a second of one step for four variations beside four times one's.
`….int8.same`  of so many tokens the likeliest is float32's, as a share; bfloat16's as baseline.
`….int8.nats`  by how much the distributions sampled from differ from float32's (KL, mean), bfloat16's as baseline: both round.
In float32 both must choose the same tokens, or the comparison means nothing. Times are medians, ours and theirs in turn: at 0.5B
token by token; of `sketch` ten tokens each, as its weights stay in the processor's caches where nothing else comes between.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM

from engine.acceleration.compiled import CompiledNetwork, compile_network
from engine.config import LanguageModelConfig
from engine.models import packed, sampling
from engine.models.condition import Condition
from engine.models.generation import Decoder, Generation
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import build_language_model
from engine.training.sketch import SKETCH
from tests.benchmarks.report import report
from tests.engine.models.small_language_model import round_to_eight_bits

LARGE = LanguageModelConfig(
    hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12, num_key_value_heads=2, negative="null"
)
SIZES = {"sketch": SKETCH.language_model, "0.5B": LanguageModelConfig(negative="null"), "1.5B": LARGE}
TOKENS = {"sketch": 60, "0.5B": 6, "1.5B": 5}
PROMPT_FRAMES = 375
GUIDANCE = 3.0
TAKES = 4
AT_ONCE = 10


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="sketch,0.5B", help=f"of {', '.join(SIZES)}, with commas between")
    for size in parser.parse_args(arguments).sizes.split(","):
        torch.manual_seed(0)
        small, model = size == "sketch", build_language_model(SIZES[size]).eval()
        threads = 1 if small else torch.get_num_threads()
        report(f"language_model.{size}.threads", threads, "threads", torch.get_num_threads())
        if small:
            round_to_eight_bits(model)
        ours = {
            "float32": Decoder(model, torch.float32),
            "int8": Decoder(model, network=CompiledNetwork(model, threads=threads, eight_bits=True)),
        }
        if size != "1.5B":  # it would take 12 GB more
            narrow = {"packed": Decoder(model, torch.bfloat16)}
            bench(f"language_model.{size}.bfloat16", model, torch.bfloat16, narrow, TOKENS[size])
            ours["compiled"] = Decoder(model, network=CompiledNetwork(model, threads=threads))
        if small:
            network = compile_network(model, threads=threads, eight_bits=False)
            assert network is not None and network.description == "numba in float32"
            ours["eight_bits"] = Decoder(model, network=network)
        bench(f"language_model.{size}", model, torch.float32, ours, TOKENS[size])
        bench_takes(f"language_model.{size}", model, ours, TOKENS[size])
        bench_quality(f"language_model.{size}", model, ours, TOKENS[size])
        if small:
            bench_as_played(f"language_model.{size}.as_played", model, TOKENS[size])


@torch.inference_mode()
def bench(name: str, model: LanguageModel, dtype: torch.dtype, decoders: dict[str, Decoder], count: int) -> None:
    condition, prompt = asked_of(model)
    qwen2 = as_transformers(model, dtype)

    def theirs(forward: Callable[..., Tensor]) -> Iterator[Tensor]:
        return reference_loop(model, forward, condition, prompt, dtype)

    def backbone_only(**inputs: Any) -> Tensor:
        last: Tensor = qwen2.model(**inputs).last_hidden_state
        return last

    def with_text_head(**inputs: Any) -> Tensor:
        last: Tensor = qwen2(**inputs, output_hidden_states=True).hidden_states[-1]
        return last

    loops = [ours(decoder, condition, prompt, count) for decoder in decoders.values()]
    plain, reference, *runs = timed([theirs(backbone_only), theirs(with_text_head), *loops], count)
    for label, run in zip(decoders, runs, strict=True):
        own = f"{name}.{label}"
        if dtype == torch.float32 and label != "int8":
            assert run.tokens == plain.tokens == reference.tokens, f"{own}: different tokens"
        for which, other in (("step", plain), ("reference", reference)):
            report(f"{own}.{which}", 1 / run.step_s, "tokens/s", 1 / other.step_s, other.step_s / run.step_s)
            report(f"{own}.{which}.cpu", 1 / run.step_cpu_s, "tokens/s", 1 / other.step_cpu_s, other.step_cpu_s / run.step_cpu_s)
        report(f"{own}.prefill", run.prefill_s, "s", plain.prefill_s, plain.prefill_s / run.prefill_s)
        report(f"{own}.prefill.cpu", run.cpu[0], "s", plain.cpu[0], plain.cpu[0] / run.cpu[0])


def reference_loop(
    model: LanguageModel, forward: Callable[..., Tensor], condition: Condition, prompt: Tensor, dtype: torch.dtype
) -> Iterator[Tensor]:
    """Tokens as a plain loop draws them. forward: of transformers, embeddings and a cache to the last hidden states."""
    noise = torch.randn(1, 3, model.config.hidden_size) if model.config.negative == "noise" else None
    branches = [(torch.tensor([negative]), noise) for negative in (False, True)]
    rows = torch.cat([model.embed_condition(condition, prompt, *branch) for branch in branches]).to(dtype)
    speech, head = model.speech_embedding.weight.to(dtype), model.llm_decoder.weight.to(dtype)
    cache, embeds = DynamicCache(), rows
    while True:
        hidden = forward(inputs_embeds=embeds, past_key_values=cache, use_cache=True)[:, -1]
        conditional, negative = (hidden @ head.T).float().chunk(2)
        yield (token := sampling.guide(conditional, negative, GUIDANCE).argmax(-1))
        embeds = speech[token][:, None].repeat(2, 1, 1)


@torch.inference_mode()
def bench_takes(name: str, model: LanguageModel, decoders: dict[str, Decoder], count: int) -> None:
    condition, prompt = asked_of(model)
    for label, decoder in decoders.items():
        alone, together = timed([takes(decoder, condition, prompt, count, rows) for rows in (1, TAKES)], count)
        for suffix, one, four in (("", alone.step_s, together.step_s), (".cpu", alone.step_cpu_s, together.step_cpu_s)):
            report(f"{name}.{label}.takes{suffix}", TAKES / four, "tokens/s", 1 / one, TAKES * one / four)


@torch.inference_mode()
def bench_quality(name: str, model: LanguageModel, decoders: dict[str, Decoder], count: int) -> None:
    """Teacher forced with float32's tokens."""
    condition, prompt = asked_of(model)
    others = {"int8": decoders["int8"], "bfloat16": Decoder(model, torch.bfloat16)}
    exact, *rounded = (
        decoder.start(condition, audio_prompt=prompt, max_tokens=count, guidance=GUIDANCE)
        for decoder in (decoders["float32"], *others.values())
    )
    apart: list[list[float]] = [[] for _ in rounded]
    alike: list[list[bool]] = [[] for _ in rounded]
    token = None
    for _ in range(count):
        expected = exact.step(token).log_softmax(-1)
        for column, same, generation in zip(apart, alike, rounded, strict=True):
            found = generation.step(token).log_softmax(-1)
            column.append(float((expected.exp() * (expected - found)).sum()))
            same.append(bool(found.argmax() == expected.argmax()))
        token = expected.argmax(-1)
    ours, theirs = (statistics.mean(column) for column in apart)
    report(f"{name}.int8.nats", ours, "nats", theirs, theirs / ours)
    report(f"{name}.int8.same", statistics.mean(alike[0]), "share", statistics.mean(alike[1]))


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


def takes(decoder: Decoder, condition: Condition, prompt: Tensor, count: int, number: int) -> Iterator[Tensor]:
    alone = decoder.start(condition, audio_prompt=prompt, max_tokens=count, guidance=GUIDANCE)
    generation = Generation.together([alone] * number)
    while True:
        token = generation.logits.argmax(-1)
        yield token[:1]
        generation.step(token)


class Run:
    """The tokens of one loop and how long each took; the first includes the prompt."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.times: list[float] = []
        self.cpu: list[float] = []

    @property
    def prefill_s(self) -> float:
        return self.times[0]

    @property
    def step_s(self) -> float:
        return statistics.median(self.times[2:])  # the second warms up

    @property
    def step_cpu_s(self) -> float:
        return statistics.median(self.cpu[2:])


def timed(loops: list[Iterator[Tensor]], count: int) -> list[Run]:
    """Draws `count` tokens from each, in turn, so that a busy moment of the machine hits all of them. Many: some at a time."""
    runs, at_once = [Run() for _ in loops], AT_ONCE if count >= 2 * AT_ONCE else 1
    for begun in range(0, count, at_once):
        for loop, run in zip(loops, runs, strict=True):
            for _ in range(min(at_once, count - begun)):
                before, cpu_before = time.perf_counter(), time.process_time()
                run.tokens.append(int(next(loop)))
                run.times.append(time.perf_counter() - before)
                run.cpu.append(time.process_time() - cpu_before)
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
                rope_theta=config.rope_theta,  # type: ignore[call-arg]  # under other names from version to version, taken by all
                tie_word_embeddings=True,
            )
        )
    weights = {f"model.{key}": value.to(dtype) for key, value in model.backbone.state_dict().items()}
    weights["model.embed_tokens.weight"] = weights["lm_head.weight"] = model.text_embedding.weight.detach().to(dtype)
    other.load_state_dict(weights, assign=True)
    other.model.rotary_emb = type(other.model.rotary_emb)(other.config)  # its table of frequencies is no weight
    other.train(False)
    return other


if __name__ == "__main__":
    main()
