"""Results of a real daemon in a real LMMS project and Ardour session: rendered, they are on their bar, sample by sample."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.client import Client
from bridge.examples import place_in_ardour, place_in_lmms
from tests.bridge.conftest import ROOT
from tests.missing import needs

RATE = 48_000
LMMS_TAIL = 256  # frames: LMMS 1.2 leaves out the last period of every sample
PROJECT = """<?xml version="1.0"?>
<!DOCTYPE lmms-project>
<lmms-project version="1.0" creator="LMMS" creatorversion="1.2.2" type="song">
  <head timesig_numerator="{beats}" timesig_denominator="4" bpm="{bpm}" mastervol="100" masterpitch="0"/>
  <song><trackcontainer type="song" visible="1"/></song>
</lmms-project>
"""
SESSION = """
AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = assert(create_session("{folder}", "{name}", 48000))
local map = Temporal.TempoMap.write_copy()
map:set_tempo(Temporal.Tempo({bpm}, {bpm}, 4), Temporal.timepos_t(0))
Temporal.TempoMap.update(map)
map = nil
session:new_audio_track(2, 2, nil, 1, "Inspire", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true, false)
ARDOUR.LuaAPI.usleep(1000000) -- it is connected to the master by a thread of its own
session:save_state("", false, false, false, false, false)
session = nil
close_session()
quit()
"""


@pytest.fixture(scope="module")
def result(daemon) -> Path:
    """Four bars at 120 bpm of noise, where no sample can be taken for another."""
    with Client(daemon.port) as client:
        *_, end = client.generate("stereo noise", bars=4, bpm=120)
    assert soundfile.info(end.path).frames == 4 * 2 * RATE
    return Path(end.path)


def run(module: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"bridge.examples.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


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


def first_sound(audio: np.ndarray) -> int:
    return int(np.flatnonzero(np.abs(audio).max(axis=1) > 1e-6)[0])


@pytest.mark.parametrize("suffix", [".mmp", ".mmpz"])
@pytest.mark.parametrize("beats, bpm, bar", [(4, 120, 5), (3, 125, 4)])
def test_lmms_plays_the_result_on_its_bar(result, tmp_path, beats, bpm, bar, suffix):
    needs("lmms", "lmms")
    project = tmp_path / f"song{suffix}"
    text = PROJECT.format(beats=beats, bpm=bpm).encode()
    project.write_bytes(len(text).to_bytes(4, "big") + zlib.compress(text) if suffix == ".mmpz" else text)
    before = project.read_bytes()
    done = run("place_in_lmms", project, result, "--bar", bar)
    assert done.returncode == 0, done.stderr
    assert project.with_name(project.name + ".bak").read_bytes() == before
    played = lmms_render(project, tmp_path)
    wanted, _ = soundfile.read(result, dtype="float32", always_2d=True)
    start = (bar - 1) * beats * 60 * RATE // bpm
    assert not played[:start].any()
    whole = len(wanted) - LMMS_TAIL
    np.testing.assert_array_equal(played[start : start + whole], wanted[:whole])


def test_lmms_results_do_not_cover_one_another(result, tmp_path):
    project = tmp_path / "song.mmp"
    project.write_text(PROJECT.format(beats=4, bpm=120))
    for bar, tracks in ((1, 1), (3, 2), (5, 2)):  # each lasts four bars
        place_in_lmms.place(project, result, bar)
        assert project.read_text().count('name="Inspire"') == tracks
    played = lmms_render(project, tmp_path)
    wanted, _ = soundfile.read(result, dtype="float32", always_2d=True)
    both = slice(5 * RATE, 7 * RATE)  # of the first and of the second, a whole track each
    np.testing.assert_allclose(played[both], wanted[both] + wanted[RATE : 3 * RATE], atol=1e-6)


def test_lmms_what_is_wrong_is_reported_and_nothing_changed(result, tmp_path):
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
    done = run("place_in_lmms", song, result, "--bar", 0)
    assert done.returncode == 1 and "counted from 1" in done.stderr and "Traceback" not in done.stderr


def ardour_program(what: str) -> str:
    """Its name has Ardour's version in it."""
    versions = [version for version in ("7", "8", "9") if shutil.which(f"ardour{version}-{what}")]
    needs(program := f"ardour{(versions or ['7'])[0]}-{what}", "ardour")
    return program


def ardour(script: str, folder: Path) -> str:
    program = ardour_program("lua")
    file = folder / "script.lua"
    file.write_text(script)
    environment = {**os.environ, "HOME": str(folder)}
    done = subprocess.run([program, str(file)], env=environment, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture
def session(tmp_path) -> Path:
    """A session at 124 bpm with one track, connected to the master."""
    folder = tmp_path / "song"
    reported = ardour(SESSION.format(folder=folder, name="song", bpm=124), tmp_path)
    assert (folder / "song.ardour").exists(), reported
    assert "Inspire/audio_out 1" in (folder / "song.ardour").read_text()
    return folder


@pytest.mark.realtime  # Ardour's engine runs by the clock, and its export can stand still on a busy machine
def test_ardour_plays_the_result_on_its_bar(result, session, tmp_path):
    done = run("place_in_ardour", session, result, "--bar", 5)
    assert done.returncode == 0, done.stderr
    look = f"""
    AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
    local session = assert(load_session("{session}", "song"))
    for track in session:get_tracks():iter() do
      for region in track:to_track():playlist():region_list():iter() do
        local bar = Temporal.TempoMap.read():bbt_at(region:position())
        print("region", bar:str(), region:position():samples(), region:length():samples())
      end
    end
    session = nil
    close_session()
    quit()
    """
    reported = ardour(look, tmp_path)
    line = next(line for line in reported.splitlines() if line.startswith("region"))
    _, bar, position, length = line.split()
    assert bar == "5|1|0" and int(length) == 4 * 2 * RATE
    out = tmp_path / "out.wav"
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = [ardour_program("export"), "-b", "24", "-o", out, session, "song"]
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=120)
    assert out.exists(), done.stdout + done.stderr  # 7.3 may crash once the file is whole: that is no failure
    played, rate = soundfile.read(out, dtype="int32", always_2d=True)
    wanted, _ = soundfile.read(result, dtype="int32", always_2d=True)
    start = int(position)
    assert rate == RATE and abs(start - 16 * 60 / 124 * RATE) < 1  # Ardour's own sample of the bar
    assert not played[:start].any()
    differ = np.abs(played[start : start + len(wanted)].astype(np.int64) - wanted).max() >> 8
    assert differ <= 1, "more than rounding to 24 bits"


def test_ardour_what_is_wrong_is_reported_and_nothing_changed(result, session, tmp_path):
    file = session / "song.ardour"
    before = file.read_bytes()
    for bar, track, clip, reported in (
        (0, "Inspire", result, "counted from 1"),
        (1, "Bass", result, "there are 'Inspire'"),
        (1, "Inspire", tmp_path / "missing.wav", "missing.wav"),
    ):
        with pytest.raises(place_in_ardour.PlaceError, match=reported):
            place_in_ardour.place(session, clip, bar, track)
    with pytest.raises(place_in_ardour.PlaceError, match="cannot read"):
        place_in_ardour.place(tmp_path, result, 1)
    assert file.read_bytes() == before
    place_in_ardour.place(session, result, 3)
    assert (session / "song.ardour.before-inspire").read_bytes() == before
    once = file.read_bytes()
    with pytest.raises(place_in_ardour.PlaceError, match="already at this place"):
        place_in_ardour.place(session, result, 4)
    assert file.read_bytes() == once
    place_in_ardour.place(session, result, 20)
    assert len(list((session / "interchange" / "song" / "audiofiles").iterdir())) == 2


def test_ardour_a_session_that_lacks_a_part_is_one_error_and_unchanged(result, tmp_path):
    """A session file cut down by hand: the first thing that is missing is named."""
    session = tmp_path / "song"
    session.mkdir()
    file = session / "song.ardour"
    route = '<Routes><Route name="Inspire" audio-playlist="7"/></Routes><Playlists><Playlist id="7"/></Playlists>'
    tempo = '<TempoMap><Tempos><Tempo sclock="0" quarters="0:0" npm="120" enpm="120" note-type="4"/></Tempos>'
    meter = '<Meters><Meter bbt="1|1|0" quarters="0:0" divisions-per-bar="4" note-value="4"/></Meters></TempoMap>'
    head = '<Session sample-rate="48000" id-counter="9">'
    (session / "interchange" / "song" / "audiofiles").mkdir(parents=True)
    for text, message in (
        (head + route + tempo + meter + "</Session>", "has no Sources"),
        (head + route + tempo + meter + "<Sources/></Session>", "has no Locations"),
        (head + route + tempo + "</TempoMap></Session>", "no metre"),
        (head + route + tempo.replace(' npm="120"', "") + meter + "<Sources/></Session>", "Tempo has no npm"),
        (head.replace(' sample-rate="48000"', "") + route + tempo + meter + "</Session>", "Session has no sample-rate"),
    ):
        file.write_text(text)
        with pytest.raises(place_in_ardour.PlaceError, match=message):
            place_in_ardour.place(session, result, 3)
        assert file.read_text() == text and not list(session.rglob("*.wav"))
