"""What `sketch`'s language model has beyond the released one: tables of musical time, and a logit bias for each scale.

Both work through what the shared model asks of every model: `embed_frames`, added to the embedding of
each frame, and `logit_bias`, added to the logits. Shapes: B pieces, H hidden, V audio tokens + stop.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.config import LanguageModelConfig
from engine.models.condition import Condition
from engine.models.language_model import LanguageModel


def build_language_model(config: LanguageModelConfig) -> LanguageModel:
    """The network a configuration describes: the released one, or `sketch`'s."""
    return SketchLanguageModel(config) if config.clocks_per_bar or config.n_scales else LanguageModel(config)


class SketchLanguageModel(LanguageModel):
    """The tables stand beside the shared ones: their names are the checkpoint's keys."""

    scale_bias: Tensor  # [n_scales, V] nats: how much likelier each token is in a scale, see `engine.training.scales`

    def _add_tables(self) -> None:
        config = self.config
        if config.clocks_per_bar:
            self.clock_embedding = nn.Embedding(config.clocks_per_bar, config.hidden_size)
            self.bar_embedding = nn.Embedding(config.bars_per_phrase, config.hidden_size)
        if config.n_scales:
            self.register_buffer("scale_bias", torch.zeros(config.n_scales, config.audio_vocab_size + 1))

    def embed_frames(self, condition: Condition) -> Tensor | None:
        """Musical time of each frame, see `Condition.clock`: zero where a frame lies nowhere."""
        if condition.clock is None or not self.config.clocks_per_bar:
            return None
        clock, bar = condition.clock.unbind(-1)
        embedded: Tensor = self.clock_embedding(clock.clamp(min=0)) + self.bar_embedding(bar.clamp(min=0))
        embedded = embedded * (clock >= 0)[..., None]
        return embedded

    def logit_bias(self, condition: Condition) -> Tensor | None:
        return None if condition.scale is None or not self.config.n_scales else self.scale_bias[condition.scale]
