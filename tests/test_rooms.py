"""Tests mirror the rooms: what bridge/jobs/queue.py does, tests/bridge/jobs/test_queue.py tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT = {"__init__.py", "__main__.py"}  # names gathered from a room's modules, and a program's first line


@pytest.mark.parametrize("package", ["bridge", "engine", "max_for_live", "presets"])
def test_every_module_has_a_test_file_in_its_place(package):
    modules = [path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py") if path.name not in WITHOUT]
    missing = [str(module) for module in modules if not (ROOT / "tests" / module.parent / f"test_{module.name}").exists()]
    assert sorted(missing) == []
