"""A piece that goes on from a recording, and sections made anew in it, with the real engine at tiny size: sample by sample."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Done, Fail
from tests import synthetic
from tests.bridge.conftest import ROOT, RunningDaemon
from tests.bridge.test_arrange import markers
from tests.tiny_model import write_tiny_model

RATE = 24_000  # of the fast path: a bar of 120 bpm has 48,000 frames
BAR = 2 * RATE
ASKED = {"bpm": 120.0, "decode": "fast", "seed": 3}


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[RunningDaemon]:
    model = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    daemon = RunningDaemon(tmp_path_factory.mktemp("real"), engine="engine.pipeline:create_engine", model=model)
    daemon.model = str(model)
    yield daemon
    daemon.stop()
    assert "Traceback" not in daemon.log, daemon.log


@pytest.fixture(scope="module")
def riff(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("clips") / "riff.wav"
    soundfile.write(path, 0.5 * synthetic.clicks(120, 4.0, rate=RATE), RATE)
    return str(path)


def frames(path: str) -> np.ndarray:
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return samples


def test_a_piece_goes_on_from_a_clip_and_its_sections_can_be_made_anew(real, riff):
    """The clip stands before it, its first section begins where the clip ends; of a section there are takes to choose from."""
    with real.client() as client:
        whole = list(client.arrange("verse:1 drop:1", clip=riff, model=real.model, id="after", **ASKED))[-1]
        assert isinstance(whole, Done), whole
        assert markers(whole.path) == [(0, "clip"), (2 * BAR, "verse"), (3 * BAR, "drop")]
        before = frames(whole.path)
        assert len(before) == 4 * BAR
        clip = frames(riff)
        np.testing.assert_array_equal(before[:BAR] >> 8, clip[:BAR] >> 8)  # up to the join the clip as it is, in 24 bits
        anew = list(client.again("after", section="drop", variations=2, id="drops"))[-1]
        assert isinstance(anew, Done), anew
        takes = [anew.path, str(anew.path).replace(anew.path.rsplit("/", 1)[1], anew.pairs["others"])]
        for path in takes:
            after = frames(path)
            np.testing.assert_array_equal(after[: 3 * BAR], before[: 3 * BAR])
            assert len(after) == len(before) and (after[3 * BAR :] != before[3 * BAR :]).any()
            assert markers(path) == markers(whole.path)
        assert (frames(takes[0]) != frames(takes[1])).any()
        second = list(client.again("drops", section="verse", variation=2))[-1]
        assert isinstance(second, Done), second
        np.testing.assert_array_equal(frames(second.path)[3 * BAR :], frames(takes[1])[3 * BAR :])


def test_the_new_part_alone(real, riff):
    with real.client() as client:
        asked = {"clip": riff, "from_s": 3.0, "join": "new", "model": real.model, **ASKED}
        alone = list(client.arrange("verse:1 drop:1", id="alone", **asked))[-1]
        assert isinstance(alone, Done) and len(frames(alone.path)) == 2 * BAR
        assert isinstance(alone.pairs["join_click_db"], float)  # where it is placed behind its clip
        assert markers(alone.path) == [(0, "verse"), (BAR, "drop")]
        anew = list(client.again("alone", section="2"))[-1]
        assert isinstance(anew, Done)
        np.testing.assert_array_equal(frames(anew.path)[:BAR], frames(alone.path)[:BAR])


@pytest.mark.parametrize(
    ("pairs", "code", "reported"),
    [
        ({"section": "a", "variation": 3}, "bad_request", "has 2 variations"),
        ({"variation": 2}, "bad_request", "say which section"),
        ({"section": "a", "variations": 9}, "bad_value", "1 to 8"),
    ],
)
def test_a_variation_that_is_not_there_is_one_clear_error(daemon, pairs, code, reported):
    with daemon.client() as client:
        list(client.arrange("a:1 b:1", id="both", prompt="tune", bpm=240, variations=2))
        (fail,) = client.again("both", **pairs)
    assert isinstance(fail, Fail) and fail.code == code and reported in fail.message


def test_from_the_command_line(daemon, tmp_path):
    soundfile.write(tmp_path / "riff.wav", 0.5 * synthetic.clicks(120, 2.0, rate=RATE), RATE)
    command = [sys.executable, "-m", "bridge", "arrange", "verse:1 drop:1", "--clip", "riff.wav", "--join", "new", "--bpm", "120"]
    made = subprocess.run(
        [*command, "--json", "--no-play", "--port", str(daemon.port)], cwd=tmp_path,
        env=daemon.environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    end = json.loads(made.stdout.splitlines()[-1])
    assert soundfile.info(end["path"]).frames == 4 * 48_000
    assert json.loads(Path(end["path"]).with_suffix(".json").read_text())["source"]["path"].endswith("riff.wav")


def test_again_with_another_number_of_variations(daemon):
    with daemon.client() as client:
        list(client.generate("tune", id="one", duration_s=0.5, seed=4))
        again = list(client.again("one", variations=3))[-1]
    assert isinstance(again, Done) and again.pairs["seed"] == 4 and len(again.pairs["others"].split("/")) == 2
