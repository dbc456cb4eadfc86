"""Models by name and by path, without torch."""

import pytest

from engine.api import ModelError
from engine.checkpoints import library
from engine.checkpoints.library import ModelInfo, find_model, list_models


def make(folder, name, file):
    (folder / name).mkdir(parents=True)
    (folder / name / file).write_text("{}")
    return folder / name


@pytest.fixture
def folders(tmp_path, monkeypatch):
    embedded, own = tmp_path / "embedded", tmp_path / "own"
    make(embedded, "sketch", "model.json")
    make(own, "sketch", "model.json")
    make(own, "mine", "model.json")
    make(own, "large", "llm.pt")
    (own / "notes").mkdir()
    monkeypatch.setattr(library, "EMBEDDED_MODELS", embedded)
    monkeypatch.setenv("INSPIRE_MODELS_FOLDER", str(own))
    return embedded, own


def test_models_are_found_by_name_then_by_path(folders, tmp_path):
    embedded, own = folders
    elsewhere = make(tmp_path, "elsewhere", "model.json")
    assert list_models() == {
        "sketch": ModelInfo("sketch", embedded / "sketch", "embedded"),
        "large": ModelInfo("large", own / "large", "released"),
        "mine": ModelInfo("mine", own / "mine", "own"),
    }
    assert find_model("sketch") == embedded / "sketch" and find_model("mine") == own / "mine"
    assert find_model(str(elsewhere)) == elsewhere


def test_what_is_no_model_is_reported(folders):
    with pytest.raises(ModelError, match="no model 'sktech'.*one of sketch, large, mine"):
        find_model("sktech")
    with pytest.raises(ModelError, match="neither model.json nor llm.pt"):
        find_model(folders[1] / "notes")
    for strange in ("", "~nobody-here/x", "x" * 5000, "a\0b"):
        with pytest.raises(ModelError):
            find_model(strange)


def test_the_size_of_a_model_is_that_of_its_weights(folders):
    (folders[1] / "mine" / "flow.safetensors").write_bytes(b"x" * 1000)
    (folders[1] / "mine" / "README.md").write_text("a card")
    assert list_models()["mine"].bytes == 1000


def test_without_a_folder_there_are_the_embedded_models(folders, monkeypatch, tmp_path):
    monkeypatch.setenv("INSPIRE_MODELS_FOLDER", str(tmp_path / "nowhere"))
    assert list(list_models()) == ["sketch"]


def test_each_kind_of_model_has_the_licence_of_its_publishers(tmp_path):
    kinds = ("released", "embedded", "musicgen", "stable-audio", "own")
    said = {kind: ModelInfo("one", tmp_path, kind).licence for kind in kinds}
    assert said["released"] == said["embedded"] == "Apache-2.0" and said["own"] == ""
    assert "CC-BY-NC-4.0" in said["musicgen"] and "not for commercial use" in said["musicgen"]
    assert "up to 1 M USD a year" in said["stable-audio"] and "registered" in said["stable-audio"]
