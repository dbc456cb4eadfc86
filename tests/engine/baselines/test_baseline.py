"""Which baseline plays a directory. That it plays is tested with each of them."""

import pytest

from engine.acceleration import choose_runtime
from engine.baselines.baseline import load_baseline
from engine.checkpoints.library import find_model

RUNTIME = choose_runtime("cpu")


@pytest.fixture(autouse=True)
def instead_of_loading(monkeypatch):
    for name in ("MusicGen", "StableAudio"):
        monkeypatch.setattr(f"engine.baselines.baseline.{name}", lambda *given, name=name: (name, *given))


@pytest.mark.parametrize(
    ("file", "content", "kind"),
    [
        ("config.json", '{"model_type": "musicgen"}', "MusicGen"),
        ("model_index.json", '{"_class_name": "StableAudioPipeline"}', "StableAudio"),
    ],
)
def test_what_the_publisher_wrote_decides(tmp_path, file, content, kind):
    (tmp_path / file).write_text(content)
    assert load_baseline("mine", tmp_path, RUNTIME) == (kind, "mine", tmp_path, RUNTIME)


@pytest.mark.parametrize(("file", "content"), [("config.json", '{"model_type": "qwen2"}'), ("model_index.json", "{")])
def test_another_model_and_one_of_ours_are_none(tmp_path, file, content):
    (tmp_path / file).write_text(content)
    assert load_baseline("other", tmp_path, RUNTIME) is None
    assert load_baseline("sketch", find_model("sketch"), RUNTIME) is None
