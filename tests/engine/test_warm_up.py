"""What the warm-up measures of a model."""

from __future__ import annotations

import pytest

from engine.pipeline import create_engine
from engine.rendering.mastering import Master
from engine.rendering.measurement import Meter


def test_the_warm_up_counts_mastering_and_measuring_as_a_job_has_them(monkeypatch):
    """The very first estimate rests on it alone. Here nothing takes time but those two."""
    now = [0.0]

    def slow(method, seconds):
        def slowed(*args, **options):
            now[0] += seconds
            return method(*args, **options)

        return slowed

    monkeypatch.setattr("engine.acceleration.pace.time.monotonic", lambda: now[0])
    monkeypatch.setattr("engine.rendering.track.Master.push", slow(Master.push, 0.1))
    monkeypatch.setattr("engine.rendering.track.Meter.music", slow(Meter.music, 0.35))
    for pace in (create_engine("cpu").load("sketch").paces or {}).values():
        assert pace["render_s"] == pytest.approx(0.1, abs=0.01) and pace["rest_per_s"] == pytest.approx(0.1, abs=0.01)
