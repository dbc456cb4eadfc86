"""The language model token by token: `engine.models.language_model` made fast, and guided.

`Decoder`     the weights made ready once, no gradients, no modules. Immutable.
`Generation`  the mutable state of one batch of pieces; `prefill` reads what comes before the first token, `step` each token.

Under guidance rows of a batch read different things, see `engine.models.guidance`. Shapes as in `language_model`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import sampling
from engine.models.cache import KVCache
from engine.models.condition import Condition
from engine.models.guidance import Branch, branches, guided
from engine.models.language_model import LanguageModel
from engine.models.packed import PackedNetwork


class Network(Protocol):
    """The backbone and the head, made ready to generate."""

    dtype: torch.dtype  # of what it reads, and of the cache

    def read(self, x: Tensor, cache: KVCache, row: int) -> Tensor:
        """What comes before the first token, x [rows, S, H], into the cache's rows from `row` on, so that it ends where the cache
        is filled → logits of the first token, float32 [rows, V]
        """

    def step(self, x: Tensor, cache: KVCache) -> Tensor:
        """One position more, x [rows, H], into all rows; counts it as filled. → logits of the next token, float32 [rows, V],
        which the next step may overwrite.
        """

    def follow(self, x: Tensor, cache: KVCache) -> Tensor:
        """Several positions more, x [n, S, H], into the first n rows, not counted as filled → the logits after each, float32
        [n, S, V]
        """


class Decoder:
    """A language model made ready to generate. Immutable; any number of generations may share it."""

    def __init__(self, model: LanguageModel, dtype: torch.dtype | None = None, network: Network | None = None) -> None:
        """dtype: the model's own when None; float16 is slow on a CPU. network: when None, the weights packed in that dtype."""
        self.network = network or PackedNetwork(model, dtype or model.llm_decoder.weight.dtype)
        self.model, self.config, self.dtype = model, model.config, self.network.dtype
        self.negative_branch = model.negative_branch
        self.device = model.llm_decoder.weight.device
        with torch.inference_mode():
            self.speech_embedding = model.speech_embedding.weight.to(self.dtype)

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
        guidance 1 needs no negative branch and computes half as many rows; a negative prompt adds a branch.
        noise: [B, 3n, H]; drawn from `generator` when None.
        """
        read = branches(condition, audio_prompt, given, guidance, self.negative_branch)
        if guidance != 1.0 and noise is None:
            noise = self.negative_branch.draw(condition, self.config.hidden_size, generator)
        embeds = [self._embed(branch, noise).to(self.dtype) for branch in read]
        generation = Generation(self, [part.shape[:2] for part in embeds], max_tokens, guidance, self.model.logit_bias(condition))
        generation.times = self._times(read, max_tokens)
        generation.prefill(embeds)
        return generation

    @torch.inference_mode()
    def likelihood(self, condition: Condition, audio: Tensor) -> Tensor:
        """As `LanguageModel.likelihood`, by the network that generates: mean log-probability in nats a token [B]."""
        x = self.model.embed_condition(condition, audio).to(self.dtype)
        cache = KVCache(self.config, [0], [len(x)], x.shape[1], self.dtype, self.device)
        chances = self.network.follow(x, cache)[:, -audio.shape[1] - 1 : -1].log_softmax(-1)
        return chances.gather(-1, audio[..., None])[..., 0].mean(1)

    def _embed(self, branch: Branch, noise: Tensor | None) -> Tensor:
        condition, hidden = branch.condition, None
        if branch.negative:
            hidden = torch.ones(len(condition.text), dtype=torch.bool, device=condition.text.device)
        return self.model.embed_condition(condition, branch.audio_prompt, hidden, noise)

    def _times(self, read: list[Branch], frames: int) -> Tensor | None:
        """Embedded musical time of the tokens to be made: [rows, frames or more, H]; None without a musical clock."""
        found = []
        for branch in read:
            first = 0 if branch.audio_prompt is None else branch.audio_prompt.shape[1]
            if (times := self.model.embed_frames(branch.condition)) is None:
                return None
            assert times.shape[1] >= first + frames, f"clock has {times.shape[1]} frames, {first + frames} are asked for"
            found.append(times[:, first + 1 :].to(self.dtype))
        return torch.cat(found)


class Generation:
    """One piece, or B of one length, while it is made. Rows: B for each branch of guidance, in the order of `branches`."""

    def __init__(
        self,
        decoder: Decoder,
        shapes: Sequence[Sequence[int]],
        max_tokens: int,
        guidance: float,
        logit_bias: Tensor | None = None,
    ) -> None:
        """Room, and nothing read yet: `prefill` is next. shapes: (B, positions before the first token) of each branch.
        logit_bias: [B, V], added to the guided logits.
        """
        rows, lengths = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
        self.decoder, self.guidance, self.branches, self.logit_bias = decoder, guidance, len(shapes), logit_bias
        self.prompt_length = max(lengths)
        capacity = self.prompt_length + max_tokens
        self.cache = KVCache(decoder.config, lengths, rows, capacity, decoder.dtype, decoder.device)
        self.times: Tensor | None = None  # [rows, frames, H], added to the embeddings of the tokens made, from the first on
        self.logits: Tensor  # [B, V] float32, of the token that comes next; there after `prefill`

    @property
    def position(self) -> int:
        """How many positions the cache holds."""
        return self.cache.filled

    def prefill(self, embeds: Sequence[Tensor]) -> Tensor:
        """Reads what comes before the first token, [B, S, H] of each branch, and returns the logits of that token."""
        if len({part.shape[1] for part in embeds}) == 1:
            embeds = [torch.cat(list(embeds))]
        row, last = 0, []
        for part in embeds:
            last.append(self.decoder.network.read(part, self.cache, row))
            row += len(part)
        self.logits = self._guided(torch.cat(last))
        return self.logits

    @torch.inference_mode()
    def step(self, tokens: Tensor | None = None) -> Tensor:
        """tokens: [B] → guided logits of the next one, float32 [B, V]. None: those that follow what was read so far."""
        if tokens is not None:
            embeds = F.embedding(tokens, self.decoder.speech_embedding).repeat(self.branches, 1)
            if self.times is not None:
                embeds = embeds + self.times[:, self.position - self.prompt_length]
            assert self.position < self.cache.capacity, "the cache is full: start the generation with more max_tokens"
            self.logits = self._guided(self.decoder.network.step(embeds, self.cache))
        return self.logits

    @torch.inference_mode()
    def likelihood_after(self, tokens: Tensor, following: Tensor) -> Tensor:
        """How likely `following` [T] comes after `tokens` [B], the last ones drawn: log-probability of each in nats, [B, T].

        Teacher forcing from the cache, in one pass. Of the conditional branch alone: guidance says what to play, not how likely
        it is. Needs room for T tokens more; what the cache holds is left as it is.
        """
        rows, start, end = len(tokens), self.position, self.position + len(following)
        assert end <= self.cache.capacity, "the cache is full: start the generation with more max_tokens"
        given = torch.cat([tokens[:, None], following[:-1].expand(rows, -1)], dim=1)
        x = F.embedding(given, self.decoder.speech_embedding)
        if self.times is not None:
            x = x + self.times[:rows, start - self.prompt_length : end - self.prompt_length]
        chances = self.decoder.network.follow(x, self.cache).log_softmax(-1)
        return chances.gather(-1, following.expand(rows, -1)[..., None])[..., 0]

    @classmethod
    def together(cls, generations: Sequence[Generation]) -> Generation:
        """Pieces that have come equally far go on as one batch, the same one more than once if wanted: a copy of them."""
        first = generations[0]
        if len(generations) == 1:
            return first

        def rows(of: Iterable[Tensor | None], dim: int) -> Tensor:
            parts = zip(*(own.chunk(first.branches, dim) for own in of if own is not None), strict=True)
            return torch.cat([part for branch in parts for part in branch], dim)

        batch, cache = copy.copy(first), copy.copy(first.cache)
        batch.cache = cache
        cache.layers = [rows(layer, 1) for layer in zip(*(generation.cache.layers for generation in generations), strict=True)]
        if cache.mask is not None:
            cache.mask = rows((generation.cache.mask for generation in generations), 0)
        batch.logits = torch.cat([generation.logits for generation in generations])
        if first.times is not None:
            batch.times = rows((generation.times for generation in generations), 0)
        if first.logit_bias is not None:
            batch.logit_bias = torch.cat([g.logit_bias for g in generations if g.logit_bias is not None])
        return batch

    def mark(self) -> Mark:
        return Mark(self.position, self.logits)

    def rewind(self, mark: Mark) -> None:
        """Forgets all that came after `mark`, at no cost. To branch, rewind to one mark again and again."""
        assert mark.position <= self.position, f"cannot rewind from {self.position} to {mark.position}"
        self.cache.filled, self.logits = mark.position, mark.logits

    def _guided(self, logits: Tensor) -> Tensor:
        """Logits of every row [rows, V] → guided logits [B, V]"""
        logits = guided(logits.chunk(self.branches), self.guidance)
        return logits if self.logit_bias is None else logits + self.logit_bias


@dataclass(frozen=True, eq=False)
class Mark:
    """A place in a generation to come back to."""

    position: int
    logits: Tensor  # [B, V]


def start_variations(
    decoder: Decoder,
    conditions: Sequence[Condition],
    prompts: Sequence[list[int]],
    *,
    given: int,
    max_tokens: int,
    guidance: float,
    generators: Sequence[torch.Generator],
) -> Generation:
    """Several pieces in one batch, each as it would be alone. What is the same for all of them is read once.

    conditions: of each, with texts of one length. prompts: tokens each goes on from, all equally many. given: as in
    `Decoder.start`.
    """

    def start(condition: Condition, prompt: list[int], generator: torch.Generator) -> Generation:
        audio = torch.tensor([prompt], device=condition.text.device) if prompt else None
        return decoder.start(
            condition, audio_prompt=audio, given=given, max_tokens=max_tokens, guidance=guidance, generator=generator
        )

    own_noise = decoder.negative_branch.draws_noise and guidance != 1.0
    alike = all(condition is conditions[0] for condition in conditions) and all(prompt == prompts[0] for prompt in prompts)
    if alike and not own_noise:
        return Generation.together([start(conditions[0], prompts[0], generators[0])] * len(prompts))
    return Generation.together([start(*one) for one in zip(conditions, prompts, generators, strict=True)])


def generate_tokens(
    generation: Generation,
    *,
    min_tokens: int,
    max_tokens: int,
    top_k: int = 350,
    temperature: float = 1.0,
    views: int = 1,
    generators: Sequence[torch.Generator | None] = (None,),
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[int]]:
    """Audio tokens, one of each piece at a time, until a piece stops (not before `min_tokens`), `max_tokens` or `cancelled()`,
    asked before each. generators: one for each piece.

    views: of the codec, whose tokens alternate from the first one on. Nothing but training says so to the network, and under
    guidance it now and then draws a token of the wrong view; all that follows would then be off by one.
    """
    stop, tokens = generation.decoder.config.stop_token, None
    for count in range(max_tokens):
        if cancelled():
            return
        logits = generation.step(tokens)
        if count < min_tokens:
            logits = sampling.forbid(logits, stop)
        if views > 1:
            logits = sampling.of_view(logits, count % views, views)
        tokens = sampling.sample(logits, k=top_k, temperature=temperature, generators=generators)
        if stop in (drawn := tokens.tolist()):
            return
        yield drawn
