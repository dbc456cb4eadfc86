"""The benchmark itself, at tiny size: it reaches its last figure, and a clip that is called new is new to its engine."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from engine.continuation.recent import Recent
from tests import synthetic
from tests.benchmarks import bench_sketch
from tests.tiny_model import write_tiny_model


def test_it_reaches_every_figure_and_every_new_clip_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(loop := tmp_path / "loop.wav", synthetic.clicks(120, 4.0, rate=24_000), 24_000)
    events: list[object] = []  # "known", "computed", or the clip that is played next
    of, run = Recent.of, bench_sketch.run

    def watched_of(self: Recent[Any], key: Hashable, compute: Any) -> Any:
        events.append("known")

        def computed() -> Any:
            events[-1] = "computed"
            return compute()

        return of(self, key, computed)

    def watched_run(engine: Any, request: Any) -> bench_sketch.Run:
        events.append(request.clip and Path(request.clip))
        return run(engine, request)

    monkeypatch.setattr(Recent, "of", watched_of)
    monkeypatch.setattr(bench_sketch, "run", watched_run)
    monkeypatch.setattr(bench_sketch, "LOOP", loop)
    monkeypatch.setattr(bench_sketch, "RUNS", 1)
    model = write_tiny_model(tmp_path / "tiny")
    bench_sketch.main(["--model", str(model), "--seconds", "0.6"])
    names = [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()]
    ways = [f"{path}{way}" for path in ("full", "fast") for way in ("", ".continued", ".again")]
    figures = ("first_chunk", "first_chunk.cpu", "real_time_factor", "real_time_factor.cpu")
    takes = [f"tiny.{path}.takes{suffix}" for path in ("full", "fast") for suffix in ("", ".cpu", ".two_cores")]
    assert names == [f"tiny.{way}.{figure}" for way in ways for figure in figures] + takes + ["tiny.variations"]
    clips = [place for place, event in enumerate(events) if isinstance(event, Path)]
    for place, end in zip(clips, [*clips[1:], len(events)], strict=True):
        own = set(events[place + 1 : end]) - {None}
        assert own == {"computed"} or events[place] == loop, f"{events[place]} was known before: {own}"
    assert len([place for place in clips if events[place] != loop]) == 4


def test_two_cores_that_are_free_take_the_parts_in_turn() -> None:
    assert bench_sketch.on_two_cores([]) == 0 and bench_sketch.on_two_cores([2.0]) == 2
    assert bench_sketch.on_two_cores([1.0, 1.0, 1.0, 1.0]) == 2 and bench_sketch.on_two_cores([3.0, 1.0, 1.0]) == 3
