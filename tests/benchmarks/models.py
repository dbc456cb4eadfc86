"""What benchmarks run: an installed model, or seeded random weights of the embedded model's size; in chunks, or in one piece."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.api import ModelError
from engine.checkpoints.library import find_model
from engine.rendering.windows import ChunkPlan
from engine.training.sketch import SKETCH
from tests.tiny_model import write_seeded_model

WHOLE = ChunkPlan(first_s=3600.0, longest_s=3600.0)  # longer than any piece: nothing is rendered before the last token


@contextlib.contextmanager
def model_directory(name: str) -> Iterator[tuple[str, Path]]:
    """(label, directory) of the model `name`. When it is not installed: seeded weights of the sketch's size, just as fast, whose
    sound means nothing; then the label says `seeded`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            label, directory = Path(name).name, find_model(name)
        except ModelError as error:
            print(f"{error}; measuring seeded random weights of the sketch's size instead", file=sys.stderr)
            label, directory = "seeded", write_seeded_model(Path(folder) / "seeded", SKETCH)
        yield label, directory
