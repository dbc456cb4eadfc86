"""What the engine transcribed, as tracks."""

import io

import mido

from bridge.results import tempo_map, transcription

REPORT = {"engine": {"chords": ["0.000 Am", "2.000 -"], "drums": ["0.000 kick+hat 100", "0.500 snare 64", "3.990 hat 40"],
                    "bass": ["0.000 0.480 33", "0.500 5.000 40"]}}  # fmt: skip


def tracks(parts):
    file = mido.MidiFile(file=io.BytesIO(tempo_map.encode(6.0, 120.0, 4, 4, [(0.0, "verse")], parts)))
    found = {}
    for track in file.tracks[1:]:
        now, found[track.name] = 0.0, []
        for message in track:
            now += mido.tick2second(message.time, file.ticks_per_beat, 500_000)
            if message.type in ("note_on", "note_off"):
                found[track.name].append((round(now, 3), message.type[5:], message.note, message.channel))
    return found, file


def test_drums_are_on_the_tenth_channel_and_the_bass_is_a_bass():
    """From where the new audio begins: a clip is before it."""
    found, file = tracks(transcription.parts(REPORT, 2.0, 6.0))
    assert list(found) == transcription.names(REPORT) == ["chords", "drums", "bass"]
    assert found["drums"] == [
        (2.0, "on", 36, 9), (2.0, "on", 42, 9), (2.05, "off", 36, 9), (2.05, "off", 42, 9), (2.5, "on", 38, 9),
        (2.55, "off", 38, 9), (5.99, "on", 42, 9), (6.0, "off", 42, 9),
    ]  # fmt: skip
    ends = (6.0, "off", 40, 1)  # with the audio
    assert found["bass"] == [(2.0, "on", 33, 1), (2.48, "off", 33, 1), (2.5, "on", 40, 1), ends]
    assert [message.program for message in file.tracks[3] if message.type == "program_change"] == [33]
    assert [message.velocity for message in file.tracks[2] if message.type == "note_on"] == [100, 100, 64, 40]


def test_a_note_ends_before_its_pitch_is_struck_again():
    found, _ = tracks(transcription.parts({"engine": {"bass": ["0.000 0.500 33", "0.500 1.000 33"]}}, 0.0, 6.0))
    assert [what for _, what, *_ in found["bass"]] == ["on", "off", "on", "off"]


def test_where_nothing_was_found_there_is_no_track():
    for nothing in ({}, {"engine": {}}, {"engine": {"drums": []}}):
        assert transcription.names(nothing) == [] and transcription.parts(nothing, 0.0, 6.0) == []
    assert [part.name for part in transcription.parts({"engine": {"drums": ["7.000 kick 90"]}}, 0.0, 6.0)] == ["drums"]
