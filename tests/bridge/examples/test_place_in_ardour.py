"""Results of a real daemon in a real Ardour session: rendered, they are on their bar, sample by sample."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.examples import place_in_ardour
from tests.bridge.examples.conftest import RATE, run_example
from tests.missing import needs

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

BLOCK = 2048  # samples, of Ardour's engine without a device
FULL_SCALE = -(2**31)


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


def exported(session: Path, folder: Path) -> tuple[np.ndarray, int]:
    """What Ardour renders, int32, and its rate.

    On a busy machine 7.3 now and then (1 of 20) puts negative full scale into the first sample of each of its blocks: then again.
    """
    out, environment = folder / "out.wav", {**os.environ, "HOME": str(folder)}
    command = [ardour_program("export"), "-b", "24", "-o", out, session, "song"]
    for _ in range(5):
        out.unlink(missing_ok=True)
        done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=120)
        assert out.exists(), done.stdout + done.stderr  # 7.3 may crash once the file is whole: that is no failure
        played, rate = soundfile.read(out, dtype="int32", always_2d=True)
        if (played[::BLOCK] > FULL_SCALE).all():
            break
    return played, rate


@pytest.mark.realtime  # Ardour's engine runs by the clock, and its export can stand still on a busy machine
def test_it_plays_the_result_on_its_bar(result, session, tmp_path):
    done = run_example("place_in_ardour", session, result, "--bar", 5)
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
    wanted, _ = soundfile.read(result, dtype="int32", always_2d=True)
    assert wanted.min() > FULL_SCALE
    played, rate = exported(session, tmp_path)
    start = int(position)
    assert rate == RATE and abs(start - 16 * 60 / 124 * RATE) < 1  # Ardour's own sample of the bar
    assert not played[:start].any()
    differ = np.abs(played[start : start + len(wanted)].astype(np.int64) - wanted).max() >> 8
    assert differ <= 1, "more than rounding to 24 bits"


def test_what_is_wrong_is_reported_and_nothing_changed(result, session, tmp_path):
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


def test_a_session_that_lacks_a_part_is_one_error_and_unchanged(result, tmp_path):
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
