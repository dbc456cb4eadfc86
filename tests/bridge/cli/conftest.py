"""The command line as tests run it: in this process, or in one of its own as a person does; one daemon for all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from bridge import cli
from tests.bridge.conftest import ROOT, RunningDaemon, serving

Call = Callable[..., tuple[int, str, str]]
Inspire = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="package")
def daemon(tmp_path_factory) -> Iterator[RunningDaemon]:
    """For tests that leave it as it was. Others' jobs are in its history and folder."""
    with serving(tmp_path_factory.mktemp("daemon")) as running:
        yield running


@pytest.fixture
def call(monkeypatch, capsys) -> Call:
    """Runs `inspire`: (exit code, stdout, stderr)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inspire", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def inspire(daemon) -> Inspire:
    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bridge", *arguments]
        environment = {**daemon.environment, "INSPIRE_PORT": str(daemon.port), **extra}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def inspire_here(daemon, call, monkeypatch) -> Inspire:
    """As `inspire`, in this process: sooner."""
    for name, value in (daemon.environment | {"INSPIRE_PORT": str(daemon.port)}).items():
        monkeypatch.setenv(name, value)
    return lambda *words: subprocess.CompletedProcess(words, *call(*words))
