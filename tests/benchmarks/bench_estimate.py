"""Estimates against what happened: python -m tests.benchmarks.bench_estimate [--work] [--kinds full fill]

A daemon of its own with `sketch`, asked for eight kinds of request: before anything was measured, and after one job of each kind.
Lines, seconds; the baseline is what the job then took, the ratio estimate : actual, whose bar is 0.75 to 1.25:
`estimate.KIND.total`, `estimate.KIND.first`   from this machine's measured rates.
`estimate.cold.KIND.total`                     from the engine's warm-up and the kinds before alone.

--work: the engine alone, in this process and on one thread, in seconds of the processor's work, `estimate.work.…`: for a machine
that does other things meanwhile, on which one job takes twice as long as the same one after it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from bridge.jobs.rates import Rates
from bridge.osc.client import Client
from bridge.osc.replies import Done, Estimated, State
from tests.benchmarks.report import report
from tests.bridge.conftest import ROOT, RunningDaemon

WORDS = "dub techno, 124 bpm, A minor"


def kinds(clip: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """What is measured first, and what is then estimated: of the same kind, of another length."""
    return {
        "full": ({"duration_s": 6}, {"duration_s": 12}),
        "fast": ({"duration_s": 6, "decode": "fast"}, {"duration_s": 16, "decode": "fast"}),
        "bars": ({"bars": 4, "bpm": 124}, {"bars": 8, "bpm": 110}),
        "variations": ({"duration_s": 4, "variations": 4}, {"duration_s": 8, "variations": 4}),
        "continue": ({"clip": clip, "duration_s": 4, "join": "new"}, {"clip": clip, "duration_s": 8, "join": "new"}),
        "fill": ({"clip": clip, "start_s": 2.5, "end_s": 4.0}, {"clip": clip, "start_s": 2.5, "end_s": 5.0}),
        "loop": ({"bars": 2, "bpm": 124, "loop": 1}, {"bars": 4, "bpm": 110, "loop": 1}),
        "long": ({"duration_s": 20, "decode": "fast"}, {"duration_s": 60, "decode": "fast"}),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default=str(next((ROOT / "tests" / "loops").glob("*.flac"))))
    parser.add_argument("--work", action="store_true")
    parser.add_argument("--kinds", nargs="*", choices=list(kinds("")), help="these alone, in the order above")
    options = parser.parse_args(arguments)
    chosen = {name: both for name, both in kinds(options.clip).items() if name in (options.kinds or kinds(""))}
    if options.work:
        of_work(chosen)
        return
    with tempfile.TemporaryDirectory() as home:
        daemon = RunningDaemon(Path(home), engine="engine.pipeline:create_engine")
        try:
            with daemon.client() as client:
                while isinstance(state := client.status(), State) and state.state == "starting":
                    time.sleep(0.2)
                for name, (before, after) in chosen.items():
                    reported, total_s, _ = compare(client, before)
                    report(f"estimate.cold.{name}.total", reported.total_s, "s", total_s, reported.total_s / total_s)
                    reported, total_s, first_s = compare(client, after)
                    report(f"estimate.{name}.total", reported.total_s, "s", total_s, reported.total_s / total_s)
                    report(f"estimate.{name}.first", reported.first_s, "s", first_s, reported.first_s / first_s)
        finally:
            daemon.stop()


def of_work(chosen: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """As `main`, with the processor's time for the clock's."""
    os.environ["INSPIRE_THREADS"] = "1"
    with mock.patch("time.monotonic", time.process_time):
        from engine.api import AudioChunk, Finished, GenerationRequest
        from engine.pipeline import create_engine

        engine, rates = create_engine("cpu"), Rates()
        rates.warmed_up("sketch", engine.load("sketch"))
        for name, both in chosen.items():
            for asked, which in zip(both, ("cold.", ""), strict=True):
                region = {"from_s": asked["start_s"], "to_s": asked["end_s"], "join": "new"} if "start_s" in asked else {}
                words = {name: value for name, value in asked.items() if name not in ("start_s", "end_s")} | region
                request = GenerationRequest(WORDS, model="sketch", seed=1, **words)
                reported, begun, chunks_s = rates.estimate(request), time.process_time(), []
                for event in engine.generate(request):
                    if isinstance(event, AudioChunk):
                        chunks_s.append(time.process_time() - begun)
                total_s = time.process_time() - begun
                assert reported and isinstance(event, Finished) and event.report.pace
                rates.done(request, event.report.pace)
                report(f"estimate.work.{which}{name}.total", reported.total_s, "s", total_s, reported.total_s / total_s)
                if not which:
                    report(f"estimate.work.{name}.first", reported.first_s, "s", chunks_s[0], reported.first_s / chunks_s[0])


def compare(client: Client, asked: dict[str, Any]) -> tuple[Estimated, float, float]:
    """The estimate, and the seconds it then takes from the job's begin: to its end, and to its first new audio."""
    reported = client.estimate(prompt=WORDS, **asked)
    assert isinstance(reported, Estimated), reported
    begun = time.monotonic()
    pairs = {name: value for name, value in asked.items() if name != "clip"}
    if "start_s" in asked:
        events = client.fill(asked["clip"], prompt=WORDS, **pairs)
    elif "clip" in asked:
        events = client.continue_clip(asked["clip"], prompt=WORDS, **pairs)
    else:
        events = client.generate(WORDS, **pairs)
    end = list(events)[-1]
    assert isinstance(end, Done), end
    return reported, time.monotonic() - begun, end.pairs["first_chunk_s"]


if __name__ == "__main__":
    main()
