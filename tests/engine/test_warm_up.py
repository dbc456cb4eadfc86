"""What the warm-up measures of a model."""

from __future__ import annotations

import pytest

from engine import warm_up
from engine.pipeline import create_engine
from engine.rendering.mastering import Master
from engine.rendering.measurement import Meter
from engine.sampler import TokenSampler
from tests.tiny_model import write_tiny_model


def test_the_warm_up_counts_mastering_and_measuring_as_a_job_has_them(monkeypatch):
    """The very first estimate rests on it alone. Here nothing takes time but those two."""
    now = [0.0]

    def slow(method, seconds):
        def delayed(*args, **options):
            now[0] += seconds
            return method(*args, **options)

        return delayed

    monkeypatch.setattr("engine.acceleration.pace.time.monotonic", lambda: now[0])
    monkeypatch.setattr("engine.rendering.track.Master.push", slow(Master.push, 0.1))
    monkeypatch.setattr("engine.rendering.track.Meter.music", slow(Meter.music, 0.35))
    for pace in (create_engine("cpu").load("sketch").paces or {}).values():
        assert pace["render_s"] == pytest.approx(0.1, abs=0.01) and pace["rest_per_s"] == pytest.approx(0.1, abs=0.01)


def warmed(monkeypatch, directory, slow):
    """Tokens that were drawn, and the lengths in seconds of what was rendered, where a rehearsal is slow or not."""
    drawn, rendered = [], []
    draw, rehearse = TokenSampler._next, warm_up._rehearse
    monkeypatch.setattr(warm_up, "SLOW_S", -1.0 if slow else 1e9)
    monkeypatch.setattr(TokenSampler, "_next", lambda *given: drawn.append(token := draw(*given)) or token)
    monkeypatch.setattr(warm_up, "_rehearse", lambda *given: rendered.append(given[3].request.seconds) or rehearse(*given))
    report = create_engine("cpu").load(str(directory))
    for pace in report.paces.values():
        assert pace["step_s"] > 0 and pace["render_per_s"] > 0 and pace["steps_per_s"] == 50
    assert list(report.paces) == ["full", "fast"]
    return len([token for token in drawn if token is not None]), rendered


def test_a_slow_model_plays_each_path_once_of_tokens_that_are_drawn_once(tmp_path, monkeypatch):
    directory = write_tiny_model(tmp_path / "model")
    monkeypatch.setattr(warm_up, "STEPS_S", 0.0)
    drawn, rendered = warmed(monkeypatch, directory, slow=True)
    assert rendered == [0.5, 0.5] and drawn == 25 + 1  # the second path draws one, for the pace of it
    drawn, rendered = warmed(monkeypatch, directory, slow=False)
    assert rendered == [0.5, 3.5, 0.5, 3.5] and drawn == 25 + 1 + 1
