"""Text, time span, section label and audio prompt → audio tokens at 75 Hz: the autoregressive half of InspireMusic.

Three parts, in this order:
`LanguageModel`  weights under the released checkpoint's own names; full causal forward for training.
`Decoder`        the same weights packed once for token-by-token work, no gradients, no modules.
`Generation`     the mutable state of one piece: key/value cache, position, guidance.

Sequence: sos, n time starts, n time ends, n section labels, text, task, audio. The head predicts the next audio
token or stop. Ours may hear musical time as well: where in its bar, and in which bar, the frame lies that comes next.
Under guidance a second row hears a negative condition, see `LanguageModelConfig.negative`.
Backbone as Qwen2 (arXiv 2407.10671). Shapes: B pieces, T positions, H hidden, V audio tokens + stop, d head width.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import sampling
from engine.config import LanguageModelConfig

# Rows of the label table as they were trained. The reference swaps verse and chorus when it generates; we do not.
SECTION_ROWS = {"intro": 0, "chorus": 1, "verse": 2, "verse2": 3, "outro": 4}

# Keys of a released llm.pt that have no place in `LanguageModel`: (regular expression, reason).
IGNORED_KEYS = (
    (r"llm\.model\.lm_head\.weight", "tied to text_embedding.weight; predicts text, which is never asked for"),
    (r"llm\.model\.model\.embed_tokens\.weight", "tied to text_embedding.weight"),
    (r"spk_embed_affine_layer\.(weight|bias)", "a speaker projection left over from speech synthesis; nothing reads it"),
)

SOS, TASK = 0, 1  # rows of llm_embedding
BLOCKED_WEIGHTS = 700_000  # from which on a matrix is worth oneDNN's layout: all of the 0.5B model's, none of `sketch`'s


@dataclass(frozen=True)
class Condition:
    """What a piece should be. `time_start`, `time_end`, `section`: one column for each of n sections of the piece."""

    text: Tensor  # [B, L] token ids
    time_start: Tensor  # [B, n] seconds; these two may stay on the CPU
    time_end: Tensor  # [B, n] seconds
    section: Tensor  # [B, n] rows, see SECTION_ROWS
    # [B, frames, 2] rows, see `engine.music.grid.clock`: where in its bar and phrase each audio frame lies, from the first of the
    # prompt on, one more than are made; -1: nowhere. None for all of them, and for a model without such tables.
    clock: Tensor | None = None
    refused: Tensor | None = None  # [B, L] token ids of a text to keep away from; None: of none. Only generation hears it.


class LanguageModel(nn.Module):
    """The network. Attribute names give the released keys."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden_size
        self.text_embedding = nn.Embedding(config.text_vocab_size, hidden)
        self.speech_embedding = nn.Embedding(config.audio_vocab_size, hidden)
        self.chorus_embedding = nn.Embedding(config.n_sections + (config.negative == "null"), hidden)
        self.llm_embedding = nn.Embedding(2, hidden)
        if config.clocks_per_bar:
            self.clock_embedding = nn.Embedding(config.clocks_per_bar, hidden)
            self.bar_embedding = nn.Embedding(config.bars_per_phrase, hidden)
        self.llm = nn.ModuleDict({"model": nn.ModuleDict({"model": Backbone(config)})})
        self.llm_decoder = nn.Linear(hidden, config.audio_vocab_size + 1)
        self.apply(_initialise)

    @property
    def backbone(self) -> Backbone:
        return self.llm["model"]["model"]

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
            span = torch.where(negative[:, None, None], self._negative_span(condition, noise), span)
        sos, task = (self.llm_embedding.weight[row].expand(len(text), 1, -1) for row in (SOS, TASK))
        heard = task if audio is None else torch.cat([task, self.speech_embedding(audio)], dim=1)
        if (times := self.embed_clock(condition)) is not None:
            heard = heard + times[:, : heard.shape[1]]
        return torch.cat([sos, span, self.text_embedding(text), heard], dim=1)

    def embed_clock(self, condition: Condition) -> Tensor | None:
        """[B, frames, H], row i for the position that predicts frame i: what is to be played hears when it will sound."""
        if condition.clock is None or not self.config.clocks_per_bar:
            return None
        clock, bar = condition.clock.unbind(-1)
        embedded = self.clock_embedding(clock.clamp(min=0)) + self.bar_embedding(bar.clamp(min=0))
        return embedded * (clock >= 0)[..., None]

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """[B, T, H] → logits of the next audio token [B, T, V]. Causal."""
        return self.llm_decoder(self.backbone(inputs_embeds))

    @torch.inference_mode()
    def likelihood(self, condition: Condition, audio: Tensor) -> Tensor:
        """How likely the tokens audio [B, frames] are under a condition: mean log-probability in nats a token [B]."""
        logits = self(self.embed_condition(condition, audio))[:, -audio.shape[1] - 1 : -1]
        return -F.cross_entropy(logits.transpose(1, 2).float(), audio, reduction="none").mean(1)

    def prepare(self, dtype: torch.dtype | None = None) -> Decoder:
        """Packs the weights for generation, on their device, in `dtype` (theirs when None; float16 is slow on a CPU)."""
        return Decoder(self, dtype or self.llm_decoder.weight.dtype)

    def _embed_span(self, condition: Condition) -> Tensor:
        """All starts, all ends, all labels: [B, 3n, H]"""
        times = time_embedding(torch.cat([condition.time_start, condition.time_end], dim=1), self.config.hidden_size)
        labels = self.chorus_embedding(condition.section)
        return torch.cat([times.to(labels), labels], dim=1)

    def _negative_span(self, condition: Condition, noise: Tensor | None) -> Tensor:
        if self.config.negative == "noise":
            assert noise is not None, "a model with negative 'noise' needs the noise"
            return noise.to(self.chorus_embedding.weight)
        labels = self.chorus_embedding(torch.full_like(condition.section, self.config.n_sections))
        return torch.cat([torch.zeros_like(labels), torch.zeros_like(labels), labels], dim=1)


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
        return self.norm(x)


class Layer(nn.Module):
    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


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
        return self.o_proj(attended.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Decoder:
    """The weights packed for a few rows at a time. Immutable; any number of generations may share it.

    Packing copies: with checkpoint weights mapped from disk the originals then cost no memory.
    """

    def __init__(self, model: LanguageModel, dtype: torch.dtype) -> None:
        self.model, self.config, self.dtype = model, model.config, dtype
        with torch.inference_mode():
            self.layers = [PackedLayer(layer, dtype) for layer in model.backbone.layers]
            self.norm = model.backbone.norm.weight.to(dtype)
            self.head = PackedLinear([model.llm_decoder], dtype)
            self.speech_embedding = model.speech_embedding.weight.to(dtype)

    @torch.inference_mode()
    def start(
        self,
        condition: Condition,
        *,
        audio_prompt: Tensor | None = None,
        given: int = 0,
        max_tokens: int,
        guidance: float = 3.0,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Generation:
        """Reads the condition and the prompt (audio_prompt: [B, frames]) and reserves room for `max_tokens` more.

        given: how many tokens, the first ones of the prompt, are of a clip and not the model's own.
        guidance 1 needs no negative row and runs half as many; a refused text takes one row more, and most of what guidance adds.
        noise: [B, 3n, H]; drawn from `generator` when None.
        """
        heard = [(condition, audio_prompt, None)]
        if condition.refused is not None:
            heard.append((replace(condition, text=condition.refused), audio_prompt, None))
        if guidance != 1.0:
            everything = torch.ones(len(condition.text), dtype=torch.bool, device=condition.text.device)
            heard.append((*self._nothing_of(condition, audio_prompt, given), everything))
            if self.config.negative == "noise" and noise is None:
                noise = self._draw_noise(condition, generator)
        hearings = [self.model.embed_condition(*hearing, noise).to(self.dtype) for hearing in heard]
        times = [self._times(own, prompt, max_tokens) for own, prompt, _ in heard]
        return Generation(self, hearings, max_tokens, guidance, None if times[0] is None else torch.cat(times))

    def _nothing_of(self, condition: Condition, audio_prompt: Tensor | None, given: int) -> tuple[Condition, Tensor | None]:
        """What is left to the row that guidance leads away from. Ours hears nothing of what was asked, neither words, which
        `embed_condition` takes away, nor clip, so that guidance makes a piece more like both. Where something is refused, as
        drums are, it hears no time either, and guidance brings the beat out in what is left. The reference's hears token 0 in
        place of all audio.
        """
        if self.config.negative == "noise":
            return condition, None if audio_prompt is None else torch.zeros_like(audio_prompt)
        if (clock := condition.clock) is not None:
            clock = (clock if condition.refused is None else torch.full_like(clock, -1))[:, given:]
        return replace(condition, clock=clock), None if audio_prompt is None else audio_prompt[:, given:]

    def _draw_noise(self, condition: Condition, generator: torch.Generator | None) -> Tensor:
        pieces, sections = condition.section.shape
        device = generator.device if generator else condition.section.device
        return torch.rand(pieces, 3 * sections, self.config.hidden_size, generator=generator, device=device)

    def _times(self, condition: Condition, audio_prompt: Tensor | None, frames: int) -> Tensor | None:
        """What the tokens to be made hear of musical time: [B, frames or more, H]"""
        heard = 0 if audio_prompt is None else audio_prompt.shape[1]
        if (times := self.model.embed_clock(condition)) is None:
            return None
        assert times.shape[1] >= heard + frames, f"clock has {times.shape[1]} frames, {heard + frames} are asked for"
        return times[:, heard + 1 :].to(self.dtype)


class Generation:
    """One piece, or B of one length, while it is made. Rows of the cache: B conditional, B refused if anything is, B negative
    under guidance. All rows end at one position; a shorter one begins later, and `mask` hides what lies before.
    """

    def __init__(
        self, decoder: Decoder, hearings: list[Tensor], max_tokens: int, guidance: float, times: Tensor | None = None
    ) -> None:
        """hearings: [B, S, H] each, as the rows follow. times: [rows, frames, H], added to the tokens made, from the first on."""
        config, device = decoder.config, hearings[0].device
        pieces, lengths = len(hearings[0]), [hearing.shape[1] for hearing in hearings]
        self.decoder, self.guidance, self.hearings, self.times = decoder, guidance, len(hearings), times
        self.position = self.begun = max(lengths)  # how many positions the cache holds, and held before the first token
        rows, capacity = pieces * len(hearings), self.position + max_tokens
        shape = (2, rows, config.num_key_value_heads, capacity, config.head_dim)
        # Zeros, as what a mask hides is still multiplied, by nothing, and must not be infinite.
        self.cache = [torch.zeros(shape, dtype=decoder.dtype, device=device) for _ in decoder.layers]
        self.rope = [table.to(decoder.dtype) for table in rope_tables(config, capacity, device)]
        self.mask: Tensor | None = None  # [rows, 1, 1, capacity], added to attention's scores; None: every row sees all
        if min(lengths) == self.begun:
            hearings = [torch.cat(hearings)]
        else:
            begins = self.begun - torch.tensor(lengths, device=device).repeat_interleave(pieces)
            hidden = torch.arange(capacity, device=device) < begins[:, None, None, None]
            self.mask = torch.zeros(hidden.shape, dtype=decoder.dtype, device=device).masked_fill(hidden, -torch.inf)
        row, last = 0, []
        for hearing in hearings:
            last.append(self._read(hearing, row))
            row += len(hearing)
        self.logits = self._guided(torch.cat(last))

    @torch.inference_mode()
    def step(self, tokens: Tensor | None = None) -> Tensor:
        """tokens: [B] → guided logits of the next one, float32 [B, V]. None: those that follow what was heard so far."""
        if tokens is not None:
            embeds = F.embedding(tokens, self.decoder.speech_embedding).repeat(self.hearings, 1)
            if self.times is not None:
                embeds = embeds + self.times[:, self.position - self.begun]
            self.logits = self._guided(self._continue(embeds[:, None]))
        return self.logits

    @classmethod
    def together(cls, generations: Sequence[Generation]) -> Generation:
        """Pieces that have come equally far go on as one batch, the same one more than once if wanted: a copy of them."""
        first = generations[0]
        if len(generations) == 1:
            return first

        def rows(of: Iterable[Tensor], dim: int) -> Tensor:
            hearings = zip(*(own.chunk(first.hearings, dim) for own in of), strict=True)
            return torch.cat([part for hearing in hearings for part in hearing], dim)

        batch = copy.copy(first)
        batch.cache = [rows(layer, 1) for layer in zip(*(generation.cache for generation in generations), strict=True)]
        if first.mask is not None:
            batch.mask = rows((generation.mask for generation in generations), 0)
        batch.logits = torch.cat([generation.logits for generation in generations])
        if first.times is not None:
            batch.times = rows((generation.times for generation in generations), 0)
        return batch

    def mark(self) -> Mark:
        return Mark(self.position, self.logits)

    def rewind(self, mark: Mark) -> None:
        """Forgets all that came after `mark`, at no cost. To branch, rewind to one mark again and again."""
        assert mark.position <= self.position, f"cannot rewind from {self.position} to {mark.position}"
        self.position, self.logits = mark.position, mark.logits

    def _read(self, x: Tensor, row: int) -> Tensor:
        """What comes before the first token, into the rows from `row` on, so that it ends where all do: x [rows, S, H] → hidden
        state after its last position [rows, H]
        """
        first = self.begun - x.shape[1]
        cos, sin = (table[first : self.begun, None] for table in self.rope)
        for layer, cache in zip(self.decoder.layers, self.cache, strict=True):
            x = layer(x, cos, sin, cache[:, row : row + len(x), :, first:], 0)
        return x[:, -1]

    def _continue(self, x: Tensor) -> Tensor:
        """One position more: x [rows, 1, H] → hidden state after it [rows, H]"""
        start, end = self.position, self.position + 1
        assert end <= self.rope[0].shape[0], "the cache is full: start the generation with more max_tokens"
        cos, sin = (table[start:end, None] for table in self.rope)
        mask = None if self.mask is None else self.mask[..., :end]
        for layer, cache in zip(self.decoder.layers, self.cache, strict=True):
            x = layer(x, cos, sin, cache, start, mask)
        self.position = end
        return x[:, -1]

    def _guided(self, hidden: Tensor) -> Tensor:
        """Hidden states [rows, H] → guided logits [B, V]"""
        config = self.decoder.config
        last = F.rms_norm(hidden, (config.hidden_size,), self.decoder.norm, config.rms_norm_eps)
        conditional, *others = self.decoder.head(last).float().chunk(self.hearings)
        negative = others.pop() if self.guidance != 1.0 else conditional
        if not others:
            return sampling.guide(conditional, negative, self.guidance)
        # Guidance alone would keep up what has always been played to such words, and drown what they deny.
        third = (1 + self.guidance) / 3
        return sampling.refuse(sampling.guide(conditional, negative, third), conditional, others.pop(), 2 * third)


@dataclass(frozen=True, eq=False)
class Mark:
    """A place in a generation to come back to."""

    position: int
    logits: Tensor  # [B, V]


class PackedLayer:
    """`Layer` for generation: q, k, v in one product, gate and up in another."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.head_dim = attention.head_dim
        self.kv_heads = attention.k_proj.out_features // self.head_dim
        self.group = attention.q_proj.out_features // attention.k_proj.out_features
        norms = (layer.input_layernorm, layer.post_attention_layernorm)
        self.norms = [(norm.normalized_shape, norm.weight.to(dtype), norm.eps) for norm in norms]
        self.qkv = PackedLinear([attention.q_proj, attention.k_proj, attention.v_proj], dtype)
        self.o = PackedLinear([attention.o_proj], dtype)
        self.gate_up = PackedLinear([mlp.gate_proj, mlp.up_proj], dtype)
        self.down = PackedLinear([mlp.down_proj], dtype)

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, cache: Tensor, start: int, mask: Tensor | None = None) -> Tensor:
        """x: [rows, S, H]; cos, sin: [S, 1, d]; cache: [2, rows, kv heads, capacity, d], written from `start`; only an empty one
        takes more than one position. mask: [rows, 1, 1, end], for one position.
        """
        rows, length = x.shape[:2]
        end = start + length
        heads = self.qkv(F.rms_norm(x, *self.norms[0])).view(rows, length, -1, self.head_dim)
        query_heads = self.kv_heads * self.group
        rotated = rotate(heads[:, :, : query_heads + self.kv_heads], cos, sin)
        q = rotated[:, :, :query_heads].transpose(1, 2)
        cache[0, :, :, start:end] = rotated[:, :, query_heads:].transpose(1, 2)
        cache[1, :, :, start:end] = heads[:, :, query_heads + self.kv_heads :].transpose(1, 2)
        k, v = cache[:, :, :, :end]
        if length == 1:  # the heads of a group see the same keys: one short query each
            q = q.view(rows, self.kv_heads, self.group, self.head_dim)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).view(rows, 1, -1)
        else:
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2).flatten(2)
        x = x + self.o(attended)
        gate, up = self.gate_up(F.rms_norm(x, *self.norms[1])).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class PackedLinear:
    """Linear layers side by side in one product: [..., in] → [..., sum of outs].

    On a CPU large ones in oneDNN's blocked layout: measured at 0.5B, float32, it takes a quarter of `F.linear`'s time at two rows
    and half of it at 750; in bfloat16 half, and as much. On another processor it gains from four rows on only (a third), and
    at two `sketch`'s matrices take 1.7 times as long.
    """

    def __init__(self, parts: list[nn.Linear], dtype: torch.dtype) -> None:
        self.weight = torch.cat([part.weight for part in parts]).to(dtype)
        self.bias = None if parts[0].bias is None else torch.cat([part.bias for part in parts]).to(dtype)
        large = self.weight.numel() >= BLOCKED_WEIGHTS
        self.blocked = large and self.weight.device.type == "cpu" and _onednn_takes(dtype)
        if self.blocked:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, 8)  # a hint: good from 2 rows to thousands

    def __call__(self, x: Tensor) -> Tensor:
        if self.blocked:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return F.linear(x, self.weight, self.bias)


def _onednn_takes(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def generate_tokens(
    generation: Generation,
    *,
    min_tokens: int,
    max_tokens: int,
    top_k: int = 350,
    temperature: float = 1.0,
    generators: Sequence[torch.Generator | None] = (None,),
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[int]]:
    """Audio tokens, one of each piece at a time, until a piece stops (not before `min_tokens`), `max_tokens` or `cancelled()`,
    asked before each. generators: one for each piece.
    """
    stop, tokens = generation.decoder.config.stop_token, None
    for count in range(max_tokens):
        if cancelled():
            return
        logits = generation.step(tokens)
        if count < min_tokens:
            logits = sampling.forbid(logits, stop)
        tokens = sampling.sample(logits, k=top_k, temperature=temperature, generators=generators)
        if stop in (drawn := tokens.tolist()):
            return
        yield drawn


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
