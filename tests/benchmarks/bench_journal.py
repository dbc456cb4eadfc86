"""A journal of many jobs: python -m tests.benchmarks.bench_journal [--jobs N]

The results are at their cap, so that each job's end removes an old one. Lines:
`journal.jobs`
`journal.ack`      milliseconds from a submit, sent just after a job's end, until it is written: median; baseline: of few jobs.
`journal.ack.scanned`   the same; baseline: without the indexes that removing uses.
`journal.open`     seconds until the journal is open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from bridge.jobs.database import open_database
from bridge.jobs.journal import Journal
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Done
from engine.api import GenerationRequest
from tests.benchmarks.report import report

BYTES = 1_000_000  # of a result
FEW = 100  # jobs
ENDS = 50
INDEXES = ("jobs_with_results", "jobs_unended")
REQUEST = GenerationRequest("dub techno, 124 bpm, A minor", bpm=124.0, duration_s=8.0)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    jobs = parser.parse_args(arguments).jobs
    with tempfile.TemporaryDirectory() as home:
        full_ms, open_s = acks_ms(Path(home, "full"), jobs)
        few_ms, _ = acks_ms(Path(home, "few"), FEW)
        scanned_ms, _ = acks_ms(Path(home, "scanned"), jobs, without=INDEXES)
    report("journal.jobs", jobs, "jobs")
    report("journal.ack", full_ms, "ms", few_ms, few_ms / full_ms)
    report("journal.ack.scanned", full_ms, "ms", scanned_ms, scanned_ms / full_ms)
    report("journal.open", open_s, "s")


def acks_ms(folder: Path, jobs: int, without: tuple[str, ...] = ()) -> tuple[float, float]:
    """The median of an ack behind an end, and the seconds it took to open a journal that remembers `jobs` results."""
    folder.mkdir()
    file = folder / "journal.sqlite"
    with closing(open_database(file)) as db:
        request, result = json.dumps(asdict(REQUEST)), str(folder / "gone.wav")
        columns = "id, client, created, ended, state, request, play, words, path, bytes, mtime_ns"
        sql = f"INSERT INTO jobs ({columns}) VALUES (?, 'bench', 'then', 'then', 'done', ?, 0, 'dub techno', ?, ?, 1)"
        db.execute("BEGIN")
        db.executemany(sql, ((f"old{n}", request, result, BYTES) for n in range(jobs)))
        for index in without:
            db.execute(f"DROP INDEX {index}")
        db.execute("COMMIT")
    return asyncio.run(_work(file, folder, jobs * BYTES))


async def _work(file: Path, folder: Path, cap_bytes: int) -> tuple[float, float]:
    begun = time.perf_counter()
    journal = Journal(file, cap_bytes)
    await journal.open(100)
    open_s = time.perf_counter() - begun
    path, waits_ms = folder / "new.wav", []
    path.write_bytes(bytes(BYTES))
    for n in range(ENDS):
        await journal.submitted(Submit(f"job{n}", REQUEST), "bench", "now", 7)
        await journal.started(f"job{n}", path)
        journal.ended("done", Done(f"job{n}", str(path), 8.0), 8.0)
        asked = time.perf_counter()
        await journal.submitted(Submit(f"next{n}", REQUEST), "bench", "now", 7)
        waits_ms.append(1000 * (time.perf_counter() - asked))
        journal.ended("cancelled", Cancelled(f"next{n}", "", 0.0), 0.0)
    await journal.close()
    return statistics.median(waits_ms), open_s


if __name__ == "__main__":
    main()
