"""Flow and vocoder in windows against the whole piece: python -m tests.benchmarks.bench_flow [--model NAME] [--released]

Same tokens (the model's own, sampled beforehand), same noise, growing lengths. Lines for each length, baseline = the whole piece:
`….time`         seconds until all audio is there.
`….memory`       MB at the peak beyond the loaded model. Each way has a process of its own, and lengths rise: a peak is its own.
`….correlation`, `….difference`, `….log_spectral_distance`: streamed audio against whole; 1, −∞ dB and 0 dB are equality.
`….join_excess`, `….join_level`, `….click`: where windows met, see tests/seams.py; at 0 dB or less nothing stands out. Excess has
as baseline the same figure of as many places where nothing met: music is uneven, so the worst place of several always exceeds.
`--released` adds one short length of the released flow and codec at their full size, with seeded weights: its times mean
something, its sound does not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.acceleration import Prepared, choose_runtime, prepare
from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.config import ModelConfig
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.pipeline import Pipeline
from engine.rendering.windows import ChunkPlan, FullRenderer, StreamingDecoder
from tests import seams
from tests.benchmarks.models import WHOLE, model_directory
from tests.benchmarks.report import report

LENGTHS_S = (5, 15, 30, 60)
RELEASED_LENGTHS_S = (5,)
PROMPT = "dub techno, 124 bpm, A minor"
SEED = 5
ELSEWHERE_S = 0.6  # after a join: no join is there
MEGABYTE = 2**20


@dataclass(frozen=True)
class Take:
    """One rendering. `joins` are sample frames."""

    seconds: float
    peak_bytes: int
    samplerate: int
    joins: list[int]
    audio: Path


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    parser.add_argument("--released", action="store_true", help="the released size too: minutes on a CPU")
    options = parser.parse_args(arguments)
    with model_directory(options.model) as (label, directory):
        bench(f"flow.{label}", directory, sampled_tokens(directory, max(LENGTHS_S)), LENGTHS_S)
    if options.released:
        config = ModelConfig()
        assert config.flow
        count = round(max(RELEASED_LENGTHS_S) * config.token_rate)
        tokens = np.random.default_rng(0).integers(0, config.flow.token_vocab_size, count).tolist()
        bench("flow.released_seeded", None, tokens, RELEASED_LENGTHS_S)


def bench(name: str, directory: Path | None, tokens: list[int], lengths_s: tuple[int, ...]) -> None:
    """`directory` None: the released size with seeded weights."""
    fresh = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1)
    with tempfile.TemporaryDirectory() as folder, fresh as processes:
        ways = ((plan, str(Path(folder) / way)) for way, plan in (("streamed", ChunkPlan()), ("whole", WHOLE)))
        streamed, whole = (processes.submit(render_all, directory, tokens, lengths_s, *way).result() for way in ways)
        for length_s, one, other in zip(lengths_s, streamed, whole, strict=True):
            compare(f"{name}.{length_s}s", one, other)


def compare(name: str, streamed: Take, whole: Take) -> None:
    report(f"{name}.time", streamed.seconds, "s", whole.seconds, whole.seconds / streamed.seconds)
    memory = [take.peak_bytes / MEGABYTE for take in (streamed, whole)]
    report(f"{name}.memory", memory[0], "MB", memory[1], memory[1] / max(memory[0], 1.0))
    one, other, rate, joins = np.load(streamed.audio), np.load(whole.audio), whole.samplerate, np.array(streamed.joins)
    report(f"{name}.correlation", seams.correlation(one, other), "1")
    report(f"{name}.difference", seams.difference_db(one, other), "dB")
    report(f"{name}.log_spectral_distance", seams.log_spectral_distance_db(one, other), "dB")
    elsewhere = joins + round(ELSEWHERE_S * rate)
    excess = [seams.join_excess_db(one, other, places[places < len(one) - rate // 10], rate) for places in (joins, elsewhere)]
    report(f"{name}.join_excess", excess[0], "dB", excess[1])
    report(f"{name}.join_level", seams.join_level_db(one, other, joins, rate, FullRenderer.CROSSFADE_S), "dB")
    report(f"{name}.click", seams.click_db(one, joins, rate), "dB", seams.click_db(other, joins, rate))


def render_all(directory: Path | None, tokens: list[int], lengths_s: tuple[int, ...], plan: ChunkPlan, stem: str) -> list[Take]:
    """Runs in a process of its own. Each length's first tokens, one rendering after the other."""
    prepared = seeded_released_flow() if directory is None else prepare(load_checkpoint(directory), choose_runtime())
    warm_up = FullRenderer(prepared, SEED)
    warm_up.render(tokens[: round(warm_up.token_rate)], 0, round(warm_up.token_rate), ended=True)
    before, takes = peak_bytes(), []
    for length_s in lengths_s:
        renderer = FullRenderer(prepared, SEED)
        decoder, chunks, begun = StreamingDecoder(renderer, plan), [], time.perf_counter()
        for token in tokens[: round(length_s * renderer.token_rate)]:
            if (chunk := decoder.push(token)) is not None:
                chunks.append(chunk)
        chunks += decoder.finish()
        elapsed, peak = time.perf_counter() - begun, peak_bytes() - before
        path = Path(f"{stem}.{length_s}.npy")
        np.save(path, np.concatenate(chunks))
        takes.append(Take(elapsed, peak, renderer.samplerate, seams.flow_joins(renderer, chunks).tolist(), path))
    return takes


def peak_bytes() -> int:
    """The most memory this process has held so far: the accelerator's where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "linux":  # getrusage would count the parent's peak too
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def seeded_released_flow() -> Prepared:
    torch.manual_seed(0)
    config = ModelConfig(name="released")
    assert config.flow and config.hifi_codec
    flow, codec = FlowMatching(config.flow).eval(), HiFiCodec(config.hifi_codec).eval()
    for module in (flow, codec):
        module.requires_grad_(False)
    codec.fold()
    unused: Any = None  # neither a language model nor a token decoder plays here
    return Prepared(Checkpoint(config, Path(), unused, unused, flow, codec, ()), unused, choose_runtime("cpu"), 1)


def sampled_tokens(directory: Path, seconds: float) -> list[int]:
    """What the model's own language model makes of a prompt: random tokens would ask the flow for what it has never heard."""
    engine, tokens = Pipeline(), list[int]()
    engine.load(str(directory))
    engine.on_tokens = tokens.extend
    request = GenerationRequest(prompt=PROMPT, duration_s=seconds, decode="fast", seed=SEED, model=str(directory))
    for _ in engine.generate(request):
        pass
    return tokens


if __name__ == "__main__":
    main()
