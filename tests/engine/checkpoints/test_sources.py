"""What the two hubs list of a model, and how their files come, from servers that speak as they do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.checkpoints.published import PUBLISHED
from engine.checkpoints.sources import HuggingFace, ModelScope, RemoteFile, SourceError, Unreachable
from tests.hub import COMMIT, LARGE, NAME, REPOSITORY, SIZES, Hub, git_sha1, nowhere

MODEL, SCOPE_REPOSITORY = PUBLISHED[NAME], "iic/InspireMusic"
FILES = {"llm.pt": bytes(range(256)) * (LARGE // 200), "config.json": b"{}\n"}


@pytest.fixture
def hugging_face(monkeypatch):
    with Hub({REPOSITORY: dict(FILES)}) as one:
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        yield one
    assert not one.violations


@pytest.fixture
def model_scope(monkeypatch):
    with Hub({SCOPE_REPOSITORY: dict(FILES)}, scope=True, licence="Apache License 2.0") as one:
        monkeypatch.setenv("MODELSCOPE_DOMAIN", one.address)
        yield one
    assert not one.violations


def test_the_server_of_these_tests_speaks_as_the_hubs_own_client_expects(hub, tmp_path):
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    reported = get_hf_file_metadata(hf_hub_url(REPOSITORY, "llm.pt", endpoint=hub.address))
    assert reported.commit_hash == COMMIT and reported.size == SIZES["llm.pt"] and len(reported.etag) == 64
    path = hf_hub_download(REPOSITORY, "config.json", endpoint=hub.address, cache_dir=tmp_path)
    assert Path(path).read_bytes() == hub.files[REPOSITORY]["config.json"]



def test_hugging_face_lists_a_commit_with_a_hash_of_each_file(hugging_face):
    listing = HuggingFace().list(MODEL, None)
    assert (listing.repository, listing.revision, listing.licence) == (REPOSITORY, COMMIT, "apache-2.0")
    files = {file.path: file for file in listing.files}
    assert {name: file.bytes for name, file in files.items()} == {name: len(content) for name, content in FILES.items()}
    assert len(files["llm.pt"].sha256) == 64 and not files["llm.pt"].git_sha1
    assert (files["config.json"].sha256, files["config.json"].git_sha1) == ("", git_sha1(FILES["config.json"]))
    assert files["config.json"].identity == git_sha1(FILES["config.json"])


def test_model_scope_lists_files_without_folders_and_names_no_commit(model_scope):
    listing = ModelScope().list(MODEL, None)
    assert (listing.repository, listing.revision, listing.licence) == (SCOPE_REPOSITORY, "master", "Apache License 2.0")
    assert {file.path: file.bytes for file in listing.files} == {name: len(content) for name, content in FILES.items()}
    assert all(len(file.sha256) == 64 for file in listing.files)


@pytest.mark.parametrize("source", ["hugging_face", "model_scope"])
def test_a_download_appends_what_is_still_to_come(source, request):
    server = request.getfixturevalue(source)
    of = HuggingFace() if source == "hugging_face" else ModelScope()
    listing = of.list(MODEL, None)
    (large,) = (file for file in listing.files if file.path == "llm.pt")
    sink = io.BytesIO(FILES["llm.pt"][:1000])
    sink.seek(1000)
    of.download(listing, large, sink, 1000)
    assert sink.getvalue() == FILES["llm.pt"] and server.ranges == ["bytes=1000-"]


@pytest.mark.parametrize("source", [HuggingFace, ModelScope])
def test_where_nobody_answers_another_source_may(source, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", nowhere())
    monkeypatch.setenv("MODELSCOPE_DOMAIN", nowhere())
    with pytest.raises(Unreachable, match=f"^{source.name} cannot be reached"):
        source().list(MODEL, None)


def test_what_a_source_does_not_have_is_no_failure_of_the_network(hugging_face, model_scope):
    for source in (HuggingFace(), ModelScope()):
        with pytest.raises(SourceError, match=f"^{source.name} has no ") as raised:
            source.list(PUBLISHED["InspireMusic-1.5B"], None)
        assert not isinstance(raised.value, Unreachable)
        with pytest.raises(SourceError, match="revision") as raised:
            source.list(MODEL, "v9")
        assert not isinstance(raised.value, Unreachable)


def test_a_file_that_is_refused_names_it_and_the_status(model_scope):
    listing = ModelScope().list(MODEL, None)
    with pytest.raises(SourceError, match=r"ModelScope denies access to gone\.pt \(status 404\)"):
        ModelScope().download(listing, RemoteFile("gone.pt", 5, "0" * 64), io.BytesIO(), 0)
