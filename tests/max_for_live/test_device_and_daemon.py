"""The device's own script and the real daemon, over UDP as Max speaks it."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
import soundfile

from tests.bridge.test_arrange import markers
from tests.max_for_live.conftest import wait_until

BAR_S = 2.0  # at Live's usual 120 bpm


def _made(device) -> Path:
    """The file that the device loaded when its job was done."""
    return Path(device.shown["result_sound replace"][0])


def test_words_become_bars_in_the_sets_tempo(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="stereo pad")
    device.until("ready")
    device.do("live", of="song", change={"tempo": 125.0})
    device.turn("bars", 1)
    device.press("go")
    device.until("done · 2 bars")
    audio = soundfile.info(str(_made(device)))
    assert audio.frames == round(2 * 4 * 60 / 125 * 48_000)
    command = next(command for command in device.commands if command[0] == "/inspire/generate")
    assert command[2] == "stereo pad" and dict(zip(command[3::2], command[4::2], strict=True))["bpm"] == 125


def test_how_long_the_first_sound_takes_is_asked_and_shown(daemon, put_on_track):
    """Asked of the daemon, not looked up in the history: what is asked for has another length and other words than any before."""
    with daemon.client() as client:
        list(client.generate("pad", duration_s=1))  # so that something is measured
    device = put_on_track(daemon.port, prompt="choir, never asked for")
    device.until("first sound in")
    asked = [command for command in device.commands if command[0] == "/inspire/estimate"]
    values = dict(zip(asked[-1][2::2], asked[-1][3::2], strict=True))
    assert values["prompt"] == "choir, never asked for" and values["bpm"] == 120
    before = len(asked)
    device.turn("bars", 1)
    wait_until(lambda: len([command for command in device.commands if command[0] == "/inspire/estimate"]) > before)
    assert device.clips()["console"] == [] and not any(command[0] == "/inspire/generate" for command in device.commands)


def test_a_result_lands_in_an_empty_slot_and_loops(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="pad")
    device.until("ready")
    device.turn("bars", 1)
    device.turn("takes", 2)
    device.press("go")
    device.until("3 takes, the last in slot 3 of Drums")
    time.sleep(0.1)
    reported = device.clips()
    assert [slot["name"] if slot else None for slot in reported["slots"]] == ["pad A", "pad B", "pad C", None]
    assert all(slot["looping"] and slot["loop_end"] == 8 for slot in reported["slots"][:3])
    assert reported["console"] == []


def test_the_chosen_clip_is_continued_from_its_end_and_lands_below_it(daemon, put_on_track, tmp_path):
    clip = tmp_path / "riff.wav"
    soundfile.write(clip, [[0.1 * (i % 50) / 50] * 2 for i in range(8 * 48_000)], 48_000)
    device = put_on_track(daemon.port)
    device.until("ready")
    device.do("clip", slot=1, change={"file_path": str(clip), "name": "riff", "seconds": 8})
    wait_until(lambda: "riff" in device.shown.get("source set", [""])[0])
    assert device.shown["source set"] == ["riff · 4 bars · 0.0 s to 8.0 s"]
    assert device.shown["source_sound replace"] == [str(clip)]
    device.turn("mode", 1)
    device.press("go")
    device.until("placed in slot 3 of Drums")
    command = next(command for command in device.commands if command[0] == "/inspire/continue")
    pairs = dict(zip(command[3::2], command[4::2], strict=True))
    assert command[2] == str(clip)
    assert (pairs["from_s"], pairs["context_s"], pairs["join"], pairs["bpm"]) == (8, 8, "new", 120)


def test_in_the_arrangement_it_lands_where_the_source_ends(daemon, put_on_track, tmp_path):
    clip = tmp_path / "riff.wav"
    soundfile.write(clip, [[0.1, 0.1]] * (8 * 48_000), 48_000)
    device = put_on_track(daemon.port, focus="Arranger")
    device.until("ready")
    device.do("clip", change={"file_path": str(clip), "seconds": 8, "start_time": 32, "end_time": 48, "looping": False})
    device.turn("mode", 1)
    device.turn("bars", 1)
    device.press("go")
    device.until("placed in beat 48 of Drums")
    time.sleep(0.1)
    placed = device.clips()["arrangement"][1]
    assert (placed["start_time"], placed["end_time"], bool(placed["warping"])) == (48, 56, False)
    assert device.shown["ruler1 set"] == ["13"], "the ruler counts the song's bars"


def test_what_is_played_while_live_plays_starts_on_its_bar_without_midi_clock(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="pad")
    device.until("ready")
    device.turn("bars", 1)
    device.do("live", of="song", change={"tempo": 125.0, "current_song_time": 9.0, "is_playing": True})
    with daemon.client() as client:
        wait_until(lambda: client.status().pairs.get("transport") == "playing")
        reported = client.status().pairs
        assert (reported["transport_from"], reported["bpm"], reported["bar"], reported["beats_per_bar"]) == ("report", 125, 3, 4)
        device.press("go")
        device.until("done")
        command = next(command for command in device.commands if command[0] == "/inspire/generate")
        assert dict(zip(command[3::2], command[4::2], strict=True))["start"] == "bar"
        device.do("live", of="song", change={"is_playing": False})
        wait_until(lambda: client.status().pairs.get("transport") == "stopped")


def test_stop_keeps_what_was_made(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="slow pad")
    device.until("ready")
    device.turn("auto_place", 0)
    device.press("go")
    device.until("making bar 2 of 4")
    assert device.shown["result_sound read"][0].endswith(".wav"), "the result is shown while it grows"
    device.press("stop")
    device.until("kept")
    audio = soundfile.info(str(_made(device)))
    assert BAR_S <= audio.frames / audio.samplerate < 4 * BAR_S


def test_again_makes_the_same_with_another_seed(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="pad")
    device.until("ready")
    device.turn("auto_place", 0)
    device.press("go")
    device.until("done")
    first = _made(device)
    device.press("again")
    device.until("done")
    assert _made(device) != first
    assert any(command[0] == "/inspire/again" for command in device.commands)


def test_what_the_engine_rejects_is_reported_in_the_banner(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="refuse")
    device.until("ready")
    device.press("go")
    device.until("not made: the fake engine is asked to reject")
    assert "result_sound replace" not in device.shown


def test_without_words_it_says_what_to_do_and_asks_nobody(daemon, put_on_track):
    device = put_on_track(daemon.port)
    device.until("ready")
    device.press("go")
    device.until("write what to play, or choose a preset")
    assert not any(command[0] == "/inspire/generate" for command in device.commands)


def test_presets_models_and_what_was_made_before_are_listed(daemon, put_on_track):
    first = put_on_track(daemon.port, prompt="a listed pad")
    first.until("ready")
    first.turn("auto_place", 0)
    first.press("go")
    first.until("done")
    device = put_on_track(daemon.port)
    device.until("ready")
    wait_until(lambda: "results append" in device.shown and "preset append" in device.shown and "model append" in device.shown)
    device.do("control", message=["preset", "Funk"])
    device.press("go")
    device.until("done")
    command = next(command for command in device.commands if command[0] == "/inspire/generate")
    assert command[2] == " " and dict(zip(command[3::2], command[4::2], strict=True))["preset"] == "Funk"


@pytest.fixture
def region(tmp_path):
    """What `device.do` takes for a clip of eight seconds."""
    path = tmp_path / "riff.wav"
    soundfile.write(path, [[0.1, 0.1]] * (8 * 48_000), 48_000)
    return {"slot": 1, "change": {"file_path": str(path), "seconds": 8}}


def test_a_clips_region_is_filled(daemon, put_on_track, region):
    device = put_on_track(daemon.port)
    device.until("ready")
    device.do("clip", **region)
    device.turn("mode", 2)
    device.press("go")
    device.until("done")
    assert soundfile.info(str(_made(device))).frames > 0
    assert any(command[0] == "/inspire/fill" for command in device.commands)


def test_a_command_that_this_daemon_does_not_have_is_learnt_from_its_answer(daemon, put_on_track, region):
    """Of an older daemon: a relay makes /inspire/fill an address that the real one does not have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as older:
        older.bind(("127.0.0.1", 0))

        def relay() -> None:
            while data := older.recv(65_536):  # an empty datagram ends it
                older.sendto(data.replace(b"/inspire/fill\0", b"/inspire/pour\0"), ("127.0.0.1", daemon.port))

        relaying = threading.Thread(target=relay)
        relaying.start()
        try:
            device = put_on_track(older.getsockname()[1])
            device.until("ready")
            device.do("clip", **region)
            device.turn("mode", 2)
            device.press("go")
            device.until("not made: this daemon cannot fill yet")
            assert "result_sound replace" not in device.shown
        finally:
            older.sendto(b"", older.getsockname())
            relaying.join()


def test_locators_become_a_piece_at_their_bars(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="pad", focus="Arranger")
    device.until("ready")
    device.do("locators", places=[["Intro", 8], ["Drop = dark, drums", 16], ["End", 28]])
    device.turn("mode", 3)
    wait_until(lambda: device.shown.get("source set") == ["Intro 2 · Drop 3"])
    assert device.shown["go text"] == ["Arrange 5 bars"]
    device.press("go")
    device.until("placed in beat 8 of Drums")
    made = _made(device)
    audio = soundfile.info(str(made))
    assert audio.frames == 5 * BAR_S * audio.samplerate
    assert markers(str(made)) == [(0, "Intro"), (round(2 * BAR_S * audio.samplerate), "Drop")]
    time.sleep(0.1)
    sent = device.clips()
    assert (sent["arrangement"][0]["start_time"], sent["arrangement"][0]["end_time"], sent["console"]) == (8, 28, [])


def test_a_piece_goes_on_from_the_clip_that_ends_among_the_locators(daemon, put_on_track, region):
    device = put_on_track(daemon.port, focus="Arranger")
    device.until("ready")
    clip = {**region["change"], "start_time": 0, "end_time": 16, "looping": False, "name": "riff"}
    device.do("clip", change=clip)
    device.do("locators", places=[["Intro", 0], ["Verse", 16], ["Drop", 24]])
    device.turn("bars", 0)
    device.turn("mode", 3)
    wait_until(lambda: device.shown.get("source set") == ["Verse 2 · Drop 1, on from riff"])
    device.press("go")
    device.until("placed in beat 16 of Drums")
    command = next(command for command in device.commands if command[0] == "/inspire/arrange")
    pairs = dict(zip(command[3::2], command[4::2], strict=True))
    assert (command[2], pairs["clip"], pairs["from_s"], pairs["join"]) == ("Verse:2 | Drop:1 |", clip["file_path"], 8, "new")


def test_what_was_measured_is_reported_in_one_line(daemon, put_on_track):
    """Of a real reply and a real sidecar: a name that they do not have would be nothing, and no error."""
    device = put_on_track(daemon.port, prompt="rolled pad")
    device.until("ready")
    device.turn("auto_place", 0)
    device.press("go")
    device.until("done")
    wait_until(lambda: device.shown.get("grid set", [" "])[0] != " ")
    assert device.shown["grid set"][0].startswith("124.00 bpm of 120.00, downbeat +3 ms, A minor, join −31 dB")


def test_words_in_any_script_arrive_as_they_were_typed(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="温かい dub, œuvre 🎹")
    device.until("ready")
    device.turn("auto_place", 0)
    device.press("go")
    device.until("done")
    with daemon.client() as client:
        _, entries = client.history(words="œuvre")
    assert entries[0].pairs["prompt"] == "温かい dub, œuvre 🎹"


def test_recording_the_input_continues_it(start_daemon, put_on_track, tmp_path):
    """What sfrecord~ would write is written here. Nothing was made before: it records beside the set."""
    device = put_on_track(start_daemon().port)
    device.until("ready")
    device.do("live", of="song", change={"file_path": str(tmp_path / "My Set.als")})
    device.press("record")
    device.until("recording")
    wait_until(lambda: device.sound[-2:][-1] == ["recorder", 1])
    name, verb, path, kind = device.sound[-2]
    assert (name, verb, kind) == ("recorder", "open", "wave")
    soundfile.write(path, [[0.1, 0.1]] * 96_000, 48_000)
    device.press("record")
    device.until("done")
    command = next(command for command in device.commands if command[0] == "/inspire/continue")
    assert command[2] == path and Path(path).parent == tmp_path and "from_s" not in command
