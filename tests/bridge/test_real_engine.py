"""The whole path with the real engine: a tiny model of the real classes, asked for over OSC, written, cancelled, killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Estimated, Fail, Reply, paths_of
from tests.bridge.conftest import ROOT, RunningDaemon, serving
from tests.bridge.test_arrange import markers
from tests.tiny_model import write_tiny_model

LOOP = ROOT / "tests" / "loops" / "compus.flac"


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[RunningDaemon]:
    model = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    with serving(tmp_path_factory.mktemp("real"), engine="engine.pipeline:create_engine", model=model) as daemon:
        daemon.model = str(model)
        yield daemon


def generate(daemon: RunningDaemon, prompt: str = "dub techno", **pairs) -> list[Reply]:
    with daemon.client() as client:
        return list(client.generate(prompt, model=daemon.model, **pairs))


def continued(daemon: RunningDaemon, clip: Path, **pairs) -> list[Reply]:
    with daemon.client() as client:
        return list(client.continue_clip(str(clip), **{"model": daemon.model, "decode": "fast", "duration_s": 1.0, **pairs}))


@pytest.mark.parametrize(("decode", "samplerate"), [("fast", 24_000), ("full", 48_000)])
def test_a_prompt(real, decode, samplerate):
    replies = generate(real, decode=decode, bars=2, bpm=124.0, seed=7)
    done = replies[-1]
    assert isinstance(done, Done), done
    info = soundfile.info(done.path)
    assert (info.samplerate, info.frames) == (samplerate, round(8 * 60 / 124 * samplerate))
    assert done.pairs["seed"] == 7 and len([r for r in replies if isinstance(r, Chunk)]) > 1
    assert json.loads(Path(done.path).with_suffix(".json").read_text())["engine"]["weights"]


def test_the_same_seed_gives_the_same_audio(real):
    paths = [generate(real, decode="fast", duration_s=1.0, seed=3)[-1].path for _ in range(2)]
    assert paths[0] != paths[1]
    np.testing.assert_array_equal(*(soundfile.read(path)[0] for path in paths))


def test_what_the_seed_drew_is_reported_comes_again_and_can_be_asked_for(real):
    asked = {"model": "sketch", "decode": "fast", "duration_s": 0.5, "seed": 3}
    with real.client() as client:
        done = list(client.generate("house, 124 bpm", id="open", variations=2, **asked))[-1]
        again = list(client.again("open"))[-1]
        key, words = done.pairs["drawn"].split(", ", 1)
        pinned = list(client.generate("house, 124 bpm", key=key, **asked))[-1]
    takes, same = ([soundfile.read(path)[0] for path in paths_of(end)] for end in (done, again))
    np.testing.assert_array_equal(takes, same)
    np.testing.assert_array_equal(soundfile.read(pinned.path)[0], takes[0])
    drawn = [json.loads(Path(path).with_suffix(".json").read_text())["engine"]["drawn"] for path in paths_of(done)]
    assert drawn[0] == done.pairs["drawn"] != drawn[1] and again.pairs["drawn"] == drawn[0] and pinned.pairs["drawn"] == words
    assert "drawn" not in continued(real, LOOP, model="sketch")[-1].pairs


def test_again_at_full_quality_is_the_same_job_and_not_of_another_model(real):
    first = generate(real, id="rough", decode="fast", bars=2, bpm=124.0)[-1]
    with real.client() as client:
        full = list(client.again("rough", decode="full"))[-1]
        assert (full.pairs["seed"], full.pairs["weights"]) == (first.pairs["seed"], first.pairs["weights"])
        assert client.status("rough").pairs["path"] == first.path != full.path
    assert soundfile.info(full.path).samplerate == 48_000 and soundfile.info(first.path).samplerate == 24_000
    assert abs(full.duration_s - first.duration_s) < 1e-3
    asked = json.loads(Path(full.path).with_suffix(".json").read_text())["request"]
    rough = json.loads(Path(first.path).with_suffix(".json").read_text())["request"]
    assert asked == rough | {"decode": "full"}


def test_a_recorded_loop_is_continued(real):
    done = continued(real, LOOP, join="append")[-1]
    assert isinstance(done, Done), done
    assert soundfile.info(done.path).duration == pytest.approx(soundfile.info(LOOP).duration + 1.0, abs=0.01)


def test_cancel_stops_the_real_engine(real):
    with real.client() as client:
        events = client.generate("dub techno", id="long", model=real.model, duration_s=400)
        while not isinstance(next(events), Chunk):
            pass
        assert isinstance(client.cancel("long"), Ack)
        end = list(events)[-1]
    assert isinstance(end, Cancelled) and 0 < end.duration_s < 400
    assert soundfile.info(end.path).duration == pytest.approx(end.duration_s)


def test_killing_the_real_engine_keeps_what_was_announced(real):
    victim = real.engine_pid()
    with real.client() as client:
        events = client.generate("dub techno", model=real.model, duration_s=400)
        while not isinstance(chunk := next(events), Chunk):
            pass
        os.kill(victim, signal.SIGKILL)
        end = list(events)[-1]
    assert isinstance(end, Fail) and end.code == "engine_died"
    kept = soundfile.info(end.pairs["path"])
    assert kept.frames >= round((chunk.start_s + chunk.duration_s) * kept.samplerate)  # OSC's floats are of 32 bits
    assert isinstance(generate(real, decode="fast", duration_s=0.5)[-1], Done)


# ---- clips: what can be used is used, what cannot is one clear fail


def write(file: Path, samples: np.ndarray, samplerate: int = 48_000, subtype: str | None = None) -> Path:
    soundfile.write(file, samples, samplerate, subtype)
    return file


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.1, 0.1, (frames, channels))


USABLE = {
    "8 channels": lambda folder: write(folder / "8.wav", noise(96_000, 8)),
    "192 kHz": lambda folder: write(folder / "192.wav", noise(400_000), 192_000),
    "8 kHz": lambda folder: write(folder / "8k.wav", noise(16_000), 8_000),
    "a name that is not ASCII": lambda folder: write(folder / "größe 音.wav", noise(96_000)),
}
UNUSABLE = {
    "an empty file": lambda folder: _bytes(folder / "empty.wav", b""),
    "text": lambda folder: _bytes(folder / "text.wav", b"this is not audio " * 100),
    "no samples": lambda folder: write(folder / "none.wav", noise(0)),
    "one sample": lambda folder: write(folder / "one.wav", noise(1)),
    "30 minutes": lambda folder: write(folder / "long.flac", np.zeros(30 * 60 * 8_000), 8_000),
    "not a number": lambda folder: write(folder / "nan.wav", np.full(96_000, np.nan), subtype="FLOAT"),
}


def _bytes(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("make", USABLE.values(), ids=USABLE)
def test_unusual_clips(real, tmp_path, make):
    assert isinstance(end := continued(real, make(tmp_path))[-1], Done), end


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_clips(real, tmp_path, make):
    replies = continued(real, make(tmp_path))
    assert isinstance(replies[-1], Fail) and replies[-1].code == "bad_clip", replies[-1]
    assert len([r for r in replies if isinstance(r, Ack | Fail)]) == 2  # an ack, then its end
    assert not replies[-1].pairs


SPOILT = {
    "cut in the middle": (lambda clip: os.truncate(clip, 200_000), Done),  # what is left is a clip
    "cut in its header": (lambda clip: os.truncate(clip, 20), Fail),
    "deleted": (Path.unlink, Fail),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_clip_that_is_spoilt_while_its_job_waits(real, tmp_path, how):
    spoil, expected = SPOILT[how]
    clip = write(tmp_path / "loop.wav", noise(480_000))
    with real.client() as client:
        client.pause()
        events = client.continue_clip(str(clip), model=real.model, decode="fast", duration_s=1.0)
        assert isinstance(next(events), Ack)
        spoil(clip)
        client.resume()
        end = list(events)[-1]
    assert isinstance(end, expected) and getattr(end, "code", "bad_clip") == "bad_clip", end


def test_a_clip_that_is_cut_while_it_is_read(real, tmp_path):
    """At whatever moment: it is heard as far as it was, or is no clip. The engine lives on."""
    engine = real.engine_pid()
    for number in range(8):
        clip = write(tmp_path / f"loop{number}.wav", noise(4_800_000))
        with real.client() as client:
            events = client.continue_clip(str(clip), model=real.model, decode="fast", duration_s=0.5)
            assert isinstance(next(events), Ack)
            time.sleep(0.02 * number)
            os.truncate(clip, 50_000)
            end = list(events)[-1]
        assert isinstance(end, Done) or end.code == "bad_clip", end
    assert real.engine_pid() == engine


@pytest.mark.parametrize("grid", [{}, {"grid": 0}])
def test_a_loop_over_osc_goes_round(real, grid):
    """Exact bars, with the chunks samplers read, and without a step where its end meets its beginning. It is streamed where it is
    not held back until its grid was measured.
    """
    replies = generate(real, decode="fast", loop=1, bpm=127.0, seed=7, **grid)
    done = replies[-1]
    chunks = len([r for r in replies if isinstance(r, Chunk)])
    assert isinstance(done, Done) and (chunks > 2 if grid else chunks == 1)
    assert ("rolls" in done.pairs) == (not grid) and 0 <= done.pairs["grid_confidence"] <= 1
    audio, rate = soundfile.read(done.path, always_2d=True)
    assert len(audio) == round(4 * 4 * 60 / 127 * rate)  # four bars when none are given
    assert np.abs(audio[0] - audio[-1]).max() <= np.abs(np.diff(audio, axis=0)).max()
    reported = json.loads(Path(done.path).with_suffix(".json").read_text())
    assert reported["request"]["loop"] is True
    content = Path(done.path).read_bytes()
    assert b"smpl" in content and b"acid" in content


def test_a_loop_of_seconds_is_rejected(real):
    failed = generate(real, loop=1, duration_s=4.0, bpm=120.0)[-1]
    assert isinstance(failed, Fail) and "give bars instead of duration_s" in failed.message


def test_an_arrangement_is_whole_has_its_markers_and_ends(real):
    with real.client() as client:
        asked = {"model": "sketch", "prompt": "house, A minor", "bpm": 131.7, "beats_per_bar": 3, "decode": "fast", "seed": 3}
        done = list(client.arrange("intro:1 drop:1=drums outro:1", **asked))[-1]
        reported = client.estimate(**asked, sections="intro:1 drop:1=drums outro:1")
    assert isinstance(reported, Estimated) and reported.pairs["new_s"] == pytest.approx(9 * 60 / 131.7)
    assert isinstance(done, Done), done
    audio, rate = soundfile.read(done.path)
    bar = 3 * 60 / json.loads(Path(done.path).with_suffix(".json").read_text())["request"]["bpm"] * rate
    assert len(audio) == round(3 * bar)
    assert markers(done.path) == [(0, "intro"), (round(bar), "drop"), (round(2 * bar), "outro")]
    assert np.abs(audio[: round(bar)]).max() > 1e-3 and np.abs(audio[-round(0.01 * bar) :]).max() < 1e-3


def test_one_section_anew_leaves_the_rest_bit_by_bit(real):
    """Of the middle, of the beginning, which nothing comes before, of the end, which dies away, and of a piece made so."""
    with real.client() as client:
        asked = {"model": "sketch", "prompt": "house", "bpm": 131.7, "decode": "fast", "seed": 3}
        done = list(client.arrange("intro:1 drop:1=drums outro:1", id="piece", **asked))[-1]
        before, rate = soundfile.read(done.path, dtype="int32")
        bars = [round(bar * 240 / np.float32(131.7) * rate) for bar in range(4)]
        of = "piece"
        for number, which in enumerate(("intro", "DROP", "3", "drop")):
            end = list(client.again(of, id=f"anew{number}", section=which, seed=number))[-1]
            assert isinstance(end, Done), end
            after, _ = soundfile.read(end.path, dtype="int32")
            place = {"intro": 0, "DROP": 1, "3": 2, "drop": 1}[which]
            inside = slice(bars[place], bars[place + 1])
            assert after.shape == before.shape and (after[inside] != before[inside]).any()
            for outside in (slice(0, bars[place]), slice(bars[place + 1], None)):
                np.testing.assert_array_equal(after[outside], before[outside])
            assert markers(end.path) == markers(done.path)
            steps = np.abs(np.diff(after.astype(np.float64), axis=0)).max(1)
            for edge in {*inside.indices(len(after))[:2]} - {0, len(after)}:  # no click where it is joined
                assert steps[edge - 1] <= np.quantile(steps[max(0, edge - rate) : edge + rate], 0.999)
            if place == 2:
                assert np.abs(after[-round(0.01 * bars[1]) :]).max() < 1e-3 * 2**31
            before, of = (after, end.id) if number == 2 else (before, of)


@pytest.mark.parametrize(
    ("job", "section", "code", "reported"),
    [("piece2", "bridge", "bad_request", "there are 1 a, 2 b"), ("plain", "a", "bad_request", "no sections"),
     ("gone", "a", "no_audio", "gone"), ("nobody", "a", "no_such_job", "nobody")],
)  # fmt: skip
def test_a_section_that_is_not_there_is_one_clear_error(daemon, job, section, code, reported):
    with daemon.client() as client:
        list(client.arrange("a:1 b:1", id="piece2", prompt="tune", bpm=240))
        list(client.generate("tune", id="plain", duration_s=0.5))
        Path(list(client.arrange("a:1 b:1", id="gone", prompt="tune", bpm=240, seed=1))[-1].path).unlink(missing_ok=True)
        (fail,) = client.again(job, section=section)
    assert isinstance(fail, Fail) and fail.code == code and reported in fail.message


def test_chords_that_are_estimated_are_a_track_of_the_midi_file(real):
    done = generate(real, decode="fast", bars=2, bpm=120.0, key="A minor", midi=1, seed=7)[-1]
    assert isinstance(done, Done)
    reported = json.loads(Path(done.path).with_suffix(".json").read_text())
    starts = [float(chord.split()[0]) for chord in reported["engine"]["chords"]]
    assert starts[0] == 0 and set(starts) <= {0.0, 2.0}
    assert [track.name for track in mido.MidiFile(Path(done.path).with_suffix(".mid")).tracks] == ["", "chords", "drums"]
    assert reported["midi"]["tracks"] == ["chords", "drums"] and done.pairs["midi_tracks"] == "chords, drums"
