"""What a checkpoint's directory holds is found out once, by its reader; all others ask what a network can do.

A model of another layout is then a change of `engine.checkpoints` alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
READER = "engine/checkpoints/"
WRITER = "engine/training/adapted_model.py"  # of a model in its base's layout
NETWORKS = ("WavTokenizer", "HiFiCodec", "TokenEncoder", "LatentEncoder", "FrameGenerator", "TonesAndNoise", "Tensor")
# Where a network of sketch's kind is built, instead of the released one, or given parts that only it has.
BUILDERS = ("engine/models/", "engine/training/pack.py")
MODELS_OWN_FILES = ("model.json", "llm.pt", "inspiremusic.yaml")


def checks_in(code: str) -> Iterator[str]:
    """Everything in some source that asks for a checkpoint's layout, its files or a network's class."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and node.attr == "layout":
            yield "layout"
        elif isinstance(node, ast.Constant) and node.value in MODELS_OWN_FILES:
            yield "file"
        elif isinstance(node, ast.Attribute) and node.attr in ("spectral", "encoder_blocks"):
            yield "kind"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            names = {getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(node.args[1])}
            if names.intersection(NETWORKS):
                yield "kind"
        elif isinstance(node, ast.Compare) and any(getattr(part, "value", None) == "sketch" for part in ast.walk(node)):
            yield "name"


@pytest.mark.parametrize("room", ["engine", "bridge"])
def test_nobody_but_the_reader_checks_a_checkpoints_layout(room):
    found = {}
    for file in sorted((ROOT / room).rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        allowed = {"layout", "file", "kind"} if name.startswith(READER) else {"layout", "file"} if name == WRITER else set()
        allowed |= {"kind"} if name.startswith(BUILDERS) else set()
        if wrong := set(checks_in(file.read_text("utf-8"))) - allowed:
            found[name] = wrong
    assert not found, "ask the checkpoint or the codec for what it can do (engine/models/codec.py), not for what it is"


@pytest.mark.parametrize(
    "code",
    [
        "if checkpoint.layout == 'own': pass",
        "(directory / 'model.json').is_file()",
        "views = codec.views if isinstance(codec, WavTokenizer) else 1",
        "isinstance(codec, models.HiFiCodec | models.WavTokenizer)",
        "config.wavtokenizer.spectral is None",
        "if model.name == 'sketch': pass",
    ],
)
def test_each_kind_of_check_is_found(code):
    assert list(checks_in(code))


def test_what_only_names_a_model_is_no_check():
    assert not list(checks_in("DEFAULT = 'sketch'\nlayout = 'own'\nisinstance(value, str)\nload('sketch')"))
