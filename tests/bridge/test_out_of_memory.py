"""Memory that does not suffice, in the engine's real process under a limit of the kernel's: named, given back, the next runs."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from bridge.osc.replies import Done, Fail
from tests.bridge.conftest import wait_for
from tests.tiny_model import TINY, write_seeded_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process may map")


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_an_allocation_that_fails_in_the_middle_is_named_and_the_next_job_runs(start_daemon):
    daemon = start_daemon(engine="tests.starved_engine:create_engine", model="sketch")
    with daemon.client() as client:
        assert isinstance([*client.generate("techno", duration_s=2, seed=1)][-1], Done)
        pid, before = daemon.engine_pid(), resident(daemon.engine_pid())
        for variations in (8, 8):
            *_, end = client.generate("starved techno", duration_s=60, variations=variations, seed=1)
            assert isinstance(end, Fail) and end.code == "no_memory", end
            said = r"the memory did not suffice for the request.*, and what it had taken was given back: ask for a shorter piece"
            assert re.search(said, end.message)
        assert isinstance([*client.generate("techno", duration_s=2, seed=1)][-1], Done)
        assert daemon.engine_pid() == pid  # the same process, with its model
        assert resident(pid) < before + 300_000_000
    assert "Traceback" not in daemon.log


def test_a_model_that_does_not_fit_is_rejected_with_figures_and_the_next_job_runs(start_daemon, tmp_path):
    large = dataclasses.replace(
        TINY, name="large", language_model=dataclasses.replace(TINY.language_model, hidden_size=1024, intermediate_size=12_000)
    )
    write_seeded_model(tmp_path / "models" / "large", large)
    daemon = start_daemon(engine="tests.starved_engine:create_engine", model="sketch", models_folder=tmp_path / "models")
    with daemon.client() as client:
        wait_for(lambda: client.status().state == "idle")
        pid = daemon.engine_pid()
        *_, end = client.generate("techno", duration_s=1, decode="fast", model="large")
        assert isinstance(end, Fail) and end.code == "no_memory" and "model" in end.message and "large" in end.message, end
        assert isinstance([*client.generate("techno", duration_s=1, decode="fast")][-1], Done)
        assert daemon.engine_pid() == pid


def test_a_device_that_is_not_there_is_reported_with_those_that_are(start_daemon):
    daemon = start_daemon(engine="engine.pipeline:create_engine", device="cuda:9")
    with daemon.client() as client:
        *_, end = client.generate("techno", duration_s=1)
        assert isinstance(end, Fail) and "INSPIRE_DEVICE is 'cuda:9': this machine has " in end.message, end
