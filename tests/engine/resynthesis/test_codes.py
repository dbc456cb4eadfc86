"""A recording in windows against all of it at once, and codes back to audio as they are needed."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.models.hifi_codec import HiFiCodec
from engine.resynthesis.codes import CONTEXT_S, WINDOW_S, CodesRenderer, encode_in_windows
from tests.tiny_model import TINY

RATE, HOP, VIEWS = 100, 2, 2  # a codec so slow that a minute is 6000 samples
CPU = torch.device("cpu")


class Codec:
    """Each frame's code is the first sample it codes; `read` keeps how many frames each call was given."""

    views, hop_length, samplerate, frame_rate = VIEWS, HOP, RATE, RATE / HOP

    def __init__(self):
        self.read = []

    def encode_features(self, audio):
        assert audio.ndim == 2 and len(audio) == 1 and audio.shape[1] % (HOP * VIEWS) == 0 and audio.dtype == torch.float32
        self.read.append(audio.shape[1] // HOP)
        return audio[:, ::HOP]

    def quantize(self, features):
        return features.long(), features


def codes_of(codec, seconds):
    audio = np.arange(round(seconds * RATE), dtype=np.float64)
    return list(encode_in_windows(codec, audio, CPU))


@pytest.mark.parametrize("seconds", [0.01, 5.0, WINDOW_S + 2 * CONTEXT_S - 0.1, WINDOW_S + 2 * CONTEXT_S, 61.37])
def test_windows_hold_each_frame_once_in_order_and_one_whole_block_more_than_there_is(seconds):
    codec = Codec()
    found = torch.cat(codes_of(codec, seconds))
    frames, block = round(seconds * RATE), HOP * VIEWS
    assert len(found) * HOP % block == 0 and 0 < len(found) * HOP - frames <= block
    expected = [n if n < frames else 0 for n in range(0, len(found) * HOP, HOP)]  # filled up with zeros
    assert found.tolist() == expected


def test_what_is_no_longer_than_a_window_and_its_context_is_one_piece():
    codec = Codec()
    assert len(codes_of(codec, WINDOW_S + 2 * CONTEXT_S - 0.1)) == 1 and len(codec.read) == 1


def test_a_window_is_read_with_its_context_and_no_more():
    codec = Codec()
    frames, context = (round(seconds * RATE / HOP) for seconds in (WINDOW_S, CONTEXT_S))
    windows = [len(one) for one in codes_of(codec, 61.37)]
    assert windows == [frames, frames, frames, sum(windows) - 3 * frames] and 0 < windows[-1] < context
    assert codec.read == [frames + context, frames + 2 * context, frames + context + windows[-1], context + windows[-1]]


def test_codes_in_windows_play_as_all_at_once():
    torch.manual_seed(0)
    codec = HiFiCodec(TINY.hifi_codec).eval()
    renderer = CodesRenderer(SimpleNamespace(checkpoint=SimpleNamespace(hifi_codec=codec), runtime=SimpleNamespace(device=CPU)))
    frames, hop = 3 * codec.context, codec.hop_length
    codes = list(codec.quantize(codec.encode_features(torch.randn(1, frames * hop)))[0][0])
    assert (renderer.samplerate, renderer.token_rate, renderer.left) == (codec.samplerate, codec.frame_rate, codec.context)
    whole = renderer.render(codes, 0, frames, ended=True)
    assert whole.shape == (frames * hop,) and np.abs(whole).max() > 0
    middle = renderer.render(codes[: 2 * codec.context + 4], codec.context + 2, codec.context + 4, ended=False)
    np.testing.assert_allclose(middle, whole[(codec.context + 2) * hop : (codec.context + 4) * hop], atol=1e-5)
