"""The language model token by token: `engine.models.language_model` made fast, and guided.

`Decoder`     the weights packed once, no gradients, no modules.
`Generation`  the mutable state of one piece: key/value cache, position, guidance.

Under guidance rows of a batch hear different things: what was asked, what it denies, and what to lead away from. Shapes as there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models import sampling
from engine.models.language_model import Condition, LanguageModel, Layer, rope_tables, rotate

BLOCKED_WEIGHTS = 700_000  # from which on a matrix is worth oneDNN's layout: all of the 0.5B model's, none of `sketch`'s


class Decoder:
    """The weights packed for a few rows at a time. Immutable; any number of generations may share it.

    Packing copies: with checkpoint weights mapped from disk the originals then cost no memory.
    """

    def __init__(self, model: LanguageModel, dtype: torch.dtype | None = None) -> None:
        """dtype: the model's own when None; float16 is slow on a CPU."""
        dtype = dtype or model.llm_decoder.weight.dtype
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
        if condition.negative_text is not None:
            heard.append((replace(condition, text=condition.negative_text), audio_prompt, None))
        if guidance != 1.0:
            everything = torch.ones(len(condition.text), dtype=torch.bool, device=condition.text.device)
            heard.append((*self._nothing_of(condition, audio_prompt, given), everything))
            if self.config.negative == "noise" and noise is None:
                noise = self._draw_noise(condition, generator)
        hearings = [self.model.embed_condition(*hearing, noise).to(self.dtype) for hearing in heard]
        times = [self._times(own, prompt, max_tokens) for own, prompt, _ in heard]
        times = None if times[0] is None else torch.cat(times)
        return Generation(self, hearings, max_tokens, guidance, times, self.model.lean(condition))

    def _nothing_of(self, condition: Condition, audio_prompt: Tensor | None, given: int) -> tuple[Condition, Tensor | None]:
        """What is left to the row that guidance leads away from. Ours hears nothing of what was asked, neither words, which
        `embed_condition` takes away, nor clip, so that guidance makes a piece more like both. Where something is refused, as
        drums are, it hears no time either, and guidance brings the beat out in what is left. The reference's hears token 0 in
        place of all audio.
        """
        if self.config.negative == "noise":
            return condition, None if audio_prompt is None else torch.zeros_like(audio_prompt)
        if (clock := condition.clock) is not None:
            clock = (clock if condition.negative_text is None else torch.full_like(clock, -1))[:, given:]
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
        self, decoder: Decoder, hearings: list[Tensor], max_tokens: int, guidance: float, times: Tensor | None = None,
        leaning: Tensor | None = None,
    ) -> None:  # fmt: skip
        """hearings: [B, S, H] each, as the rows follow. times: [rows, frames, H], added to the tokens made, from the first on.
        leaning: [B, V], added to the guided logits.
        """
        config, device = decoder.config, hearings[0].device
        pieces, lengths = len(hearings[0]), [hearing.shape[1] for hearing in hearings]
        self.decoder, self.guidance, self.hearings, self.times, self.leaning = decoder, guidance, len(hearings), times, leaning
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
        if first.leaning is not None:
            batch.leaning = torch.cat([generation.leaning for generation in generations])
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
            guided = sampling.guide(conditional, negative, self.guidance)
        else:
            # Guidance alone would keep up what has always been played to such words, and drown what they deny.
            third = (1 + self.guidance) / 3
            guided = sampling.refuse(sampling.guide(conditional, negative, third), conditional, others.pop(), third)
        return guided if self.leaning is None else guided + self.leaning


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


def start_variations(
    decoder: Decoder,
    condition: Condition,
    prompts: Sequence[list[int]],
    *,
    given: int,
    max_tokens: int,
    guidance: float,
    generators: Sequence[torch.Generator],
) -> Generation:
    """Several pieces of one condition in one batch, each as it would be alone. Prompts that are equal are read once.

    prompts: tokens each goes on from, all equally many. given: as in `Decoder.start`.
    """

    def start(prompt: list[int], generator: torch.Generator) -> Generation:
        audio = torch.tensor([prompt], device=condition.text.device) if prompt else None
        return decoder.start(
            condition, audio_prompt=audio, given=given, max_tokens=max_tokens, guidance=guidance, generator=generator
        )

    own_noise = decoder.config.negative == "noise" and guidance != 1.0
    if not own_noise and all(prompt == prompts[0] for prompt in prompts):
        return Generation.together([start(prompts[0], generators[0])] * len(prompts))
    return Generation.together([start(*one) for one in zip(prompts, generators, strict=True)])


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
