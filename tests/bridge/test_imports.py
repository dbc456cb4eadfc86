"""Imports point one way: the bridge knows of the engine its contract only, the engine knows nothing of the bridge."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# cli → daemon → {server, jobs, supervisor, …} → {commands, replies, osc_spec}: what stands left may import what stands right
# of it.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"daemon", "doctor", "job_views", "monitor", "osc_markdown"},
    {"jobs", "midi_in", "midi_control"},
    {"journal", "port_holder", "midi_clip", "midi_ports", "state_file"},
    {"client", "database", "server", "supervisor", "sinks", "audio_device", "clients", "settings", "presets", "transport"},
    {"announcement", "datagrams", "tcp", "midi_map", "audio_output", "voice"},
    {"commands", "replies", "wire", "worker", "wav", "midi_file", "audio_worker", "result_names"},
    {"arguments", "backlog", "job_queue", "link", "playout", "resampler", "toml_file"},
    {"osc_spec", "errors", "limits", "ring_buffer"},
]


def imports(package: str) -> Iterator[tuple[str, str]]:
    """(file or subpackage, what it imports)."""
    for file in sorted((ROOT / package).rglob("*.py")):
        room = file.relative_to(ROOT / package).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((room, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file} imports relatively"
                for alias in node.names:
                    yield room, f"{node.module}.{alias.name}"


def test_the_bridge_knows_only_the_engines_contract():
    for file, name in imports("bridge"):
        if name.split(".")[0] == "engine":
            assert name.split(".")[1] in ("api", "library"), f"bridge/{file}.py imports {name}"
        assert name.split(".")[0] not in ("torch", "transformers"), f"bridge/{file}.py imports {name}"


def test_the_engine_does_not_know_the_bridge():
    for file, name in imports("engine"):
        assert name.split(".")[0] != "bridge", f"engine/{file}.py imports {name}"


def test_only_one_module_knows_python_osc():
    assert {file for file, name in imports("bridge") if name.startswith("pythonosc")} == {"wire"}


def test_inside_the_bridge_imports_point_down():
    depth = {module: number for number, layer in enumerate(LAYERS) for module in layer}
    for file, name in imports("bridge"):
        parts = name.split(".")
        if parts[0] != "bridge" or file == "__init__":
            continue
        target = parts[1]
        if target in depth and target != file:
            assert depth[file] < depth[target], f"bridge/{file}.py imports {name}"


@pytest.mark.parametrize("module", ["bridge.cli", "bridge.daemon", "bridge.worker", "bridge.client"])
def test_no_module_brings_torch_or_a_sound_card(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'sounddevice') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
