"""A result to be placed, and the examples' programs as a person runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from bridge.client import Client
from tests.bridge.conftest import ROOT

RATE = 48_000


@pytest.fixture(scope="module")
def result(daemon) -> Path:
    """Four bars at 120 bpm of noise, where no sample can be taken for another."""
    with Client(daemon.port) as client:
        *_, end = client.generate("stereo noise", bars=4, bpm=120)
    assert soundfile.info(end.path).frames == 4 * 2 * RATE
    return Path(end.path)


def run_example(module: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"bridge.examples.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
