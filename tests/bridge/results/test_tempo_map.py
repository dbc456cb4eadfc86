"""The MIDI file beside a result: its tempo, metre, sections and chords, and where it goes."""

from __future__ import annotations

import json
from dataclasses import asdict

import mido
import numpy as np
import pytest

from bridge.results import removal
from bridge.results.recording import Recording
from engine.api import AudioChunk, GenerationRequest
from tests.bridge.results.test_recording import RATE, record, sidecar_of


def timeline(file) -> list[tuple]:
    """(seconds, type, value) of everything in a MIDI file, as mido reads it."""
    now, reported = 0.0, []
    for message in mido.MidiFile(file):
        now += message.time
        value = {"set_tempo": "tempo", "time_signature": "numerator", "marker": "text"}.get(message.type)
        reported.append((round(now, 3), message.type, value and getattr(message, value)))
    return reported


@pytest.mark.parametrize(
    ("asked_bpm", "facts", "bpm"),
    [(124.0, {"grid_bpm": 123.98, "bpm": 62.0}, 123.98), (124.0, {"bpm": 62.0}, 124), (None, {"bpm": 97.3}, 97.3)],
)
def test_the_midi_file_has_tempo_metre_and_section(tmp_path, asked_bpm, facts, bpm):
    request = GenerationRequest("waltz", bpm=asked_bpm, beats_per_bar=3, section="chorus", duration_s=2)
    result = record(tmp_path, request, frames=2 * RATE).finish(sidecar_of(request, **facts))
    assert timeline(result.with_suffix(".mid")) == [
        (0, "set_tempo", mido.bpm2tempo(bpm)),
        (0, "time_signature", 3),
        (0, "marker", "chorus"),
        (2, "end_of_track", None),
    ]


def test_the_midi_file_marks_where_a_clip_is_joined(tmp_path):
    request = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2)
    result = record(tmp_path, request, frames=7 * RATE).finish(sidecar_of(request, from_s=3.0))
    assert timeline(result.with_suffix(".mid"))[2:4] == [(0, "marker", "clip"), (3, "marker", "verse")]
    alone = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2, join="new")
    result = record(tmp_path, alone, frames=4 * RATE).finish(sidecar_of(alone, from_s=3.0))
    assert timeline(result.with_suffix(".mid"))[2] == (0, "marker", "verse")


def test_without_a_tempo_there_is_no_midi_file(tmp_path):
    request = GenerationRequest("rain")
    result = record(tmp_path, request).finish(sidecar_of(request))
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".wav"]
    assert "midi" not in json.loads(result.with_suffix(".json").read_text())


@pytest.mark.parametrize("leave", [removal.move_away, removal.remove])
def test_the_midi_file_goes_where_its_result_goes_unless_it_was_changed(tmp_path, leave):
    request = GenerationRequest("dub", bpm=120.0)
    results = [record(tmp_path, request).finish(sidecar_of(request)) for _ in range(2)]
    results[1].with_suffix(".mid").write_bytes(b"mine now")
    for result in results:
        leave([result], "job1")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["dub-2.mid"]
    moved = sorted(p.name for p in (tmp_path / "Deleted").glob("*"))
    assert moved == (["dub-2.json", "dub-2.wav", "dub.json", "dub.mid", "dub.wav"] if leave is removal.move_away else [])


def test_the_users_own_midi_file_takes_its_name(tmp_path):
    (tmp_path / "dub.mid").write_bytes(b"mine")
    request = GenerationRequest("dub", bpm=120.0)
    assert record(tmp_path, request).finish(sidecar_of(request)).name == "dub-2.wav"
    assert (tmp_path / "dub.mid").read_bytes() == b"mine" and (tmp_path / "dub-2.mid").exists()


def test_chords_that_were_estimated_are_a_track_of_the_midi_file(tmp_path):
    """From where the new audio begins: the clip before it was not listened to."""
    request = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2, midi=True)
    recording = Recording(tmp_path, request)
    contents = {"id": "j", "request": asdict(request), "state": "done"}
    recording.open(contents)
    recording.write(AudioChunk(0, 0, RATE, np.zeros((6 * RATE, 1), np.float32)))
    path = recording.finish(contents | {"engine": {"from_s": 2.0, "chords": ["0.000 Am7", "2.000 -", "3.000 F"]}})
    file = mido.MidiFile(path.with_suffix(".mid"))
    assert [track.name for track in file.tracks] == ["", "chords"]
    now, found = 0.0, []
    for message in file.tracks[1]:
        now += mido.tick2second(message.time, file.ticks_per_beat, 500_000)
        if message.type in ("text", "note_on", "note_off", "end_of_track"):
            found.append((round(now, 6), message.type, getattr(message, "note", getattr(message, "text", None))))
    am7, f = (57, 60, 64, 67), (53, 57, 60)
    assert found == [
        (2.0, "text", "Am7"), *((2.0, "note_on", note) for note in am7), *((4.0, "note_off", note) for note in am7),
        (5.0, "text", "F"), *((5.0, "note_on", note) for note in f), *((6.0, "note_off", note) for note in f),
        (6.0, "end_of_track", None),
    ]  # fmt: skip
