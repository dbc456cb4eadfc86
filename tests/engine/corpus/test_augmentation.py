"""Augmented copies: the same music on the same bars, another kit, other effects; held-out pieces are left alone."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from engine.corpus import augmentation
from engine.corpus.dataset import Corpus
from engine.corpus.render import LEVEL_DB, SAMPLE_RATE
from engine.music.level import rms_db
from tests import synthetic


@pytest.fixture
def folder(corpus, tmp_path):
    """Three pieces, of which the first is drums alone and the last held out."""
    folder = tmp_path / "corpus"
    shutil.copytree(corpus, folder)
    facts = json.loads((folder / "p000000.json").read_text())
    (folder / "p000000.json").write_text(json.dumps(facts | {"instruments": {"drums": "drums"}}))
    drums = synthetic.clicks(facts["bpm"], facts["seconds"], rate=SAMPLE_RATE)
    soundfile.write(folder / "p000000.wav", 0.5 * drums, SAMPLE_RATE)
    return folder


def test_each_piece_gets_its_copies_once(folder):
    augmentation.augment(folder, drums=2, others=1.0)
    made = sorted(path.name for path in folder.glob("*c?.*"))
    assert made == ["p000000c0.json", "p000000c0.wav", "p000000c1.json", "p000000c1.wav", "p000001c0.json", "p000001c0.wav"]
    before = {name: (folder / name).read_bytes() for name in made}
    augmentation.augment(folder, drums=2, others=1.0)
    assert {path.name: path.read_bytes() for path in folder.glob("*c?.*")} == before  # nothing is augmented twice
    for name in made:
        (folder / name).unlink()
    augmentation.augment(folder, drums=2, others=1.0)
    assert {path.name: path.read_bytes() for path in folder.glob("*c?.*")} == before  # a seed gives what it gave


def test_copies_are_as_long_as_their_bars_and_at_the_level_of_the_corpus(folder):
    augmentation.augment(folder, drums=2, others=1.0)
    corpus = Corpus(folder)
    kits = [name for name in corpus.names if name.startswith("p000000c")]
    assert len({corpus.facts[name]["bar_frames"] for name in ("p000000", *kits)}) > 1  # slower or faster
    for name in (*kits, "p000001c0"):
        facts, audio = corpus.facts[name], corpus.read(name)
        assert len(audio) == round(facts["seconds"] * SAMPLE_RATE)
        assert facts["bpm"] == pytest.approx(60 * 4 * 50 / facts["bar_frames"])
        assert sum(s["frames"] for s in facts["sections"]) / 50 == pytest.approx(facts["seconds"])
        assert all(s["first_frame"] % facts["bar_frames"] == 0 for s in facts["sections"])
        assert rms_db(audio) == pytest.approx(LEVEL_DB, abs=1.0) and np.abs(audio).max() < 1.0 and facts["augmentation"]


def test_a_faster_kit_strikes_on_the_beats_of_its_new_tempo(folder):
    corpus = Corpus(folder)
    facts = corpus.facts["p000000"]
    for seed in range(4):
        played, changed = augmentation.varispeed(corpus.read("p000000"), facts, np.random.default_rng(seed))
        expected = synthetic.clicks(changed["bpm"], changed["seconds"], rate=SAMPLE_RATE)
        levels = [np.abs(audio[: len(audio) // 480 * 480]).reshape(-1, 480).max(1) for audio in (played, expected)]
        assert np.corrcoef(*levels)[0, 1] > 0.9  # 10 ms


@pytest.mark.parametrize("name", augmentation.EFFECTS)
def test_effects_change_the_sound_and_neither_shift_nor_break_it(name):
    audio = 0.3 * synthetic.clicks(120, 2.0, rate=SAMPLE_RATE)
    for seed in range(3):
        played = augmentation.EFFECTS[name][0](audio, np.random.default_rng(seed))
        assert played.shape == audio.shape and np.isfinite(played).all()
        lags = np.correlate(np.abs(played[:48_000]) - np.abs(played).mean(), np.abs(audio[4_800:43_200]), "valid")
        assert abs(np.argmax(lags) - 4_800) < 0.02 * SAMPLE_RATE and np.abs(played - audio).max() > 1e-4
