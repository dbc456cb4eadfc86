"""The benchmarks of reliability in small: what they promise holds, and their figures are there. In full: tests/benchmarks."""

from __future__ import annotations

import random

import pytest

from tests.benchmarks.bench_audio_device import hear
from tests.benchmarks.bench_fuzz import fuzz
from tests.benchmarks.bench_kill import kill_daemon, kill_engine
from tests.benchmarks.bench_soak import soak
from tests.fuzz import Fuzzer


def test_fuzzed_packets_are_survived_and_answered_in_form(tmp_path):
    figures = fuzz(tmp_path, 4_000, seed=7)
    assert figures.crashes == figures.bad_replies == []
    assert figures.packets >= 4_000 and figures.memory_after_mb > 0 and len(figures.ping_ms) > 50


def test_a_seed_gives_its_packets_again(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1.8e9)  # bundles bear the time
    one, two, other = (Fuzzer(seed, "/loop.wav", 9).stream(100) for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize("kill", [kill_engine, kill_daemon])
def test_a_kill_at_any_moment_loses_nothing_that_was_reported(tmp_path, kill):
    lost, recoveries_s = kill(tmp_path, 3, random.Random(3))
    assert lost == [] and len(recoveries_s) == 3


def test_a_daemon_at_full_load_fails_nothing(tmp_path):
    soaked = soak(tmp_path, 3.0, {}, random.Random(0), remembered=100)
    assert soaked.failures == [] and soaked.jobs > 20 and soaked.samples


def test_a_stream_that_freewheels_is_played_to_the_sample(jack_server, tmp_path):
    captured = hear(jack_server, tmp_path, 4.0, 2.0)
    assert (captured.duration_s, captured.wrong_samples, captured.underruns) == (4.0, 0, 0)
