"""Imports point one way: the contracts in pyproject.toml hold, and no module brings more than it should."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_contracts_between_rooms_hold():
    """The order of the rooms, and that the bridge knows only the engine's contract: [tool.importlinter] in pyproject.toml."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_one_module_knows_python_osc():
    known_in = set()
    for file in (ROOT / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            imported = isinstance(node, ast.Import)
            names = [alias.name for alias in node.names] if imported else [getattr(node, "module", None) or ""]
            if any(name.startswith("pythonosc") for name in names):
                known_in.add(str(file.relative_to(ROOT)))
    assert known_in == {"bridge/osc/codec.py"}


@pytest.mark.parametrize("module", ["bridge.cli", "bridge.daemon", "bridge.engine_host.worker", "bridge.osc.client"])
def test_no_module_brings_torch_or_a_sound_card(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'sounddevice') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
