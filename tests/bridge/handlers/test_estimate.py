"""How long a request would take: asked of a daemon, with an engine of known pace."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Done, Estimated, Fail
from engine.api import CANDIDATES


def test_an_estimate_comes_true_and_makes_nothing(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        nothing = client.estimate(prompt="paced 0.5", duration_s=4)
        assert isinstance(nothing, Fail) and nothing.code == "no_estimate"
        done = list(client.generate("paced 0.5", duration_s=4))[-1]
        assert isinstance(done, Done)
        files = sorted(daemon.folder.iterdir())
        reported = client.estimate(prompt="paced 0.5", duration_s=8)
        assert isinstance(reported, Estimated) and reported.pairs["measured"] == 1 and reported.pairs["new_s"] == 8
        assert reported.total_s == pytest.approx(4.0, rel=0.25) and reported.first_s == pytest.approx(0.25, abs=0.25)
        assert reported.pairs["wait_s"] == 0
        assert sorted(daemon.folder.iterdir()) == files and client.history()[0].count == 1


def test_it_is_for_the_request_that_a_generate_or_continue_would_be(start_daemon, tmp_path):
    daemon = start_daemon()
    clip = tmp_path / "loop.wav"
    with daemon.client() as client:
        list(client.generate("paced 0.5", duration_s=2))
        bars = client.estimate(bars=4, bpm=120, beats_per_bar=3)
        assert bars.pairs["new_s"] == 6
        assert client.estimate(preset="Deep house").pairs["new_s"] > 10  # the preset's bars
        for asked, code in [
            ({"bars": 4}, "bad_request"),
            ({"bars": 1000, "bpm": 120}, "bad_value"),
            ({"preset": "no such"}, "no_such_preset"),
            ({"clip": str(clip)}, "bad_clip"),
            ({"start": "bar"}, "no_clock"),
            ({"model": "another"}, "no_estimate"),
        ]:
            reported = client.estimate(**asked)
            assert isinstance(reported, Fail) and reported.code == code, asked


def test_a_fill_is_estimated_once_one_was_made(start_daemon, tmp_path):
    clip = tmp_path / "take.wav"
    soundfile.write(clip, 0.1 * np.random.default_rng(0).standard_normal(10 * 24_000), 24_000)
    with start_daemon().client() as client:
        done = list(client.fill(str(clip), 4.0, 6.0, prompt="paced 0.1"))[-1]
        assert isinstance(done, Done)
        in_seconds = client.estimate(clip=str(clip), start_s=4.0, end_s=7.0)
        assert isinstance(in_seconds, Estimated) and in_seconds.pairs["new_s"] == 3
        assert in_seconds.first_s == in_seconds.total_s == pytest.approx(1 + CANDIDATES * 3 * 0.5)
        assert client.estimate(clip=str(clip), start_s=4.0, end_s=7.0, candidates=2).total_s == pytest.approx(1 + 2 * 3 * 0.5)
        in_bars = client.estimate(clip=str(clip), start_bar=2, end_bar=3, bpm=120)
        assert in_bars.pairs["new_s"] == 2
        for asked in ({"clip": str(clip), "start_s": 1.0, "end_bar": 3}, {"start_s": 1.0, "end_s": 2.0}, {"candidates": 4}):
            reported = client.estimate(**asked)
            assert isinstance(reported, Fail) and reported.code == "bad_request", asked


@pytest.mark.realtime  # what is estimated is what a job before took
def test_it_outlives_the_daemon_and_reports_of_the_jobs_before(start_daemon, tmp_path):
    state = tmp_path / "state"
    first = start_daemon(state_folder=state)
    with first.client() as client:
        list(client.generate("paced 0.5", duration_s=4))
    first.stop()
    with start_daemon(state_folder=state).client() as client:
        assert client.estimate(duration_s=8).total_s == pytest.approx(4.0, rel=0.25)
        client.pause()
        next(client.generate("paced 0.5", duration_s=8))
        assert client.estimate(duration_s=1).pairs["wait_s"] == pytest.approx(4.0, rel=0.25)
