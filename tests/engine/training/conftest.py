"""A clock that counts steps, so that a smoke run trains the same number on any machine; codecs, tokens and recordings."""

import json
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from engine.corpus.dataset import Corpus, halve_rate
from engine.models.hifi_codec import HiFiCodec
from engine.models.wavtokenizer import WavTokenizer
from engine.training import loop, vocabulary
from engine.training.codec import CodecTrainer
from engine.training.tokens import encode_corpus
from engine.training.windows import Windows
from tests.synthetic import clicks, progression
from tests.tiny_model import TINY, write_tiny_model

RATE = 24_000  # Hz of the recordings
WINDOW_FRAMES = 64  # of `windows`


@pytest.fixture
def one_second_a_step(monkeypatch):
    """`minutes` of a run then mean 60 steps each, of which the first ten warm up."""
    ticks = count()
    monkeypatch.setattr(loop, "WARMUP_STEPS", 10)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def codecs(corpus):
    """Untrained, but with codes drawn from the corpus, so that other sounds are other codes."""
    torch.manual_seed(0)
    audio = Corpus(corpus).crops(4, 48_000, np.random.default_rng(0))
    wavtokenizer, hifi_codec = WavTokenizer(TINY.wavtokenizer).eval(), HiFiCodec(TINY.hifi_codec).eval()
    with torch.no_grad():
        CodecTrainer(wavtokenizer).train().loss(halve_rate(audio))
        CodecTrainer(hifi_codec).train().loss(audio)
    return wavtokenizer.eval(), hifi_codec.eval()


@pytest.fixture(scope="module")
def tokens(corpus, codecs, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens.npz"
    encode_corpus([Corpus(corpus), Corpus(corpus, held_out=True)], path, *codecs)
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Six loops of 8 s."""
    folder = tmp_path_factory.mktemp("recordings")
    for number, key in enumerate(("A minor", "C major", "E minor", "D minor", "F major", "G major")):
        audio = clicks(120, 8, (0, 1, 1.5, 2, 3), RATE) + (0.3 + 0.05 * number) * progression(key, 120, 8, RATE)
        soundfile.write(folder / f"loop{number}_120bpm.wav", 0.5 * audio, RATE)
    return folder


@pytest.fixture(scope="module")
def tokenizer(corpus):
    captions = vocabulary.caption_sample(list(Corpus(corpus).facts.values()), 20)
    return vocabulary.build(captions, TINY.language_model.text_vocab_size)


@pytest.fixture(scope="module")
def eighths(corpus, tmp_path_factory):
    """Each token says which eighth of its bar it is, so that a window's place can be read off its tokens."""
    path = tmp_path_factory.mktemp("eighths") / "tokens.npz"
    found = {}
    for name, facts in Corpus(corpus).facts.items():
        frames, bar = sum(s["frames"] for s in facts["sections"]), facts["bar_frames"]
        found[name] = (np.arange(frames) % bar * 8 // bar).astype(np.int16)
    np.savez(path, **found)
    return path


@pytest.fixture(scope="module")
def windows(corpus, eighths, tokenizer):
    return Windows(Corpus(corpus), dict(np.load(eighths)), tokenizer, WINDOW_FRAMES, TINY.language_model.stop_token)
