"""Names of results: from the prompt, inside the output folder, never one that is taken."""

from __future__ import annotations

import pytest

from bridge.errors import OutputError
from bridge.results.recording import Recording
from engine.api import GenerationRequest
from tests.bridge.results.test_recording import record


def test_names_come_from_the_prompt_and_never_collide(tmp_path):
    request = GenerationRequest("Dub Techno, 124 bpm – “tiefé”!")
    two = [record(tmp_path, request) for _ in range(2)]  # at the same time
    names = [recording.finish({}).name for recording in two]
    names.append(record(tmp_path, request).finish({}).name)
    assert names == [f"dub-techno-124-bpm-tiefe{n}.wav" for n in ("", "-2", "-3")]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, *(n.replace(".wav", ".json") for n in names)])


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (GenerationRequest("音楽"), "untitled.wav"),
        (GenerationRequest("../../etc/passwd"), "etc-passwd.wav"),
        (GenerationRequest("x" * 4000), "x" * 60 + ".wav"),
        (GenerationRequest(clip="/loops/Amen Break.flac"), "amen-break-continued.wav"),
    ],
)
def test_any_prompt_makes_a_name(tmp_path, request_, name):
    assert record(tmp_path, request_).finish({}).name == name


def test_the_users_own_files_are_not_touched(tmp_path):
    (tmp_path / "dub.wav").write_text("mine")
    (tmp_path / "dub-2.json").write_text("mine")
    assert record(tmp_path, GenerationRequest("dub")).finish({}).name == "dub-3.wav"
    assert (tmp_path / "dub.wav").read_text() == "mine"


def test_a_given_path_stays_inside(tmp_path):
    assert record(tmp_path, GenerationRequest("x"), "takes/one").finish({}) == tmp_path / "takes" / "one.wav"
    (tmp_path / "link").symlink_to("/tmp")
    (tmp_path / "file.wav").symlink_to("/tmp/outside.wav")
    (tmp_path / "circle").symlink_to("circle")
    folders = ("..", ".", "takes/..", "link")
    for outside in ("../x.wav", "/tmp/x.wav", "link/x.wav", "file.wav", "takes/../../x", "circle/x", *folders):
        with pytest.raises(OutputError, match="outside"):
            Recording(tmp_path, GenerationRequest("x"), outside)


def test_a_link_made_while_the_job_waits_leads_nothing_outside(tmp_path):
    folder, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    (folder / "takes").mkdir(parents=True)
    elsewhere.mkdir()
    waiting = Recording(folder, GenerationRequest("x"), "takes/one")
    (folder / "takes").rmdir()
    (folder / "takes").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="outside"):
        waiting.open()
    assert not [*elsewhere.iterdir()]


def test_links_among_results_are_left_alone(tmp_path):
    """Dangling ones too: what they lead to is not ours to make."""
    folder, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("dub.wav", "dub-2.json", "dub-3.part.wav", "dub-4.part.json"):
        (folder / name).symlink_to(elsewhere)
    assert record(folder, GenerationRequest("dub")).finish({}).name == "dub-4.wav"
    assert not elsewhere.exists()


def test_a_name_too_long_for_the_disk_is_said(tmp_path):
    with pytest.raises(OutputError, match="too long"):
        Recording(tmp_path, GenerationRequest("dub"), "音" * 100).open()
