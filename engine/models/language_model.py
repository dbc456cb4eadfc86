"""Text, time span, section label and audio prompt → audio tokens at 75 Hz: the autoregressive half of InspireMusic.

`LanguageModel` holds the weights under the released checkpoint's own names, and the full causal forward for training;
`engine.models.generation` plays it token by token.

Sequence: sos, n time starts, n time ends, n section labels, text, task, audio. The head predicts the next audio
token or stop. `sketch` has musical time as well, see `engine.models.sketch.language_model`.
Under guidance a second row reads a negative condition, see `engine.models.guidance`.
Backbone as Qwen2 (arXiv 2407.10671). Shapes: B pieces, T positions, H hidden, V audio tokens + stop, d head width.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import LanguageModelConfig
from engine.models.condition import Condition
from engine.models.guidance import KINDS

# Keys of a released llm.pt that have no place in `LanguageModel`: (regular expression, reason).
IGNORED_KEYS = (
    (r"llm\.model\.lm_head\.weight", "tied to text_embedding.weight; predicts text, which is never asked for"),
    (r"llm\.model\.model\.embed_tokens\.weight", "tied to text_embedding.weight"),
    (r"spk_embed_affine_layer\.(weight|bias)", "a speaker projection left over from speech synthesis; nothing reads it"),
)

SOS, TASK = 0, 1  # rows of llm_embedding


class LanguageModel(nn.Module):
    """The network. Attribute names give the released keys."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.config, self.negative_branch = config, KINDS[config.negative]
        hidden = config.hidden_size
        self.text_embedding = nn.Embedding(config.text_vocab_size, hidden)
        self.speech_embedding = nn.Embedding(config.audio_vocab_size, hidden)
        self.chorus_embedding = nn.Embedding(config.n_sections + self.negative_branch.label_rows, hidden)
        self.llm_embedding = nn.Embedding(2, hidden)
        self._add_tables()
        self.llm = Nested(Nested(Backbone(config)))
        self.llm_decoder = nn.Linear(hidden, config.audio_vocab_size + 1)
        self.apply(_initialise)

    @property
    def backbone(self) -> Backbone:
        return self.llm.model.model

    def embed_condition(
        self, condition: Condition, audio: Tensor | None = None, negative: Tensor | None = None, noise: Tensor | None = None
    ) -> Tensor:
        """The whole input sequence → [B, T, H], T = 3n + L + 2 + frames.

        audio: [B, frames] tokens. negative: [B] bool, the pieces that get the negative condition (dropout in training).
        noise: [B, 3n, H], only for a model whose negative is "noise".
        """
        text, span = condition.text, self._embed_span(condition)
        if negative is not None:
            text = text.masked_fill(negative[:, None], 0)
            span = torch.where(negative[:, None, None], self.negative_branch.span(self.chorus_embedding, condition, noise), span)
        sos, task = (self.llm_embedding.weight[row].expand(len(text), 1, -1) for row in (SOS, TASK))
        frames = task if audio is None else torch.cat([task, self.speech_embedding(audio)], dim=1)
        if (own := self.embed_frames(condition)) is not None:
            frames = frames + own[:, : frames.shape[1]]
        return torch.cat([sos, span, self.text_embedding(text), frames], dim=1)

    def embed_frames(self, condition: Condition) -> Tensor | None:
        """What is added to the embedding of each frame: [B, frames, H], row i for the position that predicts frame i. None:
        nothing, as in the released models.
        """
        return None

    def logit_bias(self, condition: Condition) -> Tensor | None:
        """What is added to the guided logits under a condition: nats [B, V]. None: nothing, as in the released models."""
        return None

    def _add_tables(self) -> None:
        """For tables that only a subclass has, in the order in which they are initialised."""
        own = self.config.clocks_per_bar or self.config.n_scales
        assert not own, "this configuration is sketch's: engine.models.sketch.language_model builds it"

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """[B, T, H] → logits of the next audio token [B, T, V]. Causal."""
        out: Tensor = self.llm_decoder(self.backbone(inputs_embeds))
        return out

    @torch.inference_mode()
    def likelihood(self, condition: Condition, audio: Tensor) -> Tensor:
        """How likely the tokens audio [B, frames] are under a condition: mean log-probability in nats a token [B]."""
        logits = self(self.embed_condition(condition, audio))[:, -audio.shape[1] - 1 : -1]
        return -F.cross_entropy(logits.transpose(1, 2).float(), audio, reduction="none").mean(1)

    def _embed_span(self, condition: Condition) -> Tensor:
        """All starts, all ends, all labels: [B, 3n, H]"""
        times = time_embedding(torch.cat([condition.time_start, condition.time_end], dim=1), self.config.hidden_size)
        labels = self.chorus_embedding(condition.section)
        return torch.cat([times.to(labels), labels], dim=1)


Inner = TypeVar("Inner", bound=nn.Module)


class Nested(nn.Module, Generic[Inner]):
    """A level of the released keys that holds one module, `model`."""

    def __init__(self, model: Inner) -> None:
        super().__init__()
        self.model: Inner = model


class Backbone(nn.Module):
    """Qwen2 without its token table: [B, T, H] → [B, T, H], after the last norm."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        cos, sin = rope_tables(self.config, x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, cos, sin)
        out: Tensor = self.norm(x)
        return out


class Layer(nn.Module):
    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Attention(nn.Module):
    """Grouped-query attention, rotary positions, bias on q, k and v only."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        width, kv_width = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width)
        self.k_proj = nn.Linear(config.hidden_size, kv_width)
        self.v_proj = nn.Linear(config.hidden_size, kv_width)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        heads = (*x.shape[:2], -1, self.head_dim)
        q, k, v = (proj(x).view(heads).transpose(1, 2) for proj in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        out: Tensor = self.o_proj(attended.transpose(1, 2).flatten(2))
        return out


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


def time_embedding(seconds: Tensor, width: int) -> Tensor:
    """Sines, then cosines, of the time: [...] → float16 [..., width]; the models were trained on this rounding."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=seconds.device) * (-math.log(10_000.0) / (half - 1)))
    angles = seconds[..., None].double() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1).half()


def rope_tables(config: LanguageModelConfig, positions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and signed sine of every position, float32 [positions, d]: what `rotate` wants."""
    even = torch.arange(0, config.head_dim, 2, device=device).float()
    angles = torch.outer(torch.arange(positions, device=device).float(), config.rope_theta ** (-even / config.head_dim))
    return torch.cat([angles.cos(), angles.cos()], dim=-1), torch.cat([-angles.sin(), angles.sin()], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position of x [..., T, d], pairs (i, i + d/2). The sign of the half turn is in `sin`."""
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
