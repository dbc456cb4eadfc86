"""A small model in either layout, copies of it to break, and a hub that serves one."""

import shutil
from pathlib import Path

import pytest

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tests.engine.checkpoints.small_release import write_small_release
from tests.hub import REPOSITORY, Hub, nowhere
from tests.hub import release as files_of_a_release


@pytest.fixture(scope="session")
def small_release(tmp_path_factory) -> Path:
    return write_small_release(tmp_path_factory.mktemp("release") / "Small")


@pytest.fixture
def release(small_release, tmp_path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(small_release, tmp_path / "Small"))


@pytest.fixture
def ours(small_release, tmp_path) -> Path:
    model = load_checkpoint(small_release)
    save_checkpoint(tmp_path / "ours", model.config, {name: getattr(model, name) for name in checkpoint.NETWORKS})
    (tmp_path / "ours/tokenizer.json").write_text("{}")
    return tmp_path / "ours"


@pytest.fixture
def hub(monkeypatch):
    with Hub({REPOSITORY: files_of_a_release()}) as one:
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        monkeypatch.setenv("MODELSCOPE_DOMAIN", nowhere())
        yield one
    assert not one.violations


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models"
