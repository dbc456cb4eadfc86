"""What is half there of a model: what of it is right, what is taken over, what goes, and how it comes into place at once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.checkpoints import pull_staging
from engine.checkpoints.pull_staging import hashed, is_got, keep_only, part_of, plan_of, put_in_place, reuse, tree_of, write_json
from engine.checkpoints.sources import RemoteFile
from tests.hub import git_sha1

LARGE, SMALL = b"weights" * 300_000, b"{}\n"
FILES = [
    RemoteFile("llm.pt", len(LARGE), hashlib.sha256(LARGE).hexdigest()), RemoteFile("folder/config.json", 3, "", git_sha1(SMALL))
]  # fmt: skip
LOCK = {"source": "a hub", "revision": "1"}


@pytest.fixture
def staging(tmp_path) -> Path:
    keep_only(tmp_path / "staging", FILES)
    return tmp_path / "staging"


@pytest.fixture
def target(tmp_path) -> Path:
    """A whole model that is there."""
    for file, content in zip(FILES, (LARGE, SMALL), strict=True):
        path = tmp_path / "model" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "model"


@pytest.mark.parametrize("number", [0, 1], ids=["SHA-256", "git's SHA-1"])
def test_content_is_held_against_the_hash_that_the_source_states(target, number):
    path = target / FILES[number].path
    assert hashed(path, FILES[number]) == (hashlib.sha256(path.read_bytes()).hexdigest(), True)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert hashed(path, FILES[number])[1] is False


def test_a_file_is_got_while_it_is_there_whole_and_of_this_content(staging):
    file, place = FILES[1], tree_of(staging) / FILES[1].path
    plan = {"got": {file.path: {"identity": file.identity}}}
    assert not is_got(file, staging, plan)
    place.parent.mkdir(parents=True)
    place.write_bytes(SMALL)
    assert is_got(file, staging, plan) and not is_got(file, staging, {"got": {}})
    assert not is_got(RemoteFile(file.path, 3, "", "another"), staging, plan)
    place.write_bytes(b"c")
    assert not is_got(file, staging, plan)


def test_what_belongs_to_another_revision_goes(staging):
    (tree_of(staging) / "llm.pt").write_bytes(LARGE)
    part_of(staging, FILES[1]).write_bytes(b"{")
    old = [tree_of(staging) / "old.pt", part_of(staging, RemoteFile("llm.pt", 9, "another"))]
    for path in old:
        path.write_bytes(b"old")
    keep_only(staging, FILES)
    assert (tree_of(staging) / "llm.pt").read_bytes() == LARGE and part_of(staging, FILES[1]).read_bytes() == b"{"
    assert not any(path.exists() for path in old)


@pytest.mark.parametrize("links", [True, False], ids=["links", "a file system without links"])
def test_what_is_right_of_a_model_that_is_there_is_not_fetched_again(target, staging, links, monkeypatch):
    if not links:
        monkeypatch.setattr(pull_staging.os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    (target / "llm.pt").write_bytes(LARGE[:-1] + b"!")  # damaged at its full length
    reuse(target, LOCK, staging, FILES)
    plan = plan_of(staging)
    assert set(plan["got"]) == {"folder/config.json"} and (plan["source"], plan["revision"]) == ("a hub", "1")
    assert is_got(FILES[1], staging, plan) and not (tree_of(staging) / "llm.pt").exists()
    assert os.path.samefile(target / "folder/config.json", tree_of(staging) / "folder/config.json") is links


def test_of_a_directory_without_a_lock_nothing_is_taken(target, staging):
    reuse(target, None, staging, FILES)
    assert plan_of(staging) is None and not list(tree_of(staging).iterdir())


def test_a_whole_tree_takes_the_place_of_an_older_model(target, staging):
    (tree_of(staging) / "new.pt").write_bytes(b"new")
    put_in_place(staging, target)
    assert [path.name for path in target.iterdir()] == ["new.pt"]
    assert sorted(path.name for path in target.parent.iterdir()) == ["model"]  # no staging, no older one


@pytest.mark.parametrize("content", ["", "{", "[]", '{"source": "a hub"}'])
def test_a_plan_that_cannot_be_used_is_none(staging, content):
    write_json(staging / "plan.json", LOCK)
    assert plan_of(staging) == LOCK and not list(staging.glob("*.partial"))
    (staging / "plan.json").write_text(content)
    assert plan_of(staging) is None
