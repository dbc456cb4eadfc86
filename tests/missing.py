"""What tests need that not every machine has: a test skips with the name of the package that brings it.

With CI=true a skip for want of anything that `.ci/run` installs is a failure: CI would tell of tests that never ran.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def needs(program: str, package: str) -> None:
    """Skips the test where the `program` is not on the PATH."""
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: install the Debian package {package}")


def needs_jack() -> None:
    """Skips the test without a JACK server to run, or without its library or Python's way to it."""
    needs("jackd", "jackd2")
    jack_library()


def jack_library():
    """The module `jack`, which loads JACK's library when it is imported. Skips the test without one of them."""
    return needs_module("jack", "JACK-Client and the Debian package libjack-jackd2-0 (jackd2 brings it)")


def needs_portaudio() -> None:
    needs_module("sounddevice", "PortAudio: install the Debian package libportaudio2")


def needs_rtmidi() -> None:
    needs_module("rtmidi", "python-rtmidi, which has wheels up to Python 3.12 and is built from source for later ones")


def needs_module(name: str, package: str):
    """The module `name`. Skips the test where it cannot be imported, be it for want of a library that it loads (an OSError)."""
    return pytest.importorskip(name, reason=f"needs {package}", exc_type=(ImportError, OSError))


def installed_by_ci() -> set[str]:
    """The names of Debian and Python packages, the latter where this Python has them at all."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["test"]
    from packaging.requirements import Requirement  # comes with pytest

    python = {one.name for one in map(Requirement, extras) if one.marker is None or one.marker.evaluate()}
    return {*(ROOT / ".ci" / "debian-packages").read_text().split(), *python}


def should_be_there(reason: str) -> str:
    """The package named in a skip's `reason` that CI has installed; empty where there is none."""
    words = set(re.findall(r"[\w.+-]*\w", reason.casefold()))
    return next((one for one in sorted(installed_by_ci()) if one.casefold() in words), "")


def fail_skips_of_what_ci_installs(report) -> None:
    """Makes a failure of such a skip, of a test or of a whole file, where CI=true."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if package := should_be_there(reason):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, which installs {package}: {reason}"
