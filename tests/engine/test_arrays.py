"""The types of arrays that modules hand each other."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import engine
from engine.arrays import Audio, FloatArray, TokenArray

KINDS = {"Audio": (Audio, np.float32), "FloatArray": (FloatArray, np.floating), "TokenArray": (TokenArray, np.integer)}


@pytest.mark.parametrize("name", KINDS)
def test_each_type_means_one_thing_everywhere(name):
    """An Audio of float64 in one module would pass the type checker and double what a clip takes of memory."""
    kind, element = KINDS[name]
    assert get_args(get_args(kind)[1]) == (element,)
    root = Path(engine.__file__).parent
    files = [file for file in root.rglob("*.py") if re.search(rf"(?m)^{name}\b.* = ", file.read_text("utf-8"))]
    assert files == [root / "arrays.py"]
