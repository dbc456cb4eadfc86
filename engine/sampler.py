"""Tokens of a plan, drawn one by one with a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from engine.acceleration import PaceMeter, Prepared, use_threads
from engine.conditioning.plan import GenerationPlan, at
from engine.models.generation import Generation, generate_tokens, start_variations


class TokenSampler:
    """on_tokens: is given one token of each variation as they are drawn."""

    def __init__(
        self, prepared: Prepared, pace: PaceMeter, on_tokens: Callable[[list[int]], None] | None = None
    ) -> None:  # fmt: skip
        self.prepared, self.pace, self._on_tokens = prepared, pace, on_tokens

    def tokens(
        self, plan: GenerationPlan, wanted: int, cancelled: Callable[[], bool] = lambda: False,
        judge: Callable[[Generation], None] | None = None,
    ) -> Iterator[list[int]]:  # fmt: skip
        """`wanted` tokens of each variation, one of each at a time; window by window, as `plan.context` says. judge: is given
        what has read all of them but the last, once they are there.
        """
        sampling, device, decoder = plan.sampling, self.prepared.runtime.device, self.prepared.decoder
        generators = [torch.Generator(device).manual_seed(seed) for seed in plan.seeds]
        made: list[list[int]] = [[] for _ in generators]
        for conditions, window in plan.windows(wanted):
            if cancelled():
                return
            conditions = at(conditions, window, device)
            prompts = [window.prompt(plan.context.clip_tokens, own) for own in made]
            generation = start_variations(
                decoder, conditions, prompts, given=window.clip_count, max_tokens=window.count + plan.context.beyond,
                guidance=sampling.guidance, generators=generators,
            )  # fmt: skip
            tokens = generate_tokens(
                generation, min_tokens=window.count, max_tokens=window.count, top_k=sampling.top_k,
                temperature=sampling.temperature, views=self.prepared.checkpoint.wavtokenizer.views, generators=generators,
                cancelled=cancelled,
            )  # fmt: skip
            while (drawn := self._next(tokens)) is not None:
                for own, token in zip(made, drawn, strict=True):
                    own.append(token)
                if self._on_tokens is not None:
                    self._on_tokens(drawn)
                yield drawn
        if judge is not None and len(made[0]) == wanted:
            judge(generation)

    def _next(self, tokens: Iterator[list[int]]) -> list[int] | None:
        with use_threads(self.prepared.decoder_threads), self.pace.stepping():
            return next(tokens, None)
