"""Codes in windows against all of them at once, with a codec that reaches just as far as a window has context.

With EnCodec itself it is tested in test_musicgen.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.baselines.codes import EncodecRenderer

HOP, RATE, LEFT, RIGHT = 640, 32_000, 100, 5


class Codec:
    """As transformers' EncodecModel is called: a frame's samples are the sum of its codes and of those it depends on."""

    config = SimpleNamespace(sampling_rate=RATE, upsampling_ratios=[8, 5, 4, 4], target_bandwidths=[1.1, 2.2])

    def decode(self, codes, scales):
        assert codes.ndim == 4 and codes.shape[:2] == (1, 1) and scales == [None]
        frames = codes[0, 0].sum(0).float()
        padded = torch.nn.functional.pad(frames, (LEFT, RIGHT))
        return SimpleNamespace(audio_values=padded.unfold(0, LEFT + 1 + RIGHT, 1).sum(1).repeat_interleave(HOP)[None, None])

    def encode(self, audio, bandwidth):
        assert audio.ndim == 3 and audio.shape[-1] % HOP == 0 and bandwidth == 2.2  # the most codebooks it has
        loudest = audio[0, 0].view(-1, HOP).amax(1).long()
        return SimpleNamespace(audio_codes=torch.stack([loudest + book for book in range(4)])[None, None])


@pytest.fixture
def renderer():
    return EncodecRenderer(Codec(), torch.device("cpu"))


def test_its_rates_and_its_context_are_counted_in_the_codecs_frames(renderer):
    assert (renderer.samplerate, renderer.hop, renderer.token_rate) == (RATE, HOP, 50.0)
    assert (renderer.left, renderer.lookahead) == (LEFT, RIGHT)


def test_windows_join_to_what_is_decoded_at_once(renderer):
    codes = torch.randint(0, 32, (230, 4), generator=torch.Generator().manual_seed(3)).tolist()
    whole = renderer.render(codes, 0, 230, ended=True)
    assert whole.shape == (230 * HOP,) and whole.dtype == np.float32
    pieces = [renderer.render(codes[: first + 10 + RIGHT], first, first + 10, ended=False) for first in range(0, 220, 10)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole[: 220 * HOP])
    np.testing.assert_array_equal(renderer.render(codes, 220, 230, ended=True), whole[220 * HOP :])


def test_whole_frames_are_encoded_and_the_odd_samples_in_front_are_left_out(renderer):
    audio = np.repeat(np.arange(10, dtype=np.float32), HOP)
    assert renderer.encode(audio, 4) == [[n, n + 1, n + 2, n + 3] for n in range(10)]
    assert renderer.encode(np.concatenate([np.full(HOP // 2, 99, np.float32), audio]), 4) == renderer.encode(audio, 4)
    assert renderer.encode(audio, 2) == [[n, n + 1] for n in range(10)]
