"""Imports point one way: the bridge knows of the engine its contract only, the engine knows nothing of the bridge."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the street inwards: what stands left may import what stands right of it.
BRIDGE = [
    "__main__", "reaper", "examples", "cli", "daemon", "handlers", "jobs", "audio", "config", "midi", "engine_host", "results",
    "mailbox", "client", "osc", "link", "observed_time", "toml_file", "version", "user", "log", "plain_text",
    "errors", "limits",
]  # fmt: skip
ENGINE = [
    "__main__", "training", "evaluation", "pipeline", "conditioning", "continuation", "corpus", "rendering", "acceleration",
    "checkpoints", "models", "music", "config", "api", "words",
]  # fmt: skip


def imports_of_files(package: str) -> Iterator[tuple[Path, str]]:
    """(file, what it imports)."""
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file} imports relatively"
                for alias in node.names:
                    yield file, f"{node.module}.{alias.name}"


def imports(package: str) -> Iterator[tuple[str, str]]:
    """(room, what it imports): a room is a folder of the package, or a file beside the folders."""
    for file, name in imports_of_files(package):
        yield file.relative_to(ROOT / package).with_suffix("").parts[0], name


def test_the_bridge_knows_only_the_engines_contract():
    for file, name in imports("bridge"):
        if name.split(".")[0] == "engine":
            assert name.startswith(("engine.api.", "engine.checkpoints.library.")), f"bridge/{file} imports {name}"
        assert name.split(".")[0] not in ("torch", "transformers"), f"bridge/{file}.py imports {name}"


def test_the_engine_does_not_know_the_bridge():
    for file, name in imports("engine"):
        assert name.split(".")[0] != "bridge", f"engine/{file}.py imports {name}"


def test_only_one_module_knows_python_osc():
    known_in = {str(file.relative_to(ROOT)) for file, name in imports_of_files("bridge") if name.startswith("pythonosc")}
    assert known_in == {"bridge/osc/codec.py"}


@pytest.mark.parametrize("package, rooms", [("bridge", BRIDGE), ("engine", ENGINE)])
def test_between_rooms_imports_point_one_way(package, rooms):
    depth = {room: number for number, room in enumerate(rooms)}
    for room, name in imports(package):
        parts = name.split(".")
        if parts[0] != package or room == "__init__" or parts[1] not in depth or parts[1] == room:
            continue
        assert depth[room] < depth[parts[1]], f"{package}/{room} imports {name}"


@pytest.mark.parametrize("module", ["bridge.cli", "bridge.daemon", "bridge.engine_host.worker", "bridge.osc.client"])
def test_no_module_brings_torch_or_a_sound_card(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'sounddevice') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
