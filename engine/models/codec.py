"""What every codec does, whichever network is inside: audio ↔ features at a frame rate ↔ codes.

`WavTokenizer` makes the token stream, `HiFiCodec` the latents at 48 kHz; each exists as released and as `sketch` has it. Shapes:
B pieces, T samples, D channels.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from engine.models.sketch.spectral import TonesAndNoise


class AudioCodec(Protocol):
    """Windows of a piece decode as the whole does, given `context` frames on either side and the place of their first frame."""

    @property
    def samplerate(self) -> int:
        """Hz, of the audio on both sides."""

    @property
    def hop_length(self) -> int:
        """Samples to a frame."""

    @property
    def frame_rate(self) -> float:
        """Frames a second."""

    @property
    def views(self) -> int:
        """How many kinds of frame alternate, each with its own part of the codebook; audio is encoded in whole groups of them."""

    @property
    def context(self) -> int | None:
        """Frames on either side that a decoded frame depends on; None where it depends on the whole piece."""

    def encode_features(self, audio: Tensor) -> Tensor:
        """audio: [B, T] mono → features [B, D, frames], before quantisation. Carries gradients."""

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: [B, D, frames] → codes [B, frames] or [B, frames, codebooks], and their vectors [B, D, frames]."""

    def embed(self, codes: Tensor) -> Tensor:
        """Codes → their vectors [B, D, frames]."""

    def decode_features(self, features: Tensor, first: int = 0) -> Tensor:
        """features: [B, D, frames] → audio [B, frames · hop_length] float32. first: where in its piece, in frames."""

    def fold(self) -> None:
        """Replaces weight normalisation by plain weights, for inference; the result is the same, the keys are not."""


class TrainableCodec(AudioCodec, Protocol):
    """What training needs of a codec besides."""

    @property
    def codebooks(self) -> list[Tensor]:
        """Each [K, D], views of the weights: training moves them in place."""

    def assignments(self, features: Tensor, codes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of each codebook the vectors [N, D] that it quantises, and the rows [N] that stand for them.

        features: [B, D, frames], codes: what `quantize` made of them.
        """

    @property
    def decoder(self) -> list[nn.Module]:
        """The modules that turn vectors into audio."""

    @property
    def synthesis_head(self) -> TonesAndNoise | None:
        """The decoder's last layer, where it plays tones and noise as `sketch`'s does; None for a released architecture."""
