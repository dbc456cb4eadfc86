"""Layers that several networks have: an inverse STFT, and weight normalisation under the released keys."""


import pytest
import torch
import torch.nn.functional as F

from engine.models.layers import ISTFT, WNConv1d, WNConvTranspose1d, fold_weight_norm


@pytest.mark.parametrize(("n_fft", "hop"), [(64, 16), (60, 15), (32, 16), (96, 16)])
def test_istft_inverts_the_stft_from_the_first_sample_to_the_last(n_fft, hop):
    istft, audio = ISTFT(n_fft, hop), torch.randn(2, 9 * hop)
    start = (n_fft - hop) // 2
    padded = F.pad(audio, (start, n_fft - hop - start))
    spectrum = torch.stft(padded, n_fft, hop, window=istft.window, center=False, return_complex=True)
    assert spectrum.shape == (2, n_fft // 2 + 1, 9)
    torch.testing.assert_close(istft(spectrum), audio, atol=1e-5, rtol=0)


def test_weight_normalised_convolutions_are_torchs():
    torch.manual_seed(0)
    x = torch.randn(2, 6, 20)
    ours = WNConv1d(6, 4, 3, stride=2, padding=2, dilation=2)
    theirs = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(6, 4, 3, stride=2, padding=2, dilation=2))
    ours_up = WNConvTranspose1d(6, 4, 8, stride=3, padding=2)
    theirs_up = torch.nn.utils.parametrizations.weight_norm(torch.nn.ConvTranspose1d(6, 4, 8, stride=3, padding=2))
    for mine, other in ((ours, theirs), (ours_up, theirs_up)):
        mine.weight_g.data.uniform_(0.5, 2)
        other.load_state_dict(
            {
                "bias": mine.bias,
                "parametrizations.weight.original0": mine.weight_g,
                "parametrizations.weight.original1": mine.weight_v,
            }
        )
        torch.testing.assert_close(mine(x), other(x))
        expected = mine(x)
        mine.fold()
        assert mine.state_dict().keys() == {"bias", "folded"}
        torch.testing.assert_close(mine(x), expected)


def test_all_convolutions_of_a_network_are_folded_at_once_and_once():
    torch.manual_seed(0)
    network, x = torch.nn.Sequential(WNConv1d(6, 4, 3), torch.nn.ReLU(), WNConvTranspose1d(4, 2, 4)), torch.randn(1, 6, 9)
    expected = network(x)
    fold_weight_norm(network)
    fold_weight_norm(network)
    assert set(network.state_dict()) == {"0.bias", "0.folded", "2.bias", "2.folded"}
    torch.testing.assert_close(network(x), expected)
