"""Windows of recordings: they begin on bars and carry the recording's words and musical time."""

import numpy as np
import torch

from engine.checkpoints.checkpoint import load_checkpoint
from engine.training.recorded_windows import RecordedWindows
from engine.training.recordings import read_recordings


def test_windows_begin_on_bars_with_their_words_and_clock(recordings, base):
    checkpoint = load_checkpoint(str(base))
    windows = RecordedWindows(read_recordings(recordings, checkpoint), checkpoint)
    rng = np.random.default_rng(0)
    condition, tokens, targets, negative = windows.batch(200, rng, 100)
    timed = condition.clock[:, 0, 0] >= 0
    assert 0.85 < timed.float().mean() < 1  # some are trained without
    first = condition.clock[timed, 0, 0]
    assert ((first < 4) | (first > 92)).all()  # of 96 clocks to the bar; tokens come in pairs
    assert set(condition.clock[timed, 0, 1].tolist()) > {0, 1, 2}
    assert 0.05 < negative.float().mean() < 0.3
    assert torch.equal(targets[:, :100][targets[:, :100] >= 0], tokens[targets[:, :100] >= 0])
    assert (targets != checkpoint.config.language_model.stop_token).all()
    validation = windows.validation()
    assert all(torch.equal(a, b) for (_, a, *_), (_, b, *_) in zip(validation, windows.validation(), strict=True))
    assert (validation[0][0].text == torch.tensor(checkpoint_ids(base, "loop, 120 bpm"))[:1]).any()


def checkpoint_ids(base, text):
    from engine.conditioning.tokenizer import load_text_encoder

    return load_text_encoder(load_checkpoint(str(base)))(text)
