"""Getting models from a server that speaks the hubs' protocols: whole, cut, spoilt, onto a full disk, from nowhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.api import ModelError
from engine.checkpoints import pull as puller
from engine.checkpoints.library import LOCK, find_model, list_models
from tests.hub import COMMIT, NAME, REPOSITORY, SIZES, SMALL, Hub, nowhere, release


def assert_nothing_to_load(folder: Path) -> None:
    assert not [one for one in list_models(folder).values() if one.kind != "embedded"]
    assert not (folder / NAME).exists()


def test_a_pull_brings_what_is_needed_and_its_lock(hub, folder):
    steps = []
    path, fetched = puller.pull("inspiremusic-base", folder, report=steps.append)
    assert fetched and path == folder / NAME
    wanted = set(SIZES) | set(SMALL)
    assert {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()} == wanted | {LOCK}
    assert all((path / name).read_bytes() == hub.files[REPOSITORY][name] for name in wanted)
    lock = json.loads((path / LOCK).read_text())
    assert (lock["source"], lock["repository"], lock["revision"]) == ("Hugging Face", REPOSITORY, COMMIT)
    assert lock["licence"] == "apache-2.0" and set(lock["files"]) == wanted
    assert steps[0].listing.licence == "apache-2.0"
    assert steps[-1].done == steps[-1].total == sum(len(hub.files[REPOSITORY][name]) for name in wanted)
    assert [one.done for one in steps] == sorted(one.done for one in steps)
    assert list_models(folder)[NAME].kind == "released" and puller.verify(NAME, folder) == []
    assert not (folder / puller.STAGING / NAME).exists()


def test_a_model_that_is_there_is_verified_not_fetched(hub, folder):
    puller.pull(NAME, folder)
    before = len(hub.requests)
    assert puller.pull(NAME, folder) == (folder / NAME, False)
    assert len(hub.requests) == before


def test_a_variant_without_flow_takes_fewer_files_of_the_same_repository(hub, folder):
    path, _ = puller.pull("Base-fast", folder)
    assert path.name == "InspireMusic-Base-fast"
    assert not (path / "flow.pt").exists() and not (path / "music_tokenizer").exists() and (path / "llm.pt").exists()


def test_a_connection_cut_in_the_middle_goes_on_from_there(hub, folder):
    hub.cut_at = 15_000_000
    puller.pull(NAME, folder)
    (asked,) = hub.ranges
    assert asked == f"bytes={int(asked[6:-1])}-" and 0 < int(asked[6:-1]) < SIZES["llm.pt"]
    assert puller.verify(NAME, folder) == []


def test_a_server_gone_in_the_middle_leaves_no_model_and_the_next_pull_goes_on(hub, folder, monkeypatch):
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download.time, "sleep", lambda s: None)  # between its tries
    hub.down_at = 15_000_000
    with pytest.raises(ModelError, match=r"^Hugging Face broke off in llm\.pt \(.*\)$"):
        puller.pull(NAME, folder)
    assert_nothing_to_load(folder)
    half = puller.half_pulled(folder)[NAME]
    assert 5_000_000 < half <= 15_000_000  # the hub's client keeps what it has ten megabytes at a time
    hub.down_at, hub.sent, hub.ranges[:] = None, 0, []
    puller.pull(NAME, folder)
    assert re.fullmatch(r"bytes=\d{7,8}-", hub.ranges[0]) and hub.sent < sum(SIZES.values()) - 5_000_000
    assert puller.verify(NAME, folder) == [] and puller.half_pulled(folder) == {}


def test_what_one_source_began_another_ends(hub, folder, monkeypatch):
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download.time, "sleep", lambda s: None)
    hub.down_at = 15_000_000
    with pytest.raises(ModelError, match="broke off"):
        puller.pull(NAME, folder)
    with Hub({"iic/InspireMusic": release()}, scope=True, licence="Apache License 2.0") as scope:
        monkeypatch.setenv("MODELSCOPE_DOMAIN", scope.address)
        puller.pull(NAME, folder)
    assert not scope.violations and scope.sent < sum(SIZES.values()) - 5_000_000
    lock = puller.read_lock(folder / NAME)
    assert (lock["source"], lock["repository"], lock["revision"]) == ("ModelScope", "iic/InspireMusic", "master")
    assert lock["licence"] == "Apache License 2.0" and puller.verify(NAME, folder) == []


@pytest.mark.parametrize("name", ["llm.pt", "config.json"])  # by SHA-256, and as a git blob
def test_a_wrong_content_is_rejected_and_forgotten(hub, folder, name):
    hub.spoilt = {name}
    said = rf"^{re.escape(name)} came with another content than Hugging Face says .*pull it again$"
    with pytest.raises(ModelError, match=said):
        puller.pull(NAME, folder)
    assert_nothing_to_load(folder)
    hub.spoilt = set()
    puller.pull(NAME, folder)
    assert puller.verify(NAME, folder) == []


def test_a_disk_too_small_is_seen_before_a_byte_comes(hub, folder, monkeypatch):
    usage = shutil.disk_usage(folder.parent)
    monkeypatch.setattr(puller.shutil, "disk_usage", lambda path: usage._replace(free=51_000_000))
    said = r"^0\.03 GB are still to come, but only 0\.00 GB are free in .*models_folder to another disk$"
    with pytest.raises(ModelError, match=said):
        puller.pull(NAME, folder)
    assert hub.sent == 0
    assert_nothing_to_load(folder)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_in_the_middle_is_one_sentence_and_the_pull_goes_on(hub, small_disk):
    folder, filler = small_disk / "models", small_disk / "filler"

    def fill(step: puller.Step) -> None:
        if step.done > 9_000_000 and not filler.exists():
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(65_536))
                except OSError:
                    pass

    with pytest.raises(ModelError, match=r"^the disk of .* is full: free some space; the same command goes on where this one"):
        puller.pull(NAME, folder, report=fill)
    assert_nothing_to_load(folder)
    filler.unlink()
    hub.ranges.clear()
    puller.pull(NAME, folder)
    assert len(hub.ranges) == 1 and puller.verify(NAME, folder) == []


def test_no_network_is_one_sentence(folder, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", nowhere())
    monkeypatch.setenv("MODELSCOPE_DOMAIN", nowhere())
    said = r"^nothing was pulled: Hugging Face cannot be reached \(.*\); ModelScope cannot be reached \(.*\); check the network"
    with pytest.raises(ModelError, match=said):
        puller.pull(NAME, folder)
    assert_nothing_to_load(folder)


def test_a_portal_that_answers_everything_is_no_source(folder, monkeypatch):
    """A hotel's login page, in place of both."""
    with Hub({}) as portal:
        monkeypatch.setenv("HF_ENDPOINT", portal.address + "/hotel")
        monkeypatch.setenv("MODELSCOPE_DOMAIN", portal.address)
        with pytest.raises(ModelError, match="^nothing was pulled: .*ModelScope cannot be reached"):
            puller.pull(NAME, folder)


@pytest.mark.parametrize(
    "missing, said",
    [
        (("llm.pt",), "lacks llm.pt at revision"),
        (("flow.pt", "tokenizer.json"), "lacks tokenizer.json or vocab.json, tokenizer.json or merges.txt, flow.pt at"),
    ],
)
def test_a_repository_that_lacks_files_is_reported_before_anything_comes(hub, folder, missing, said):
    for name in missing:
        del hub.files[REPOSITORY][name]
    with pytest.raises(ModelError, match=said):
        puller.pull(NAME, folder)
    assert hub.sent == 0
    assert_nothing_to_load(folder)


def test_a_name_that_leads_outside_is_not_trusted(hub, folder):
    hub.files[REPOSITORY]["LICENSE/../../../outside"] = b"mischief"
    with pytest.raises(ModelError, match="outside its folder"):
        puller.pull(NAME, folder)
    assert not list(folder.parent.rglob("outside*"))


def test_a_repository_or_revision_that_is_not_there_is_reported(hub, folder):
    with pytest.raises(ModelError, match="Hugging Face has no FunAudioLLM/InspireMusic-1.5B: it may have moved"):
        puller.pull("1.5B", folder)
    with pytest.raises(ModelError, match="has no .* at revision 'v9': leave --revision away"):
        puller.pull(NAME, folder, revision="v9")


def test_a_newer_revision_comes_only_when_it_is_asked_for(hub, folder):
    puller.pull(NAME, folder)
    hub.files[REPOSITORY]["config.json"] = b"newer\n"
    hub.commit = "f" * 40
    assert puller.pull(NAME, folder)[1] is False
    hub.sent = 0
    assert puller.pull(NAME, folder, revision="main")[1] is True
    assert (folder / NAME / "config.json").read_bytes() == b"newer\n" and puller.read_lock(folder / NAME)["revision"] == "f" * 40
    assert hub.sent == 6  # what had not changed was there


def test_verify_names_each_difference_and_a_pull_mends_only_that(hub, folder):
    path, _ = puller.pull(NAME, folder)
    with (path / "flow.pt").open("r+b") as file:
        file.write(b"damage")
    (path / "config.json").unlink()
    os.truncate(path / "wavtokenizer/model.pt", 5)
    assert sorted(puller.verify(NAME, folder)) == [
        "config.json is missing",
        "flow.pt has another content than when it was pulled",
        "wavtokenizer/model.pt has 5 bytes instead of 300000",
    ]
    hub.sent = 0
    assert puller.pull(NAME, folder)[1] is True
    assert puller.verify(NAME, folder) == [] and hub.sent < 750_000


def test_a_directory_that_was_not_pulled_is_left_alone(hub, folder):
    (folder / NAME).mkdir(parents=True)
    (folder / NAME / "llm.pt").write_bytes(b"mine")
    with pytest.raises(ModelError, match="is there and was not pulled"):
        puller.pull(NAME, folder)
    with pytest.raises(ModelError, match="was not pulled, so there are no hashes"):
        puller.verify(NAME, folder)
    assert (folder / NAME / "llm.pt").read_bytes() == b"mine"


def test_remove_takes_a_model_and_what_is_half_there(hub, folder, monkeypatch):
    from huggingface_hub import file_download

    puller.pull(NAME, folder)
    assert puller.remove("Base", folder) == folder / NAME
    assert_nothing_to_load(folder)
    monkeypatch.setattr(file_download.time, "sleep", lambda s: None)
    hub.down_at = hub.sent + 500_000
    with pytest.raises(ModelError):
        puller.pull(NAME, folder)
    puller.remove(NAME, folder)
    assert not list((folder / puller.STAGING).rglob("*.part"))
    with pytest.raises(ModelError, match=f"^no model '{NAME}' is here: there is none in"):
        puller.remove(NAME, folder)
    with pytest.raises(ModelError, match="sketch came with the program"):
        puller.remove("sketch", folder)
    with pytest.raises(ModelError, match="no model"):
        puller.remove("../music", folder)


def test_two_pulls_of_a_model_do_not_meet(hub, folder):
    def again(step: puller.Step) -> None:
        with pytest.raises(ModelError, match="is being pulled or removed by another process"):
            puller.pull(NAME, folder)

    puller.pull(NAME, folder, report=again)
    assert find_model(folder / NAME)
