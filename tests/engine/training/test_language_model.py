"""Training the language model: what counts in the loss, how number words begin, and a smoke run."""

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus
from engine.models.sketch.language_model import build_language_model
from engine.training import language_model as stage
from engine.training import vocabulary
from engine.training.language_model import divergence, loss, smooth_numbers, train
from engine.training.pack import load_average
from engine.training.windows import Windows
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY

CONFIG = TINY.language_model
FRAMES = 64  # as in the fixture `windows`


def test_near_tempi_begin_with_near_vectors():
    tokenizer = vocabulary.build(["60 61 120 180 house"], 16)
    model = build_language_model(CONFIG)
    smooth_numbers(model, tokenizer)
    ids, half = tokenizer.get_vocab(), CONFIG.hidden_size // 2
    rows = {bpm: model.text_embedding.weight[ids[str(bpm)], :half].detach() for bpm in (60, 61, 180)}
    assert (rows[60] - rows[61]).norm() < (rows[60] - rows[180]).norm()


def test_what_is_not_counted_has_no_part_in_the_loss(windows):
    model = build_language_model(CONFIG)
    condition, tokens, targets, negative = windows.batch(4, np.random.default_rng(0), drop=False)
    targets[:, 10:] = -100
    changed = tokens.clone()
    changed[:, 11:] = 0
    with torch.no_grad():
        assert loss(model, (condition, tokens, targets, negative)) == pytest.approx(
            loss(model, (condition, changed, targets, negative)).item(), abs=1e-3
        )


def test_a_smoke_run_lowers_the_loss_and_resumes(corpus, eighths, tokenizer, tmp_path, one_second_a_step):
    options = {"batch": 4, "frames": FRAMES, "config": CONFIG, "lr": 1e-2, "matrix_lr": 1e-2}
    train(corpus, eighths, tokenizer, tmp_path, minutes=100 / 60, **options)
    log = read_log(tmp_path)
    losses = [row["loss"] for row in log if "loss" in row]
    assert len(losses) == 2 and losses[1] < 0.6 * losses[0]
    assert next(row["held_out"] for row in log if "held_out" in row) < np.log(CONFIG.audio_vocab_size)
    average = train(corpus, eighths, tokenizer, tmp_path, minutes=105 / 60, **options)
    assert read_log(tmp_path)[-1]["step"] == 105
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["parts"]
    torch.testing.assert_close(average.state_dict(), saved["average"], rtol=0, atol=0)
    changed = any(not torch.equal(saved["average"][name], saved["model"][name]) for name in saved["model"])
    assert changed  # the average trails the model


def test_audio_comes_first_then_captions(corpus, eighths, tokenizer, tmp_path, one_second_a_step, monkeypatch):
    """In the first fifth of a run no window has words, span or label."""
    learnt = []  # share of rows without conditions, of each batch

    def spy(model, batch, *rest):
        learnt.append(batch[3].float().mean().item())
        return loss(model, batch, *rest)

    monkeypatch.setattr(stage, "loss", spy)
    options = {"batch": 4, "frames": FRAMES, "config": CONFIG}
    train(corpus, eighths, tokenizer, tmp_path, minutes=20 / 60, **options)
    first, then, held_out = learnt[:4], learnt[4:20], learnt[20:]
    assert set(first) == {1.0} and max(then) < 1 and set(held_out) == {0.0}
    learnt.clear()
    monkeypatch.setattr(stage, "AUDIO_FIRST_MINUTES", 10 / 60)
    train(corpus, eighths, tokenizer, tmp_path, minutes=200 / 60, **options)
    assert max(learnt) < 1  # a run that is continued for longer does not return to audio alone


def test_a_trained_model_is_trained_further(corpus, eighths, tokenizer, tmp_path, one_second_a_step):
    """It begins where the other ended, with conditions at once, and leaves it as it is."""
    options = {"batch": 4, "frames": FRAMES, "config": CONFIG, "lr": 1e-2, "matrix_lr": 1e-2}
    first = train(corpus, eighths, tokenizer, tmp_path / "first", minutes=100 / 60, **options)
    kept = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    further = train(corpus, eighths, tokenizer, tmp_path / "further", minutes=1 / 60, begin=first, **options)
    held_out = [[row["held_out"] for row in read_log(tmp_path / run) if "held_out" in row][-1] for run in ("first", "further")]
    assert held_out[1] < 0.2 * np.log(CONFIG.audio_vocab_size)  # after one step
    assert all(torch.equal(tensor, kept[name]) for name, tensor in first.state_dict().items())
    assert any(not torch.equal(tensor, kept[name]) for name, tensor in further.state_dict().items())


def test_what_is_kept_stays_more_as_it_was(corpus, eighths, tokenizer, tmp_path, one_second_a_step):
    """Trained on reversed pieces, a model forgets what it knew; less so where the pieces it knew are kept."""
    options = {"batch": 2, "frames": FRAMES, "config": CONFIG, "lr": 1e-2, "matrix_lr": 1e-2}
    begin = train(corpus, eighths, tokenizer, tmp_path / "first", minutes=40 / 60, **options)
    np.savez(tmp_path / "reversed.npz", **{name: row[::-1] for name, row in np.load(eighths).items()})
    new = (corpus, tmp_path / "reversed.npz", tokenizer)
    forgot = train(*new, tmp_path / "forgot", minutes=16 / 60, begin=begin, **options)
    kept = train(*new, tmp_path / "kept", minutes=16 / 60, begin=begin, keep=(corpus, eighths), **options)
    known = Windows(Corpus(corpus), dict(np.load(eighths)), tokenizer, FRAMES, begin.config.stop_token)
    batch = known.batch(16, np.random.default_rng(0), drop=False)
    with torch.no_grad():
        assert divergence(kept, begin, batch) < 0.5 * divergence(forgot, begin, batch)
    assert {"loss", "divergence"} <= read_log(tmp_path / "kept")[0].keys()
    best = torch.load(tmp_path / "kept" / "checkpoint.pt", weights_only=True)["parts"]["best"]["weights"]
    loaded = load_average(build_language_model(CONFIG), tmp_path / "kept").state_dict()
    for weights in (loaded, kept.state_dict()):
        torch.testing.assert_close(weights, best, rtol=0, atol=0)
