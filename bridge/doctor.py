"""What `inspire doctor` looks at: one small check a thing that can be wrong, each with what to do about it.

Torch and the model are tried in processes of their own: whatever happens there is a finding here.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from bridge import port_holder
from bridge.audio_device import AudioDevice
from bridge.client import Client
from bridge.errors import BridgeError, PortTaken
from bridge.presets import Presets
from bridge.replies import Pong
from bridge.server import bind
from bridge.settings import AUTO, LOOPBACK, Settings
from engine.api import AudioChunk

LEAST_MEMORY_GB = 1.5
LEAST_DISK_GB = 1.0
PYTHON = (3, 11)
PACKAGES = (
    "numpy",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "python-osc",
    "sounddevice",
    "soundfile",
    "soxr",
    "typer",
)
PATIENCE_S = 180.0  # a large model from a slow disk
CLICK_DB = -40.0

_TORCH = """
import torch
device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
torch.ones(2, 2, device=device) @ torch.ones(2, 2, device=device)
print(f"torch {torch.__version__} on {device}")
"""
_MODEL = """
import importlib, json, sys
from engine.api import EngineError
module, _, name = sys.argv[1].partition(":")
try:
    print(json.dumps(getattr(importlib.import_module(module), name)().load(sys.argv[2])))
except EngineError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do, when it is not right."""

    check: str
    ok: bool
    told: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks, the quick ones first."""
    yield python()
    yield packages()
    yield memory(available_gb())
    yield folder(settings.folder)
    yield presets(settings.presets_folder)
    yield port(settings.usual_port, settings.port == AUTO, settings.near_host, settings.token)
    yield audio(settings.audio_device)
    yield torch()
    yield model(settings.engine, settings.model)


def python(version: tuple = sys.version_info) -> Finding:
    told = ".".join(str(number) for number in version[:3])
    return Finding("Python", tuple(version[:2]) >= PYTHON, told, "install Python {}.{} or later".format(*PYTHON))


def packages(names: tuple[str, ...] = PACKAGES) -> Finding:
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    told = f"missing: {', '.join(missing)}" if missing else ", ".join(found)
    return Finding("packages", not missing, told, "run 'pip install inspire-daw' again, or 'make setup' in a checkout")


def available_gb() -> float | None:
    """Memory that a new program can have; where only the whole is known, that; None where not even that."""
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024 / 1e9
    except (OSError, KeyError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):
        return None


def memory(available: float | None) -> Finding:
    if available is None:
        return Finding("memory", True, "cannot be told on this system")
    advice = f"close other programs: {LEAST_MEMORY_GB} GB are needed"
    return Finding("memory", available >= LEAST_MEMORY_GB, f"{available:.1f} GB", advice)


def folder(path: Path, least_gb: float = LEAST_DISK_GB) -> Finding:
    """Tries to write where results go."""
    advice = "set another output folder (setting folder), or free some space"
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".inspire-") as file:
            file.write(b"doctor")
        free_gb = shutil.disk_usage(path).free / 1e9
    except OSError as error:
        return Finding("output folder", False, f"{path}: {error.strerror}", advice)
    return Finding("output folder", free_gb >= least_gb, f"{path}, {free_gb:.1f} GB free", advice)


def presets(path: Path) -> Finding:
    library = Presets(path)
    told = library.problems[0] if library.problems else f"{len(library.all())} presets"
    return Finding("presets", not library.problems, told, "correct that file: a preset that cannot be read is left out")


def port(number: int, another_will_do: bool = False, host: str = LOOPBACK, token: str = "") -> Finding:
    """Ours when a ping comes back, else it must be free."""
    if number == 0:
        return Finding("port", True, "any free one, as set")
    try:
        with Client(number, host, patience_s=1.0, token=token) as client:
            pong = client.ping()
        if isinstance(pong, Pong):
            return Finding("port", True, f"{number}: inspire {pong.version} answers")
    except BridgeError:  # nobody, or somebody else
        pass
    try:
        for one in bind(host, number):
            one.close()
    except PortTaken as error:
        advice = f"end the program that holds it, or choose another (setting port; {AUTO} finds one)"
        return Finding("port", another_will_do, f"{error} by {port_holder.describe(number)}", advice)
    return Finding("port", True, f"{number} is free; no daemon runs")


def audio(device: str) -> Finding:
    """Plays 0.3 s of silence with one click at -40 dB in it, the way results are played."""
    if device == "none":
        return Finding("audio device", True, "none, as set: results go to disk only")
    told, heard = asyncio.run(_click(device))
    return Finding("audio device", heard, told, "install PortAudio, plug the device in, or set audio_device to another")


async def _click(device: str) -> tuple[str, bool]:
    samples = np.zeros((14_400, 1), np.float32)
    samples[7_200] = 10 ** (CLICK_DB / 20)
    output = AudioDevice(device, 0.0)
    output.start()
    voice = output.play(0.3)
    voice.feed(AudioChunk(0, 0, 48_000, samples), 0.0)
    voice.end()
    while output.playing:
        await asyncio.sleep(0.01)
    heard = not voice.stopped  # by the device, which stops what it cannot play
    return f"{output.description}: {f'played a click at {CLICK_DB:g} dB' if heard else 'nothing could be played'}", heard


def torch() -> Finding:
    return _tried("torch", _TORCH, [], "install torch for this machine: see pytorch.org", lambda told: told)


def model(engine: str, name: str) -> Finding:
    """Loads it, which reads and checks every tensor, and warms it up."""
    advice = "get the model's files again, or name another (setting model)"
    return _tried("model", _MODEL, [engine, name], advice, _facts)


def _facts(told: str) -> str:
    return ", ".join(f"{name} {value}" for name, value in json.loads(told.splitlines()[-1]).items())


def _tried(check: str, code: str, arguments: list[str], advice: str, read) -> Finding:
    """Runs `code` in a process of its own; the last line it says is what is told."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return Finding(check, False, f"no answer in {PATIENCE_S:g} s", advice)
    if result.returncode:
        said = result.stderr.strip().splitlines()
        return Finding(check, False, said[-1] if said else f"ended with status {result.returncode}", advice)
    return Finding(check, True, read(result.stdout.strip()))
