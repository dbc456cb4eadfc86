"""One section anew: a fill of its place in the file that was made, or one error that says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.jobs.job import Job
from bridge.jobs.section import section_again
from bridge.osc.commands import Again, Submit
from bridge.osc.replies import Done, End
from bridge.results.recording import Kept
from engine.api import GenerationRequest

PIECE = {"prompt": "dub", "arrangement": "intro:2 drop:4", "bpm": 120.0}


def job(end: End | None, **request) -> Job:
    made = Job(Submit("j", GenerationRequest(**request), play=True), Kept(Path("x.wav"), 12.0), 7)
    made.end = end
    return made


@pytest.fixture
def done(tmp_path) -> Done:
    for name in ("x.1.wav", "x.2.wav"):
        (tmp_path / name).touch()
    return Done("j", str(tmp_path / "x.1.wav"), 12.0, {"others": "x.2.wav"})


def test_it_is_a_fill_of_the_first_variation_with_a_seed_of_its_own(done):
    submit = section_again(job(done, seed=3, variations=2, **PIECE), Again("a", "j", reply_port=9000), "drop")
    request = submit.request
    assert (request.clip, request.part, request.piece_s, request.join) == (done.path, "drop", 0.0, "append")
    assert (request.seed, request.variations, request.bars) == (None, 1, None)
    assert (submit.id, submit.play, submit.reply_port) == ("a", True, 9000)


def test_the_command_says_which_variation_how_many_and_where_they_go(done):
    command = Again("a", "j", play=False, path="better", seed=9, decode="fast", variation=2, variations=3)
    submit = section_again(job(done, **PIECE), command, "1")
    request = submit.request
    assert request.clip == str(Path(done.path).with_name("x.2.wav")) and (submit.play, submit.path) == (False, "better")
    assert (request.seed, request.decode, request.variations, request.part) == (9, "fast", 3, "1")


def test_after_a_clip_in_the_same_file_the_piece_begins_where_the_sidecar_says(done):
    piece = PIECE | {"clip": "/loops/riff.wav", "join": "append"}
    with pytest.raises(BridgeError, match="JSON file beside the result") as caught:
        section_again(job(done, **piece), Again("a", "j"), "drop")
    assert caught.value.code == "no_audio"
    contents = {"request": piece, "engine": {"from_s": 2.5}}
    Path(done.path).with_suffix(".json").write_text(json.dumps(contents))
    assert section_again(job(done, **piece), Again("a", "j"), "drop").request.piece_s == 2.5
    assert section_again(job(done, **piece | {"join": "new"}), Again("a", "j"), "drop").request.piece_s == 0.0


@pytest.mark.parametrize(
    ("ended", "request_", "command", "which", "code", "reported"),
    [
        (True, {"prompt": "dub"}, Again("a", "j"), "drop", "bad_request", "has no sections"),
        (False, PIECE, Again("a", "j"), "drop", "not_ended", "has not ended"),
        (True, PIECE, Again("a", "j", variation=3), "drop", "bad_request", "has 2 variations: variation 1 to 2"),
        (True, PIECE, Again("a", "j"), "bridge", "bad_request", "1 intro, 2 drop"),
        (True, PIECE | {"bpm": None, "clip": "/loops/riff.wav"}, Again("a", "j"), "drop", "bad_request", "tempo of its clip"),
    ],
)
def test_what_cannot_be_made_anew_says_why(done, ended, request_, command, which, code, reported):
    with pytest.raises(BridgeError, match=reported) as caught:
        section_again(job(done if ended else None, **request_), command, which)
    assert caught.value.code == code


def test_a_result_that_is_gone_cannot_be_changed(done):
    Path(done.path).unlink()
    with pytest.raises(BridgeError, match="its file is gone") as caught:
        section_again(job(done, **PIECE), Again("a", "j"), "drop")
    assert caught.value.code == "no_audio"
