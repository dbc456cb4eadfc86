"""CLAP with transformers' own classes at tiny size; openl3 and PaSST against stand-ins with those packages' functions."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from engine.api import EngineError, ModelError
from engine.evaluation.scores import ClapScore, OpenL3Distance, PasstDivergence, scorers
from tests.missing import needs_module
from tests.synthetic import clicks, noise

RATE = 24_000
CLIPS = [clicks(120, 2, rate=RATE), noise(2, RATE)]


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    needs_module("transformers.models.clap", "transformers with CLAP")
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, RobertaTokenizerFast

    torch.manual_seed(0)
    text = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    audio = {
        "spec_size": 64, "num_mel_bins": 16, "window_size": 4, "patch_size": 4, "patch_stride": [4, 4], "num_classes": 4,
        "hidden_size": 16, "patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [2, 2], "projection_dim": 16,
        "enable_fusion": False, "num_hidden_layers": 2,
    }  # fmt: skip
    config = ClapConfig(text_config=text | {"projection_dim": 16}, audio_config=audio, projection_dim=16)
    folder = tmp_path_factory.mktemp("clap")
    ClapModel(config).save_pretrained(folder)
    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyz"]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    merges.write_text("#version: 0.2\n")
    tokenizer = RobertaTokenizerFast(str(vocabulary), str(merges))
    read = {"feature_size": 16, "sampling_rate": 48_000, "max_length_s": 2, "hop_length": 1500, "truncation": "rand_trunc"}
    extractor = ClapFeatureExtractor(**read)
    ClapProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder


def test_clap_score_is_the_mean_cosine(clap):
    score = ClapScore(clap)
    both = score.score(CLIPS, ["techno", "noise"], [], RATE)
    alone = [score.score([clip], [word], [], RATE) for clip, word in zip(CLIPS, ("techno", "noise"), strict=True)]
    assert -1 <= both <= 1 and both == pytest.approx(np.mean(alone), abs=1e-5)
    assert score.score(CLIPS[:1], ["jazz"], [], RATE) != pytest.approx(alone[0], abs=1e-6)


def test_a_folder_without_clap_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be read as a CLAP model"):
        scorers(tmp_path, False, False)


def test_packages_that_are_not_there_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openl3", None)
    monkeypatch.setitem(sys.modules, "hear21passt.base", None)
    with pytest.raises(EngineError, match="pip install openl3"):
        scorers(None, True, False)
    with pytest.raises(EngineError, match="pip install hear21passt"):
        scorers(None, False, True)


def test_openl3_and_passt_compare_what_was_made_with_real_music(monkeypatch):
    """The stand-ins refuse what the packages refuse."""

    def embedding(audio, sr, model=None, hop_size=0.1, verbose=True):
        assert model == ("mel256", "music", 512) and audio.ndim == 1 and hop_size == 0.5
        blocks = np.log(np.abs(np.fft.rfft(audio[: sr * 2].reshape(4, -1)))[:, :8] + 1e-3)
        return blocks, np.arange(4) * hop_size

    load = SimpleNamespace(load_audio_embedding_model=lambda *names: names)
    monkeypatch.setitem(sys.modules, "openl3", SimpleNamespace(models=load, get_audio_embedding=embedding))

    class Passt(torch.nn.Module):
        def forward(self, audio):
            assert audio.shape == (1, 320_000) and audio.dtype == torch.float32
            return audio.reshape(1, 527, -1)[..., :600].std(-1) if audio.numel() % 527 == 0 else audio[:, :527] * 10

    base = ModuleType("hear21passt.base")
    base.get_basic_model = lambda mode: Passt() if mode == "logits" else None
    monkeypatch.setitem(sys.modules, "hear21passt.base", base)
    for score in (OpenL3Distance(), PasstDivergence()):
        same, other = score.score(CLIPS, ["a", "b"], CLIPS, RATE), score.score(CLIPS[:1], ["a"], CLIPS[1:], RATE)
        assert same == pytest.approx(0, abs=1e-5) and other > 10 * abs(same) + 1e-3
