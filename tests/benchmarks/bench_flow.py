"""Flow and vocoder in windows against the reference's order: python -m tests.benchmarks.bench_flow [--model NAME] [--released]

Same tokens (the model's own, sampled beforehand), same noise, growing lengths, one thread. Lines for each length; the baseline
renders the whole piece at once in the order of InspireMusic's own code (see reference_flow.py) with our networks in float32:
`….cpu`          seconds of the processor's work until all audio is there.
`….memory`       MB at the peak beyond the loaded model. Each way has a process of its own, and lengths rise: a peak is its own.
`….correlation`, `….difference`, `….log_spectral_distance`: streamed audio against whole; 1, −∞ dB and 0 dB are equality.
`….join_excess`, `….join_level`, `….click`: where windows met, see tests/seams.py; at 0 dB or less nothing stands out. Excess has
as baseline the same figure of as many places where nothing met: music is uneven, so the worst place of several always exceeds.
`….join_excess_of_music` counts the difference against the music at its place; baseline: 95 of 100 places stay below.
`--released` measures the released flow and codec at their full size instead, with seeded weights: its times mean something, its
sound does not. `--lengths` chooses other seconds. With INSPIRE_ACCELERATION=off the engine's side is float32, too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.acceleration import Prepared, Runtime, choose_runtime, prepare
from engine.acceleration.runtime import flow_dtype
from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.config import ModelConfig
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.pipeline import Pipeline
from engine.rendering.windows import ChunkPlan, FullRenderer, StreamingDecoder
from tests import seams
from tests.benchmarks.models import model_directory
from tests.benchmarks.reference_flow import render_whole
from tests.benchmarks.report import report

LENGTHS_S = (5, 15, 30, 60)
RELEASED_LENGTHS_S = (5, 30)
PROMPT = "dub techno, 124 bpm, A minor"
SEED = 5
ELSEWHERE_S = 0.6  # after a join: no join is there
MEGABYTE = 2**20

Render = Callable[[Prepared, list[int]], tuple[list[np.ndarray], list[int]]]  # prepared, tokens → chunks, places of joins


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
    parser.add_argument("--released", action="store_true", help="the released size: minutes of a CPU's work")
    parser.add_argument("--lengths", type=int, nargs="+", metavar="SECONDS", help="rising")
    options = parser.parse_args(arguments)
    if options.released:
        lengths_s, config = tuple(options.lengths or RELEASED_LENGTHS_S), ModelConfig()
        assert config.flow
        count = round(max(lengths_s) * config.token_rate)
        tokens = np.random.default_rng(0).integers(0, config.flow.token_vocab_size, count).tolist()
        bench("flow.released_seeded", None, tokens, lengths_s)
        return
    lengths_s = tuple(options.lengths or LENGTHS_S)
    with model_directory(options.model) as (label, directory):
        bench(f"flow.{label}", directory, sampled_tokens(directory, max(lengths_s)), lengths_s)


def bench(name: str, directory: Path | None, tokens: list[int], lengths_s: tuple[int, ...]) -> None:
    """`directory` None: the released size with seeded weights."""
    fresh = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1)
    with tempfile.TemporaryDirectory() as folder, fresh as processes:
        ways = ((render, str(Path(folder) / render.__name__)) for render in (in_windows, as_the_reference))
        streamed, whole = (processes.submit(render_all, directory, tokens, lengths_s, *way).result() for way in ways)
        for length_s, one, other in zip(lengths_s, streamed, whole, strict=True):
            compare(f"{name}.{length_s}s", one, other)


def compare(name: str, streamed: Take, whole: Take) -> None:
    report(f"{name}.cpu", streamed.seconds, "s", whole.seconds, whole.seconds / streamed.seconds)
    memory = [take.peak_bytes / MEGABYTE for take in (streamed, whole)]
    report(f"{name}.memory", memory[0], "MB", memory[1], memory[1] / max(memory[0], 1.0))
    one, other, rate, joins = np.load(streamed.audio), np.load(whole.audio), whole.samplerate, np.array(streamed.joins)
    report(f"{name}.correlation", seams.correlation(one, other), "1")
    report(f"{name}.difference", seams.difference_db(one, other), "dB")
    report(f"{name}.log_spectral_distance", seams.log_spectral_distance_db(one, other), "dB")
    elsewhere = joins + round(ELSEWHERE_S * rate)
    excess = [seams.join_excess_db(one, other, places[places < len(one) - rate // 10], rate) for places in (joins, elsewhere)]
    report(f"{name}.join_excess", excess[0], "dB", excess[1])
    of_music, usual = seams.join_excess_of_music_db(one, other, joins, rate)
    report(f"{name}.join_excess_of_music", of_music, "dB", usual)
    report(f"{name}.join_level", seams.join_level_db(one, other, joins, rate, FullRenderer.CROSSFADE_S), "dB")
    report(f"{name}.click", seams.click_db(one, joins, rate), "dB", seams.click_db(other, joins, rate))


def render_all(directory: Path | None, tokens: list[int], lengths_s: tuple[int, ...], render: Render, stem: str) -> list[Take]:
    """Runs in a process of its own. Each length's first tokens, one rendering after the other."""
    runtime = choose_runtime("cpu" if directory is None else None)
    if render is as_the_reference:
        runtime = replace(runtime, acceleration="off")
    torch.set_num_threads(1)
    prepared = seeded_released_flow(runtime) if directory is None else prepare(load_checkpoint(directory), runtime)
    render(prepared, tokens[: round(prepared.checkpoint.config.token_rate)])  # warms up
    before, takes = peak_bytes(), []
    for length_s in lengths_s:
        begun = time.process_time()
        chunks, joins = render(prepared, tokens[: round(length_s * prepared.checkpoint.config.token_rate)])
        worked, peak = time.process_time() - begun, peak_bytes() - before
        path = Path(f"{stem}.{length_s}.npy")
        np.save(path, np.concatenate(chunks))
        assert prepared.checkpoint.hifi_codec
        takes.append(Take(worked, peak, prepared.checkpoint.hifi_codec.samplerate, joins, path))
    return takes


def in_windows(prepared: Prepared, tokens: list[int]) -> tuple[list[np.ndarray], list[int]]:
    """As the engine streams it: chunks, and the sample frames at which windows met."""
    renderer = FullRenderer(prepared, SEED)
    decoder = StreamingDecoder(renderer, ChunkPlan())
    chunks = [chunk for token in tokens if (chunk := decoder.push(token)) is not None]
    chunks += decoder.finish()
    return chunks, seams.flow_joins(renderer, chunks).tolist()


def as_the_reference(prepared: Prepared, tokens: list[int]) -> tuple[list[np.ndarray], list[int]]:
    return [render_whole(prepared, tokens, SEED)], []


def peak_bytes() -> int:
    """The most memory this process has held so far: the accelerator's where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "linux":  # getrusage would count the parent's peak too
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def seeded_released_flow(runtime: Runtime) -> Prepared:
    torch.manual_seed(0)
    config = ModelConfig(name="released")
    assert config.flow and config.hifi_codec
    flow, codec = FlowMatching(config.flow).eval(), HiFiCodec(config.hifi_codec).eval()
    for module in (flow, codec):
        module.requires_grad_(False)
    codec.fold()
    flow.narrow(flow_dtype(flow, runtime))
    unused: Any = None  # neither a language model nor a token decoder plays here
    return Prepared(Checkpoint(config, Path(), unused, unused, flow, codec, ()), unused, runtime, 1)


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
