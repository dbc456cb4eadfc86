"""A result that is made slower than it is played in places is heard without a gap, on a real sound server."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.bench_gapless import RATE, captured, least_wait_s
from tests.bridge.conftest import RunningDaemon


@pytest.mark.realtime
@pytest.mark.parametrize("factor", [0.3, 0.65, 0.95])
def test_a_paced_engine_is_played_without_a_gap(jack_server, tmp_path, factor):
    """Counted by the callback; how soon it is heard is the benchmark's matter, that it waits no longer than it must is tested
    without a clock.
    """
    assert os.environ["JACK_DEFAULT_SERVER"] == jack_server.name
    jack_server.start(RATE)
    daemon = RunningDaemon(tmp_path / "daemon", audio_device="system, JACK")
    try:
        underruns, wait_s = captured(daemon, jack_server, factor, 8.0)
        assert underruns == 0 and wait_s >= least_wait_s(factor, 8.0)
    finally:
        daemon.stop()
