"""A folder of recordings as a person has it: names, captions.csv, files of every kind, and what is measured in them."""

import os

import numpy as np
import pytest
import soundfile

from engine.api import parse_key
from engine.checkpoints.checkpoint import load_checkpoint
from engine.training.recordings import TrainingError, find_recordings, label_of_name, read_captions, read_recordings, split
from tests.synthetic import clicks, noise, progression
from tests.tiny_model import write_tiny_model

RATE = 24_000


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(str(write_tiny_model(tmp_path_factory.mktemp("model"), flow=False)))


@pytest.fixture
def write(tmp_path):
    def write(name, audio, rate=RATE, **options):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, audio, rate, **options)

    return write


@pytest.mark.parametrize(
    ("stem", "words", "bpm", "key", "numbers"),
    [
        ("dusty_break_92bpm_Am", "dusty break", 92, "A minor", ()),
        ("DeepPad-F#min-120 BPM", "Deep Pad", 120, "F# minor", ()),
        ("bpm128.5 acid line Bbmaj take2", "acid line", 128.5, "Bb major", ()),
        ("Eb minor organ", "organ", None, "Eb minor", ()),
        ("loop_drone_g_97", "loop drone g", None, None, (97,)),
        ("i am a drum 808 2024 03", "i am a drum", None, None, ()),
        ("Break C 174", "Break C", None, None, (174,)),
        ("am", "am", None, None, ()),
        ("999bpm", "", None, None, ()),
    ],
)
def test_what_a_name_says(stem, words, bpm, key, numbers):
    label = label_of_name(stem)
    assert (label.words, label.bpm, label.key, label.numbers) == (words, bpm, key, numbers)


def test_words_tempo_and_key_are_of_the_table_else_of_the_name_else_measured(checkpoint, tmp_path, write):
    notes = progression("A minor", 120, 8, RATE)
    for name, gain in (("a.wav", 0.5), ("dusty_120bpm.wav", 0.4), ("drone_120.wav", 0.3), ("take_97.wav", 0.2)):
        write(name, gain * clicks(120, 8, rate=RATE) + 0.5 * notes)
    (tmp_path / "captions.csv").write_text('file,caption,bpm,key\na.wav,"techno, warm",120,E minor\ngone.wav,x,,\n', "utf-8-sig")
    reported = []
    parts = read_recordings(tmp_path, checkpoint, lambda event, **figures: reported.append((event, figures)))
    captions = {part.file: part.caption for part in parts}
    assert captions["a.wav"] == "techno, warm, 120 bpm, E minor"
    assert captions["dusty_120bpm.wav"] == "dusty, 120 bpm, A minor"
    assert captions["drone_120.wav"] == "drone, 120 bpm, A minor"
    assert captions["take_97.wav"] in {f"take, {bpm} bpm, A minor" for bpm in (60, 80, 120, 180)}  # 97 is none of its tempi
    assert [figures["file"] for event, figures in reported if event == "skipped"] == ["gone.wav"]


def test_bars_begin_where_they_are_measured_also_in_later_parts(checkpoint, write, tmp_path):
    """75 s at a tempo that is not written anywhere, begun 0.1 s before the beat."""
    write("long.flac", np.concatenate([np.zeros(RATE // 10), clicks(121.3, 74.9, (0, 0.5, 1, 2, 2.5, 3), RATE)]))
    parts = read_recordings(tmp_path, checkpoint)
    level = parts[0].bpm / 121.3  # this model has learnt nothing and may hear half or double of it
    for number, part in enumerate(parts):
        assert part.bpm / 121.3 == pytest.approx(level, rel=2e-3)
        assert part.grid.beats_per_bar == parts[0].grid.beats_per_bar
        sixteenths = (part.grid.beat / level - (30 * number - 0.1) * 121.3 / 60) * 4
        assert abs(sixteenths - round(sixteenths)) < 0.25


def test_a_short_loop_has_the_beat_it_has_when_it_goes_round(checkpoint, write, tmp_path):
    write("loop.wav", clicks(97, 4 * 60 / 97, (0, 0.5, 1, 2, 2.5, 3), RATE))
    (part,) = read_recordings(tmp_path, checkpoint)
    assert part.bpm in (pytest.approx(97, rel=1e-3), pytest.approx(194, rel=1e-3))


def test_recordings_are_stretched_until_bars_last_whole_tokens_as_in_a_continuation(checkpoint, write, tmp_path):
    write("loop_121bpm.wav", clicks(121, 8 * 240 / 121, (0, 0.5, 1, 2, 2.5, 3), RATE))
    (part,) = read_recordings(tmp_path, checkpoint)
    bar = 240 / part.grid.bpm * checkpoint.config.token_rate
    assert bar == pytest.approx(round(bar), abs=1e-6) and round(bar) % checkpoint.wavtokenizer.views == 0
    assert part.stretch != 1.0 and part.bpm == pytest.approx(121)
    assert abs(len(part.tokens) - 8 * bar) <= checkpoint.wavtokenizer.views  # as many bars as before
    assert "121 bpm" in part.caption  # as a producer says it


def test_any_rate_channels_format_and_subfolder_are_read_and_bad_files_reported(checkpoint, tmp_path, write):
    good = clicks(120, 4, rate=44_100)
    write("a.wav", good, 44_100)
    write("b/surround.flac", 0.5 * np.stack([good] * 4, 1), 44_100)
    write("c.ogg", 0.5 * noise(4, 8_000), 8_000)
    write("d.mp3", 0.5 * noise(4, 32_000), 32_000)
    write("e.aiff", 0.3 * noise(4, 96_000), 96_000)
    write("short.wav", good[:1000])
    write("silent.wav", np.zeros(3 * RATE))
    write("nan.wav", np.where(np.arange(3 * RATE) == 5, np.nan, 0.1).astype(np.float32), subtype="FLOAT")
    write("twin.wav", good, 44_100)
    (tmp_path / "broken.wav").write_bytes(b"RIFF, not really")
    (tmp_path / "._a.wav").write_bytes(b"what macOS leaves")
    (tmp_path / "notes.txt").write_text("no audio")
    skipped = {}

    def report(event, file, **figures):
        if event == "skipped":
            skipped[file] = figures

    parts = read_recordings(tmp_path, checkpoint, report)
    assert {part.file for part in parts} == {"a.wav", "b/surround.flac", "c.ogg", "d.mp3", "e.aiff"}
    reasons = {"short.wav": "1 s at least", "silent.wav": "silent", "nan.wav": "no numbers", "twin.wav": "same as a.wav",
               "broken.wav": "not recognised"}  # fmt: skip
    assert skipped.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in skipped[name]["reason"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"name,words\na.wav,x\n", "first line must be"),
        (b"file,caption,mood\na.wav,x,y\n", "first line must be"),
        (b"", "first line must be"),
        (b"file,caption\na.wav,dub, techno\n", "line 2: too many commas"),
        (b"file,caption,bpm\na.wav,x,fast\n", "line 2: .*fast"),
        (b"file,caption,bpm\na.wav,x,5\n", "line 2: bpm is 5"),
        (b"file,caption,key\na.wav,x,\na.wav,x,H minor\n", "line 3: unknown key 'H minor'"),
        (b"file,caption\na.wav,caf\xe9\n", "not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_why(tmp_path, table, message):
    (tmp_path / "captions.csv").write_bytes(table)
    with pytest.raises(TrainingError, match=message):
        read_captions(tmp_path / "captions.csv")


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbffile,caption,bpm,key\r\na.wav,dub,\"92,5\",Am\r\n",
        "file;caption;bpm;key\r\na.wav;dub;92,5;A-moll\r\n".encode("utf-8-sig"),
        "file\tcaption\tbpm\tkey\r\na.wav\tdub\t92,5\t8A\r\n".encode("utf-16"),
        b"file,caption,bpm,key\na.wav,dub,92.5,A minor\n",
    ],
)
def test_a_table_as_spreadsheets_save_it(tmp_path, table):
    (tmp_path / "captions.csv").write_bytes(table)
    label = read_captions(tmp_path / "captions.csv")["a.wav"]
    assert (label.words, label.bpm, parse_key(label.key)) == ("dub", 92.5, (9, "minor"))


def test_file_names_in_no_encoding_are_read_and_held_out(checkpoint, tmp_path, write):
    for number in range(3):
        write(f"{number}.wav", noise(2 + number, RATE))
        (tmp_path / f"{number}.wav").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9%d.wav" % number))
    training, held_out = split(read_recordings(tmp_path, checkpoint))
    assert len({part.file for part in training + held_out}) == 3 and held_out


def test_recordings_of_opposite_polarity_are_read(checkpoint, tmp_path, write):
    side = 0.3 * noise(4, RATE)
    write("wide.wav", np.stack([side, -side], axis=1))
    assert [part.file for part in read_recordings(tmp_path, checkpoint)] == ["wide.wav"]


def test_a_folder_without_recordings_is_rejected(tmp_path):
    with pytest.raises(TrainingError, match="holds no recordings: .*.flac"):
        find_recordings(tmp_path)
    with pytest.raises(TrainingError, match="is no folder"):
        find_recordings(tmp_path / "gone")


def test_whole_files_are_held_out_the_same_ones_each_time_or_the_end_of_the_only_one(checkpoint, tmp_path, write):
    for number in range(8):
        write(f"{number}.wav", noise(2 + number, RATE))
    parts = read_recordings(tmp_path, checkpoint)
    training, held_out = split(parts)
    assert {p.file for p in training} | {p.file for p in held_out} == {p.file for p in parts}
    assert not {p.file for p in training} & {p.file for p in held_out}
    assert sum(len(p.tokens) for p in held_out) >= 0.15 * sum(len(p.tokens) for p in parts)
    assert [p.file for p in split(parts[::-1])[1]] == [p.file for p in held_out][::-1]
    alone = [p for p in parts if p.file == "7.wav"]
    (begin,), (end,) = split(alone)
    assert np.array_equal(np.concatenate([begin.tokens, end.tokens]), alone[0].tokens)
    assert end.first == len(begin.tokens) and 0.1 < len(end.tokens) / len(alone[0].tokens) < 0.2
