"""WavTokenizer: 24 kHz mono audio ↔ one stream of tokens (arXiv 2408.16532), 75 Hz in the released models.

Encoder: SEANet (EnCodec, arXiv 2210.13438). Quantiser: one codebook, nearest vector. Decoder: `engine.models.vocos`.
Attribute names give the released state-dict keys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import WavTokenizerConfig
from engine.models.layers import WNConv1d, fold_weight_norm, members, reflect
from engine.models.sketch.codec import TokenEncoder, token_head
from engine.models.sketch.spectral import TonesAndNoise, as_tones_and_noise
from engine.models.vocos import Backbone, ISTFTHead

# Keys of a released wavtokenizer/model.pt that have no place in `WavTokenizer`: (regular expression, why).
IGNORED_KEYS = (
    (r"feature_extractor\.encodec\.decoder\..*", "EnCodec's own decoder, replaced by the ConvNeXt backbone"),
    (r".*\._codebook\.(inited|cluster_size|embed_avg)", "moving averages that only codebook training needs"),
    (r"(?!feature_extractor\.|backbone\.|head\.).*", "discriminators and losses of the published training run"),
)

SHORTLIST = 8  # codes that are compared by differences: far more than rounding confuses


class WavTokenizer(nn.Module):
    """Keys are those of the released model.pt's `state_dict`, less IGNORED_KEYS. One frame is `hop_length` samples.

    `encode_features` and `decode_features` carry gradients; codes never do.
    """

    def __init__(self, config: WavTokenizerConfig):
        super().__init__()
        self.config, own = config, config.spectral
        self.samplerate, self.hop_length, self.frame_rate = config.sample_rate, config.hop_length, config.frame_rate
        encoder = Encoder(config) if own is None else TokenEncoder(config, own)
        # How many kinds of token alternate, each with its own part of the codebook, in order: harmony, rhythm, or one for all.
        self.views: int = encoder.views
        self.feature_extractor = FeatureExtractor(Encodec(encoder, Quantizer(config)))
        self.backbone = Backbone(config)
        self.head = ISTFTHead(config) if own is None else token_head(config, own)

    @property
    def context(self) -> int | None:
        """Token frames on either side that a decoded frame depends on; None where attention looks at the whole piece."""
        return None if self.config.pos_net else self.backbone.reach + self.head.REACH

    @property
    def codebook(self) -> Tensor:
        """[codebook_size, dimension] float32: a buffer, so training may move it in place (moving averages)."""
        return self.feature_extractor.encodec.quantizer.embed

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """audio [B, T] at `sample_rate` Hz → codes [B, ceil(T / hop_length)] int64, rounded up to a multiple of `views`."""
        return self.quantize(self.encode_features(audio))[0]

    def encode_features(self, audio: Tensor) -> Tensor:
        """audio [B, T] → [B, dimension, frames], before quantisation."""
        features: Tensor = self.feature_extractor.encodec.encoder(audio)
        return features

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features [B, dimension, frames] → codes [B, frames] and their vectors [B, dimension, frames]."""
        points = features.detach().transpose(1, 2).float()
        with torch.autocast(features.device.type, enabled=False):
            books = self.codebook.float().chunk(self.views)
            drawn = [nearest(points[:, view :: self.views], book) + view * len(book) for view, book in enumerate(books)]
        codes = torch.stack(drawn, dim=-1).flatten(1)
        return codes, self.embed(codes)

    def embed(self, codes: Tensor) -> Tensor:
        """codes [B, frames] → [B, dimension, frames]."""
        return F.embedding(codes, self.codebook).transpose(1, 2)

    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        """codes [B, frames] → audio [B, frames · hop_length] at `sample_rate` Hz. first: where in its piece, in frames."""
        return self.decode_features(self.embed(codes), first)

    def decode_features(self, features: Tensor, first: int = 0) -> Tensor:
        """features [B, dimension, frames] → audio [B, frames · hop_length] float32."""
        out: Tensor = self.head(self.backbone(features), first)
        return out

    @property
    def codebooks(self) -> list[Tensor]:
        """Of each view its part of the codebook, [codebook_size / views, dimension]."""
        return list(self.codebook.chunk(self.views))

    def assignments(self, features: Tensor, codes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """As `engine.models.codec.TrainableCodec`."""
        points, size = features.transpose(1, 2), len(self.codebook) // self.views
        return [
            (points[:, view :: self.views].flatten(0, 1), codes[:, view :: self.views].flatten() - view * size)
            for view in range(self.views)
        ]

    @property
    def decoder(self) -> list[nn.Module]:
        return [self.backbone, self.head]

    @property
    def synthesis_head(self) -> TonesAndNoise | None:
        """None for the released architecture."""
        return as_tones_and_noise(self.head)

    def fold(self) -> None:
        """Replaces weight normalisation by plain weights, for inference; the result is the same, the keys are not."""
        fold_weight_norm(self)


def nearest(points: Tensor, book: Tensor) -> Tensor:
    """Of each point [B, N, D] the nearest row of `book` [K, D]: [B, N].

    |c|² - 2x·c is quick, but in float32 loses the digits that separate the nearest two: it chooses a SHORTLIST, of which
    differences decide.
    """
    likely = torch.addmm(book.square().sum(-1), points.flatten(0, 1), book.T, alpha=-2)
    rows = likely.topk(min(SHORTLIST, len(book)), largest=False).indices.sort(-1).values  # of equals the first
    apart = torch.linalg.vector_norm(points.flatten(0, 1)[:, None] - book[rows], dim=-1)
    return rows.gather(-1, apart.argmin(-1, keepdim=True)).view(points.shape[:2])


class FeatureExtractor(nn.Module):
    """A level of the released keys."""

    def __init__(self, encodec: Encodec):
        super().__init__()
        self.encodec = encodec


class Encodec(nn.Module):
    def __init__(self, encoder: Encoder | TokenEncoder, quantizer: Quantizer):
        super().__init__()
        self.encoder, self.quantizer = encoder, quantizer


class PaddedConv(nn.Module):
    """A convolution that pads by reflection so that strides divide the length rounded up; the odd sample goes left."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1):
        super().__init__()
        self.conv = nn.ModuleDict({"conv": WNConv1d(in_channels, out_channels, kernel_size, stride=stride)})
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        total = self.kernel_size - self.stride
        extra = -x.shape[-1] % self.stride
        right = total // 2
        out: Tensor = self.conv["conv"](reflect(x, total - right, right + extra))
        return out


class ResidualUnit(nn.Module):
    def __init__(self, width: int, config: WavTokenizerConfig):
        super().__init__()
        hidden = width // config.compress
        first, second = PaddedConv(width, hidden, config.residual_kernel_size), PaddedConv(hidden, width, 1)
        self.block = nn.Sequential(nn.ELU(), first, nn.ELU(), second)
        self.shortcut = PaddedConv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.shortcut(x) + self.block(x)
        return out


class LSTM(nn.Module):
    """[B, C, T] → [B, C, T] with a skip."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        self.lstm = nn.LSTM(width, width, layers)

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(2, 0, 1)
        out: Tensor = (self.lstm(y)[0] + y).permute(1, 2, 0)
        return out


class Encoder(nn.Module):
    """audio [B, T] → [B, dimension, frames]."""

    views = 1

    def __init__(self, config: WavTokenizerConfig):
        super().__init__()
        width = config.n_filters
        layers: list[nn.Module] = [PaddedConv(1, width, config.kernel_size)]
        for ratio in reversed(config.ratios):
            layers += [ResidualUnit(width, config), nn.ELU(), PaddedConv(width, 2 * width, 2 * ratio, ratio)]
            width *= 2
        if config.lstm_layers:
            layers.append(LSTM(width, config.lstm_layers))
        layers += [nn.ELU(), PaddedConv(width, config.dimension, config.last_kernel_size)]
        self.model = nn.Sequential(*layers)

    def forward(self, audio: Tensor) -> Tensor:
        out: Tensor = self.model(audio[:, None])
        return out


class Quantizer(nn.Module):
    """Only the codebook, under its released name."""

    def __init__(self, config: WavTokenizerConfig):
        super().__init__()
        self.vq = ResidualLevels(torch.randn(config.codebook_size, config.dimension))

    @property
    def embed(self) -> Tensor:
        return next(members(self.vq.layers, Level))._codebook.embed


class ResidualLevels(nn.Module):
    """Of which there is one."""

    def __init__(self, embed: Tensor):
        super().__init__()
        self.layers = nn.ModuleList([Level(embed)])


class Level(nn.Module):
    def __init__(self, embed: Tensor):
        super().__init__()
        self._codebook = Codebook(embed)


class Codebook(nn.Module):
    embed: Tensor

    def __init__(self, embed: Tensor):
        super().__init__()
        self.register_buffer("embed", embed)
