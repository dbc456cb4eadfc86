"""MIDI files as the world writes them: what nobody needs stops none, and whatever is wrong is one clear sentence."""

from __future__ import annotations

import io
import shutil
import struct

import mido
import numpy as np
import pytest
import soundfile

from bridge.midi import clip as midi_clip
from bridge.midi.standard_file import plain
from bridge.results import tempo_map
from engine.api import ClipError

NOTES = b"\x00\x90\x3c\x64\x83\x60\x80\x3c\x40"  # one of 480 ticks
END = b"\x00\xff\x2f\x00"


def smf(*tracks: bytes, kind: int = 1, division: int = 480, length: int | None = None) -> bytes:
    header = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(track) if length is None else length) + track for track in tracks)


def read(tmp_path, content: bytes) -> midi_clip.MidiClip:
    (tmp_path / "a.mid").write_bytes(content)
    return midi_clip.read(tmp_path / "a.mid")


@pytest.mark.parametrize(
    "event",
    [
        b"\x00\xff\x59\x02\x12\x00",  # a key signature of 18 flats
        b"\x00\xff\x59\x02\x00\xff",  # of mode 255
        b"\x00\xff\x59\x00",
        b"\x00\xff\x51\x01\x07",  # a tempo of one byte
        b"\x00\xff\x51\x03\x00\x00\x00",
        b"\x00\xff\x58\x04\x00\x02\x18\x08",  # 0/4
        b"\x00\xff\x58\x04\x04\xff\x18\x08",
        b"\x00\xff\x58\x01\x04",
        b"\x00\xff\x03\x03\xff\xfe\x81",  # a name in no encoding
        b"\x00\xff\x54\x05\xff\xff\xff\xff\xff",
        b"\x00\xff\x7e\x02\x01\x02",  # an event of a kind that there is not
        b"\x00\xff\x00\x05\x01\x02\x03\x04\x05",
        b"\x00\xf0\x05\x7e\xff\x09\x01\xf7",
        b"\x00\xf8",
        b"\x00\xb0\xff\xfe",  # data above 127
        b"\x00\xc0\x90",
        b"\x00\xe0\x80\xff",
    ],
)
def test_what_is_not_needed_stops_no_file(tmp_path, event):
    clip = read(tmp_path, smf(event + NOTES + END))
    assert (clip.bpm, clip.beats_per_bar, clip.beat_unit, clip.duration_s) == (120.0, 4, 4, 0.5)


@pytest.mark.parametrize(
    "content",
    [
        smf(NOTES),  # without an end
        smf(NOTES + END, length=3),
        smf(NOTES + END, length=5_000),
        smf(NOTES + END + b"\x00\xff"),
        smf(NOTES + b"\x00\x90\x3c"),
        b"RIFF\x40\0\0\0RMIDdata\x30\0\0\0" + smf(NOTES + END),
        smf(NOTES + END) + b"XFIH\x00\x00\x00\x04abcd",
        smf(NOTES + END, kind=2),
        smf(END, NOTES + END, kind=7),
        smf(NOTES + END, division=0),
        smf(b"\x00\xff\x51\x03\x01\x00\x00" + NOTES + END, division=256 - 24 << 8 | 40),
    ],
)
def test_what_is_damaged_is_read_as_far_as_it_goes(tmp_path, content):
    assert read(tmp_path, content).duration_s == pytest.approx(0.5)


@pytest.mark.parametrize("tempo_us", [16_777_215, 60_000, 100_000, 500_000])
def test_a_tempo_out_of_reach_is_counted_in_other_notes(tmp_path, tempo_us):
    found = read(tmp_path, smf(b"\x00\xff\x51\x03" + tempo_us.to_bytes(3, "big") + NOTES + END)).bpm
    assert 20 <= found <= 400 and (octaves := np.log2(found * tempo_us / 60e6)) == pytest.approx(round(octaves), abs=1e-4)


@pytest.mark.parametrize(
    ("beats", "power", "metre"), [(7, 3, (7, 8)), (6, 3, (6, 8)), (5, 2, (5, 4)), (3, 1, (3, 2)), (40, 2, (4, 4))]
)
def test_metres_are_as_they_are_written(tmp_path, beats, power, metre):
    clip = read(tmp_path, smf(bytes([0, 0xFF, 0x58, 4, beats, power, 24, 8]) + NOTES + END))
    assert (clip.beats_per_bar, clip.beat_unit) == metre


def test_the_midi_file_beside_a_result_counts_in_eighths():
    encoded = tempo_map.encode(4 * 3.5 * 0.5, 120.0, 7, 8, [(0.0, "verse")])
    file = mido.MidiFile(file=io.BytesIO(encoded))
    (metre,) = [message for message in file.tracks[0] if message.type == "time_signature"]
    assert (metre.numerator, metre.denominator) == (7, 8) and file.length == pytest.approx(7.0)


def test_whatever_a_file_holds_it_is_read_or_one_sentence(tmp_path):
    """1,500 files with bytes changed, cut out or put in."""
    rng, read_ones = np.random.default_rng(7), 0
    metas = b"\x00\xff\x51\x03\x07\xa1\x20\x00\xff\x58\x04\x04\x02\x18\x08\x00\xff\x03\x04name"
    whole = smf(metas + NOTES * 4 + END, b"\x00\xb0\x07\x64" + NOTES * 3 + END)
    for _ in range(1_500):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), rng.integers(1, 6)):
            content[place : place + int(rng.integers(0, 3))] = rng.bytes(int(rng.integers(0, 3)))
        try:
            clip = read(tmp_path, bytes(content[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else content))
            assert clip.duration_s >= 0 and 20 <= clip.bpm <= 400
            read_ones += 1
        except ClipError as error:
            assert "a.mid" in str(error) and "\n" not in str(error)
    assert read_ones > 700


def test_plain_files_are_left_as_they_play(tmp_path):
    """Notes, controllers, tempi and metres keep their ticks."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=400_000), mido.MetaMessage("track_name", name="lead", time=7)])
    for number in range(20):
        track += [
            mido.Message("note_on", note=50 + number, velocity=90, time=number),
            mido.Message("pitchwheel", pitch=number, time=3),
        ]
        track += [mido.Message("note_off", note=50 + number, time=200), mido.Message("program_change", program=number)]
    track.append(mido.MetaMessage("end_of_track", time=99))
    out = io.BytesIO()
    mido.MidiFile(ticks_per_beat=333, tracks=[track]).save(file=out)
    old, new = (mido.MidiFile(file=io.BytesIO(content)) for content in (out.getvalue(), plain(out.getvalue())))
    assert new.length == old.length and new.ticks_per_beat == 333
    assert [m.bytes() for m in new if not m.is_meta] == [m.bytes() for m in old if not m.is_meta]
    assert sum(m.time for m in new) == pytest.approx(sum(m.time for m in old))


@pytest.mark.skipif(
    shutil.which("fluidsynth") is None, reason="needs fluidsynth: install the Debian packages fluidsynth and fluid-soundfont-gm"
)
def test_a_file_with_odd_events_is_played(tmp_path):
    (tmp_path / "odd.mid").write_bytes(smf(b"\x00\xff\x59\x02\x12\xff\x00\xb0\xff\xfe" + NOTES * 4 + END))
    samples, rate = soundfile.read(midi_clip.render(tmp_path / "odd.mid", "", tmp_path))
    assert len(samples) == 2 * rate and np.abs(samples).max() > 0.01
