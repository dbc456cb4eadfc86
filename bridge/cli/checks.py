"""What `inspire doctor` looks at: one small check a thing that can be wrong, each with what to do about it.

Torch and the model are tried in processes of their own: whatever happens there is a finding here. Nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from bridge.cli import sound_checks
from bridge.cli.finding import Finding
from bridge.config import state_file
from bridge.config.presets import Presets
from bridge.config.settings import AUTO, LOOPBACK, Settings
from bridge.errors import BridgeError, PortTaken, SettingsError
from bridge.osc import port_owner
from bridge.osc.client import Client
from bridge.osc.replies import Pong, State
from bridge.osc.server import bind

LEAST_MEMORY_GB = 1.5
LEAST_DISK_GB = 1.0
PYTHON = (3, 11)
PACKAGES = (
    "torch",
    "transformers",
    "python-osc",
    "sounddevice",
    "numpy",
    "scipy",
    "soundfile",
    "mido",
    "safetensors",
    "soxr",
    "pyloudnorm",
    "platformdirs",
    "pyyaml",
    "rich",
    "typer",
    "onnx",
    "onnxruntime",
    "numba",
    "huggingface-hub",
    "filelock",
)
PATIENCE_S = 180.0  # a large model from a slow disk
_ANSWER_S = 5.0  # for a daemon on a busy machine

_TORCH = """
import torch
device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
torch.ones(2, 2, device=device) @ torch.ones(2, 2, device=device)
print(f"torch {torch.__version__} on {device}")
"""
_MODEL = """
import dataclasses, json, sys
from bridge.engine_host.worker import create_engine
from engine.api import EngineError
try:
    report = dataclasses.replace(create_engine(sys.argv[1]).load(sys.argv[2]), paces=None)
    print(json.dumps({name: value for name, value in dataclasses.asdict(report).items() if value is not None}))
except EngineError as error:
    sys.exit(str(error))
"""


def examine(settings: Settings, port_asked: bool) -> Iterator[Finding]:
    """All checks, the quick ones first. `port_asked`: somebody asked for the port of the settings."""
    yield python()
    yield packages()
    yield memory(available_gb())
    yield disk(settings.folder)
    for name in ("folder", "state_folder", "log_folder", "presets_folder", "models_folder"):
        yield folder(name, getattr(settings, name))
    yield presets(settings.presets_folder)
    number, running = _found(settings, port_asked)
    yield port(number, settings.port == AUTO, settings.near_host, running)
    yield sound_checks.midi(settings.midi_in, running)
    yield sound_checks.synth(settings.soundfont)
    yield sound_checks.audio(settings.audio_device, settings.device_channels, settings.audio_samplerate_hz)
    yield torch()
    yield model(settings.engine, settings.model, settings.engine_environment)


def python(version: tuple[int | str, ...] = sys.version_info) -> Finding:
    fact = ".".join(str(number) for number in version[:3])
    return Finding("Python", tuple(version[:2]) >= PYTHON, fact, "install Python {}.{} or later".format(*PYTHON))


def packages(names: tuple[str, ...] = PACKAGES) -> Finding:
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    fact = f"missing: {', '.join(missing)}" if missing else ", ".join(found)
    return Finding("packages", not missing, fact, "run 'pip install inspire-daw' again, or 'make setup' in a checkout")


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
        return Finding("memory", True, "cannot be measured on this system")
    advice = f"close other programs: {LEAST_MEMORY_GB} GB are needed"
    return Finding("memory", available >= LEAST_MEMORY_GB, f"{available:.1f} GB", advice)


def disk(path: Path, least_gb: float = LEAST_DISK_GB) -> Finding:
    """The space where results go."""
    advice = f"free some space: {least_gb:g} GB are needed, or set folder to another disk"
    try:
        free_gb = shutil.disk_usage(_what_is_there(path)).free / 1e9
    except OSError as error:
        return Finding("disk", False, f"{path}: {error.strerror}", advice)
    return Finding("disk", free_gb >= least_gb, f"{free_gb:.1f} GB free", advice)


def folder(setting: str, path: Path) -> Finding:
    """Tries to write there; where it is not there yet, to where it will be made."""
    advice = f"make it writable, or set {setting} to another"
    try:
        with tempfile.NamedTemporaryFile(dir=_what_is_there(path), prefix=".inspire-") as file:
            file.write(b"doctor")
    except OSError as error:
        return Finding(setting, False, f"{path}: {error.strerror}", advice)
    return Finding(setting, True, str(path))


def _what_is_there(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def presets(path: Path) -> Finding:
    library = Presets(path)
    fact = library.problems[0] if library.problems else f"{len(library.all())} presets"
    return Finding("presets", not library.problems, fact, "correct that file: a preset that cannot be read is left out")


def _found(settings: Settings, port_asked: bool) -> tuple[int, State | None]:
    """The daemon's port and what it says of itself; where none answers, the port that it would try first."""
    for host, number in state_file.addresses(settings, port_asked):
        if running := running_daemon(number, host, settings.token):
            return number, running
    return settings.usual_port, None


def running_daemon(number: int, host: str = LOOPBACK, token: str = "") -> State | None:
    """What the daemon that answers on a port says of itself; None where none does."""
    if number == 0:
        return None
    try:
        with Client(number, host, patience_s=_ANSWER_S, token=token) as client:
            return state if isinstance(client.ping(), Pong) and isinstance(state := client.status(), State) else None
    except BridgeError:  # nobody, or somebody else
        return None


def port(number: int, another_will_do: bool = False, host: str = LOOPBACK, running: State | None = None) -> Finding:
    """Ours when a daemon answers there, else it must be free, and a datagram sent to it must arrive."""
    if running:
        return Finding("port", True, f"{number}: inspire {running.pairs.get('version', 'of an unknown version')} answers")
    try:
        udp, tcp = bind(host, number)
    except PortTaken as error:
        advice = f"end the program that holds it, or choose another (setting port; {AUTO} finds one)"
        return Finding("port", another_will_do, f"{error} by {port_owner.describe(number)}", advice)
    except SettingsError as error:
        return Finding("port", False, str(error), "set host to an address of this machine")
    with contextlib.ExitStack() as stack:
        for one in (*udp, *tcp):
            stack.enter_context(one)
        arrives = all(map(_round_trip, udp))
    fact = f"{number} is free" if number else "any free one, as set"
    advice = "let a firewall pass what this machine sends to itself"
    return Finding("port", arrives, f"{fact}; no daemon runs" if arrives else f"what is sent to {number} does not arrive", advice)


def _round_trip(datagrams: socket.socket) -> bool:
    datagrams.settimeout(1.0)
    try:
        datagrams.sendto(b"inspire", datagrams.getsockname())
        return datagrams.recv(16) == b"inspire"
    except OSError:
        return False


def torch() -> Finding:
    return _tried("torch", _TORCH, [], "install torch for this machine: see pytorch.org", lambda fact: fact)


def model(engine: str, name: str, environment: Mapping[str, str] | None = None) -> Finding:
    """Loads it, which reads and checks every tensor, and warms it up. environment: of the engine's process, beside this one's."""
    advice = "get the model's files again, or name another (setting model)"
    return _tried("model", _MODEL, [engine, name], advice, _facts, environment)


def _facts(fact: str) -> str:
    return ", ".join(f"{name} {value}" for name, value in json.loads(fact.splitlines()[-1]).items())


def _tried(
    check: str, code: str, arguments: list[str], advice: str, read: Callable[[str], str],
    environment: Mapping[str, str] | None = None,
) -> Finding:  # fmt: skip
    """Runs `code` in a process of its own; the last line that it prints is the finding."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        around = {**os.environ, **(environment or {})}
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=around)
    except subprocess.TimeoutExpired:
        return Finding(check, False, f"no answer in {PATIENCE_S:g} s", advice)
    if result.returncode:
        said = result.stderr.strip().splitlines()
        return Finding(check, False, said[-1] if said else f"ended with status {result.returncode}", advice)
    return Finding(check, True, read(result.stdout.strip()))
