"""The paper's stages on a model in the published layout, at tiny size: what each trains and leaves, and that the result plays."""

import shutil

import numpy as np
import pytest
import torch

from engine.api import EngineError, ModelError
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.published import find_published
from engine.training import codec, flow_matching, released
from engine.training.released import main, train_language_model, train_released
from tests.engine.conftest import run
from tests.engine.training.conftest import read_log
from tests.released import write_released

STEPS = 3 / 60  # minutes of a stage, where a step takes a second


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_released(tmp_path_factory.mktemp("models") / "InspireMusic-Base", find_published("InspireMusic-Base"))


@pytest.fixture(scope="module")
def tokens(model, corpus, tmp_path_factory):
    return released._tokens(load_checkpoint(model), corpus, tmp_path_factory.mktemp("tokens"), trained=False)


def changed(before, after):
    return [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]


def test_all_stages_in_order_and_the_result_plays(model, corpus, tmp_path, engine, one_second_a_step, monkeypatch):
    for module, name in ((released, "HELD_OUT_ROWS"), (codec, "HELD_OUT_CROPS"), (flow_matching, "HELD_OUT_CROPS")):
        monkeypatch.setattr(module, name, 1)
    made = train_released(model, corpus, tmp_path / "runs", minutes=4 * STEPS, batch=2, row_s=0.32)
    before, after = load_checkpoint(model), load_checkpoint(made)
    assert after.layout == "released" and after.config.language_model == before.config.language_model
    for name in ("wavtokenizer", "language_model", "flow"):
        assert changed(getattr(before, name).state_dict(), getattr(after, name).state_dict()), name
    assert not changed(before.hifi_codec.state_dict(), after.hifi_codec.state_dict())
    for stage in released.STAGES:
        lines = read_log(tmp_path / "runs" / stage)
        assert np.isfinite([value for line in lines for value in line.values()]).all() and lines[-1]["step"] == 3, stage
    logged = {name for line in read_log(tmp_path / "runs" / "tokenizer") for name in line}
    assert {"level", "commitment", "discriminator", "adversarial", "held_out_level"} <= logged
    audio, end, *_ = run(engine, str(made), prompt="techno", duration_s=0.5, seed=1)
    assert end.samplerate == 48_000 and len(audio) == 24_000


def test_a_single_stage_leaves_the_rest_and_resumes(model, corpus, tokens, tmp_path, one_second_a_step, monkeypatch):
    monkeypatch.setattr(released, "HELD_OUT_ROWS", 0)
    (tmp_path / "runs").mkdir()
    shutil.copy(tokens, tmp_path / "runs")
    options = {"stages": ["captions"], "batch": 1, "row_s": 0.5}
    made = train_released(model, corpus, tmp_path / "runs", minutes=STEPS, **options)
    first = load_checkpoint(made)
    assert not changed(load_checkpoint(model).wavtokenizer.state_dict(), first.wavtokenizer.state_dict())
    made = train_released(model, corpus, tmp_path / "runs", minutes=2 * STEPS, **options)
    assert read_log(tmp_path / "runs" / "captions")[-1]["step"] == 6
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["captions", "model", "tokens.npz"]


def test_the_language_model_learns(model, corpus, tokens, tmp_path, one_second_a_step):
    """Its loss on held-out rows falls below that of equal chances."""
    checkpoint = load_checkpoint(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(released, "RATE", 3e-2)
        patch.setattr(released, "WARMUP_STEPS", 1)
        patch.setattr(released, "HELD_OUT_ROWS", 2)
        train_language_model(checkpoint, corpus, tokens, tmp_path / "run", audio_only=False, minutes=0.5, batch=1, row_s=0.5)
    losses = [line["held_out"] for line in read_log(tmp_path / "run") if "held_out" in line]
    assert losses[-1] < 0.95 * np.log(65)


def test_what_cannot_be_trained_is_one_sentence(model, corpus, tmp_path, capsys):
    assert main(["sketch", str(corpus), str(tmp_path / "runs")]) == 2
    assert "not in InspireMusic's published layout" in capsys.readouterr().err
    without = shutil.copytree(model, tmp_path / "without")
    for file in ("flow.pt", "music_tokenizer/model.pt", "music_tokenizer/config.json"):
        (without / file).unlink()
    with pytest.raises(ModelError, match="has no flow to train"):
        train_released(without, corpus, tmp_path / "runs", minutes=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError, match="is no corpus"):
        train_released(model, tmp_path / "empty", tmp_path / "runs", ["flow"], minutes=1)
