"""1.5B at full size, end to end, from files in the released layout: python -m tests.benchmarks.bench_full_size [--variant NAME]

Seeded weights, half precision on disk. Each step is a process of its own, so that no two need their memory at once: writing the
files, words to music through the engine, and InspireMusic's own loop (transformers' causal model with its text head) in the type
that our step has here. Lines:
`full_size.….load`      seconds of work until the first job may begin.
`full_size.….step`      tokens a second under guidance in the job, medians; beside the reference's loop.
`full_size.….step.cpu`  the same in seconds of the processor's work, which other programs change less.
`full_size.….text`      real-time factor of the job, full path, in elapsed seconds.
`full_size.….memory`    peak resident memory in GB, beside what `inspire models` says that it takes.
1.5B needs about 4 GB of disk and 11 GB of memory where its steps are in bfloat16.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from engine.acceleration import choose_runtime
from engine.api import Finished, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.published import Published, find_published
from engine.pipeline import Pipeline
from tests.benchmarks.bench_language_model import as_transformers, asked_of, reference_loop, timed
from tests.benchmarks.report import report
from tests.released import write_released

SECONDS, REFERENCE_TOKENS = 3.0, 8
STEPS = ("write", "play", "reference")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--variant", default="InspireMusic-1.5B-Long")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)  # of a child
    parser.add_argument("--in", dest="directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    variant = find_published(options.variant)
    if options.step:
        print(json.dumps(globals()[options.step](variant, options.directory)))
        return
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, "-m", "tests.benchmarks.bench_full_size", "--variant", variant.name, "--in", f"{folder}/model"]
        results = [subprocess.run([*child, "--step", step], check=True, stdout=subprocess.PIPE).stdout for step in STEPS]
    _, ours, theirs = (json.loads(result.splitlines()[-1]) for result in results)
    name = f"full_size.{variant.name}"
    report(f"{name}.load", ours["load_s"], "s")
    for line, step_s in ((f"{name}.step", "step_s"), (f"{name}.step.cpu", "step_cpu_s")):
        report(line, 1 / ours[step_s], "tokens/s", 1 / theirs[step_s], theirs[step_s] / ours[step_s])
    report(f"{name}.text", ours["rtf"], "rtf")
    promised = variant.memory_bytes / 1e9
    report(f"{name}.memory", ours["peak_gb"], "GB", promised, promised / ours["peak_gb"])


def write(variant: Published, directory: Path) -> dict[str, Any]:
    write_released(directory, variant, tiny=False, half=True)
    return {}


def play(variant: Published, directory: Path) -> dict[str, Any]:
    """Times of steps are those from token to token; one in which a window was rendered as well is far from their median."""
    del variant
    begun_s, engine = time.process_time(), Pipeline("cpu")
    engine.load(str(directory))
    load_s = time.process_time() - begun_s
    drawn: list[tuple[float, float]] = []
    engine.on_tokens = lambda _: drawn.append((time.perf_counter(), time.process_time()))
    asked = GenerationRequest("bossa nova, piano", SECONDS, model=str(directory), seed=1)
    *_, end = engine.generate(asked)
    assert isinstance(end, Finished) and not end.cancelled and end.frames == round(SECONDS * end.samplerate)
    elapsed, work = (statistics.median(after[which] - before[which] for before, after in pairwise(drawn)) for which in (0, 1))
    return {
        "load_s": load_s, "step_s": elapsed, "step_cpu_s": work, "rtf": end.report.rtf, "tokens": len(drawn),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip


@torch.inference_mode()
def reference(variant: Published, directory: Path) -> dict[str, Any]:
    del variant
    dtype = choose_runtime("cpu").language_model_dtype
    model = load_checkpoint(directory).language_model
    qwen2 = as_transformers(model, dtype)

    def with_text_head(**inputs: Any) -> torch.Tensor:
        last: torch.Tensor = qwen2(**inputs, output_hidden_states=True).hidden_states[-1]
        return last

    (run,) = timed([reference_loop(model, with_text_head, *asked_of(model), dtype)], REFERENCE_TOKENS)
    return {"step_s": run.step_s, "step_cpu_s": run.step_cpu_s}


if __name__ == "__main__":
    main()
