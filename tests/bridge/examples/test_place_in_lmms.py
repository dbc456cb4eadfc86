"""Results of a real daemon in a real LMMS project: rendered, they are on their bar, sample by sample."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.examples import place_in_lmms
from tests.bridge.examples.conftest import RATE, run_example
from tests.missing import needs

LMMS_TAIL = 256  # frames: LMMS 1.2 leaves out the last period of every sample
PROJECT = """<?xml version="1.0"?>
<!DOCTYPE lmms-project>
<lmms-project version="1.0" creator="LMMS" creatorversion="1.2.2" type="song">
  <head timesig_numerator="{beats}" timesig_denominator="4" bpm="{bpm}" mastervol="100" masterpitch="0"/>
  <song><trackcontainer type="song" visible="1"/></song>
</lmms-project>
"""
def lmms_render(project: Path, folder: Path) -> np.ndarray:
    """Float32 (frames, channels) at 48 kHz, without LMMS's own oversampling."""
    needs("lmms", "lmms")
    out = folder / "out.wav"
    command = ["lmms", "--allowroot", "render", project, "-o", out, "-f", "wav", "-s", str(RATE), "-a", "-x", "1"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(folder)}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=120)
    assert out.exists(), done.stdout + done.stderr
    audio, rate = soundfile.read(out, dtype="float32", always_2d=True)
    assert rate == RATE
    return audio


@pytest.mark.parametrize("suffix", [".mmp", ".mmpz"])
@pytest.mark.parametrize("beats, bpm, bar", [(4, 120, 5), (3, 125, 4)])
def test_it_plays_the_result_on_its_bar(result, tmp_path, beats, bpm, bar, suffix):
    needs("lmms", "lmms")
    project = tmp_path / f"song{suffix}"
    text = PROJECT.format(beats=beats, bpm=bpm).encode()
    project.write_bytes(len(text).to_bytes(4, "big") + zlib.compress(text) if suffix == ".mmpz" else text)
    before = project.read_bytes()
    done = run_example("place_in_lmms", project, result, "--bar", bar)
    assert done.returncode == 0, done.stderr
    assert project.with_name(project.name + ".bak").read_bytes() == before
    played = lmms_render(project, tmp_path)
    wanted, _ = soundfile.read(result, dtype="float32", always_2d=True)
    start = (bar - 1) * beats * 60 * RATE // bpm
    assert not played[:start].any()
    whole = len(wanted) - LMMS_TAIL
    np.testing.assert_array_equal(played[start : start + whole], wanted[:whole])


def test_results_do_not_cover_one_another(result, tmp_path):
    project = tmp_path / "song.mmp"
    project.write_text(PROJECT.format(beats=4, bpm=120))
    for bar, tracks in ((1, 1), (3, 2), (5, 2)):  # each lasts four bars
        place_in_lmms.place(project, result, bar)
        assert project.read_text().count('name="Inspire"') == tracks
    played = lmms_render(project, tmp_path)
    wanted, _ = soundfile.read(result, dtype="float32", always_2d=True)
    both = slice(5 * RATE, 7 * RATE)  # of the first and of the second, a whole track each
    np.testing.assert_allclose(played[both], wanted[both] + wanted[RATE : 3 * RATE], atol=1e-6)


def test_what_is_wrong_is_reported_and_nothing_changed(result, tmp_path):
    song, no_song, damaged = tmp_path / "song.mmp", tmp_path / "preset.mmp", tmp_path / "damaged.mmpz"
    song.write_text(PROJECT.format(beats=4, bpm=120))
    no_song.write_text("<lmms-project type='instrumenttracksettings'/>")
    damaged.write_bytes(b"1234damaged")
    for project, clip, bar, reported in (
        (song, result, 0, "counted from 1"),
        (song, tmp_path / "missing.wav", 1, "missing.wav"),
        (song, no_song, 1, "cannot read"),
        (no_song, result, 1, "no LMMS song"),
        (damaged, result, 1, "cannot read"),
        (tmp_path / "nowhere.mmp", result, 1, "cannot read"),
    ):
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(place_in_lmms.PlaceError, match=reported):
            place_in_lmms.place(project, clip, bar)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    done = run_example("place_in_lmms", song, result, "--bar", 0)
    assert done.returncode == 1 and "counted from 1" in done.stderr and "Traceback" not in done.stderr
