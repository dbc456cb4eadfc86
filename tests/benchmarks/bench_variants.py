"""The 0.5B variant at full size, from files in the released layout: python -m tests.benchmarks.bench_variants [--variant NAME]

Written with seeded weights, then one short job of each kind in a process of its own. Lines:
`variant.….load`    seconds until the first job may begin, beside reading the same files once (hashing them).
`variant.….JOB`     real-time factor: text (full and fast), continuation, reconstruct, upsample; beside the text on the full path.
`variant.….memory`  peak resident memory in GB, beside what `inspire models` says that it takes.
1.5B needs about 13 GB of memory.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.api import Finished, GenerationRequest
from engine.checkpoints.published import Published, find_published
from engine.pipeline import Pipeline
from tests.benchmarks.report import report
from tests.released import write_released

CLIP = Path(__file__).parents[1] / "loops" / "compus.flac"
SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="InspireMusic-Base")
    parser.add_argument("--in", dest="directory", type=Path, help=argparse.SUPPRESS)  # of the child
    options = parser.parse_args()
    variant = find_published(options.variant)
    if options.directory is not None:
        measure(variant, options.directory)
        return
    with tempfile.TemporaryDirectory() as folder:
        directory = write_released(Path(folder) / variant.name, variant, tiny=False, half=True)
        command = [sys.executable, "-m", "tests.benchmarks.bench_variants", "--variant", variant.name, "--in", str(directory)]
        subprocess.run(command, check=True)


def measure(variant: Published, directory: Path) -> None:
    name, begun = f"variant.{variant.name}", time.perf_counter()
    for file in directory.rglob("*.pt"):
        with file.open("rb") as opened:
            hashlib.file_digest(opened, "sha256")
    reading_s, begun = time.perf_counter() - begun, time.perf_counter()
    engine = Pipeline("cpu")
    engine.load(str(directory))
    loading_s = time.perf_counter() - begun
    report(f"{name}.load", loading_s, "s", reading_s, reading_s / loading_s)
    clip, text = str(CLIP), {"prompt": "bossa nova, piano", "duration_s": SECONDS}
    jobs: dict[str, dict[str, object]] = {"text_fast": text | {"decode": "fast"}}
    if variant.has_flow:
        jobs = {"text": text} | jobs
    best = "full" if variant.has_flow else "fast"
    jobs["continuation"] = {"clip": clip, "duration_s": SECONDS, "join": "new", "timbre": "model", "decode": best}
    jobs["reconstruct"] = {"task": "reconstruct", "clip": clip, "decode": best}
    if variant.samplerate == 48_000:
        jobs["upsample"] = {"task": "upsample", "clip": clip, "timbre": "model"}
    baseline = None
    for job, asked in jobs.items():
        *_, end = engine.generate(GenerationRequest(model=str(directory), seed=1, **asked))  # type: ignore[arg-type]
        assert isinstance(end, Finished) and not end.cancelled and end.frames
        rtf = end.report.rtf
        baseline = baseline or rtf
        report(f"{name}.{job}", rtf, "rtf", baseline, baseline / rtf)
    peak, promised = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, variant.memory_bytes / 1e9
    report(f"{name}.memory", peak, "GB", promised, promised / peak)


if __name__ == "__main__":
    main()
