"""Tokens in, audio out, while later tokens are still being made: the one owner of seams inside the engine.

Audio is made in windows: some context, a chunk that is kept, some context. Contexts are at least as long as a network can
look where it looks a bounded way (then windowed equals whole, to rounding), and long enough with a cross-fade where it looks
at everything. Units: positions are token frames of the piece unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from engine.acceleration import Prepared, use_threads
from engine.api import FIRST_CHUNK_S, LONGEST_CHUNK_S, GenerationRequest, RequestError
from engine.arrays import Audio

NOISE_BLOCK = 64  # latent frames that one seeding makes


@dataclass(frozen=True)
class ChunkPlan:
    """How long chunks are, in seconds: the first short, so that sound comes at once, then doubling, since context costs too."""

    first_s: float = FIRST_CHUNK_S
    longest_s: float = LONGEST_CHUNK_S

    def sizes(self, token_rate: float) -> Iterator[int]:
        """Token frames of each chunk in turn, without end."""
        size = self.first_s
        while True:
            yield max(1, round(size * token_rate))
            size = min(2 * size, self.longest_s)


class Renderer(Protocol):
    """Tokens in, audio of some of them out, at `samplerate` Hz."""

    token_rate: float
    samplerate: int
    left: int  # tokens before a chunk that it needs
    lookahead: int  # tokens after a chunk that it needs

    def render(self, tokens: list[Any], start: int, end: int, *, ended: bool) -> Audio | None:
        """Float32 [N]: the audio of tokens `start` to `end`, the next after what was rendered before; None when cancelled."""


class StreamingDecoder:
    """One piece's audio. Push tokens as they come; each call returns the audio that became final, if any.

    `lead`: tokens that are known from the start, such as the last moment of a clip that is continued. Their audio comes first,
    together with that of the first chunk.
    """

    def __init__(self, renderer: Renderer, plan: ChunkPlan, *, lead: Sequence[Any] = ()):
        self.renderer = renderer
        self.tokens: list[Any] = list(lead)
        self.done = 0  # token frames whose audio is out
        self.windows_s = 0.0  # of audio that was rendered for it, contexts included
        self._sizes = plan.sizes(renderer.token_rate)
        self._next = len(lead) + next(self._sizes)

    @property
    def samplerate(self) -> int:
        return self.renderer.samplerate

    @property
    def is_due(self) -> bool:
        """Whether the next token is the last that a window waits for."""
        return len(self.tokens) + 1 >= self.done + self._next + self.renderer.lookahead

    def push(self, token: Any) -> Audio | None:
        """Float32 [N] at `samplerate`, or None while more tokens are needed. None, too, when cancelled in mid-window."""
        is_due = self.is_due
        self.tokens.append(token)
        if not is_due:
            return None
        audio = self._render(self.done + self._next, ended=False)
        self._next = next(self._sizes)
        return audio

    def finish(self) -> Iterator[Audio]:
        """The rest, once no more tokens come: one chunk or several."""
        while self.done < len(self.tokens):
            # The last window may be as long as a chunk and its lookahead; splitting that would only cost context.
            left = len(self.tokens) - self.done
            end = len(self.tokens) if left <= self._next + self.renderer.lookahead else self.done + self._next
            audio = self._render(end, ended=end == len(self.tokens))
            if audio is None:
                return
            yield audio
            self._next = next(self._sizes)

    def _render(self, end: int, *, ended: bool) -> Audio | None:
        audio = self.renderer.render(self.tokens, self.done, end, ended=ended)
        if audio is not None:
            window = min(len(self.tokens), end + self.renderer.lookahead) - max(0, self.done - self.renderer.left)
            self.windows_s += window / self.renderer.token_rate
            self.done = end
        return audio


class FastRenderer:
    """Token decoder: tokens → 24 kHz."""

    GLOBAL_CONTEXT_S = (2.0, 0.5)  # left and right, where the decoder attends to the whole piece
    CROSSFADE_S = 0.02

    def __init__(self, prepared: Prepared):
        self.model = prepared.checkpoint.wavtokenizer
        self.device, self._threads = prepared.runtime.device, prepared.rendering_threads
        self.token_rate, self.samplerate = self.model.config.frame_rate, self.model.config.sample_rate
        self.hop = self.model.config.hop_length
        exact = self.model.context
        near = tuple(round(s * self.token_rate) for s in self.GLOBAL_CONTEXT_S)
        self.left, self.lookahead = near if exact is None else (exact, exact)
        self._fade = 0 if exact is not None else round(self.CROSSFADE_S * self.samplerate)
        self._tail = np.zeros(0, np.float32)

    @torch.inference_mode()
    def render(self, tokens: list[int], start: int, end: int, *, ended: bool) -> Audio:
        first, last = max(0, start - self.left), min(len(tokens), end + self.lookahead)
        window = torch.tensor([tokens[first:last]], device=self.device)
        with use_threads(self._threads):
            audio = self.model.decode(window, first)[0].float().cpu().numpy()
        kept = audio[(start - first) * self.hop : (end - first) * self.hop]
        if self._fade:
            kept = _fade_in(self._tail, kept)
            after = (end - first) * self.hop
            self._tail = audio[after : after + self._fade]
        return kept


class FullRenderer:
    """Flow matching and vocoder: tokens → 48 kHz.

    Windows of the flow agree where they overlap because noise belongs to absolute latent frames; what they still differ by is
    cross-faded in latents, right of the place up to which audio has gone out, so that nothing that has gone out is contradicted.
    """

    LEFT_S, RIGHT_S = 2.0, 0.4
    CROSSFADE_S = 0.12

    def __init__(self, prepared: Prepared, seed: int, cancelled: Callable[[], bool] = lambda: False):
        full = prepared.checkpoint.full
        assert full is not None, "only a model with flow matching has a full path"
        self.flow, self.codec = full
        self.device, self.seed, self.cancelled = prepared.runtime.device, seed, cancelled
        self._threads = prepared.rendering_threads
        self.token_rate, self.samplerate = prepared.checkpoint.config.token_rate, self.codec.samplerate
        self.ratio = self.flow.config.frames_per_token
        self.left, self.right = round(self.LEFT_S * self.token_rate), round(self.RIGHT_S * self.token_rate)
        self.reach = self.codec.context  # latent frames
        self.lookahead = self.right + -(-self.reach // self.ratio)
        # The U-Net halves the rate: windows that begin on its coarsest grid see the piece's frames paired as one window would.
        self._grid = max(1, 2 ** (len(self.flow.config.channels) - 1) // self.ratio)
        latents = torch.zeros(1, self.flow.config.width, 0, device=self.device)
        self._stream = LatentStream(latents, fade=round(self.CROSSFADE_S * self.codec.frame_rate))

    @torch.inference_mode()
    def render(self, tokens: list[int], start: int, end: int, *, ended: bool) -> Audio | None:
        with use_threads(self._threads):
            return self._render(tokens, start, end, ended=ended)

    def _render(self, tokens: list[int], start: int, end: int, *, ended: bool) -> Audio | None:
        needed = len(tokens) if ended else end + -(-self.reach // self.ratio)
        if not self._solve(tokens, needed, ended=ended):
            return None
        begin, stop = start * self.ratio, end * self.ratio
        latents, first = self._stream.around(begin, stop, self.reach)
        audio: Audio = self.codec.decode_features(latents, first)[0].float().cpu().numpy()
        self._stream.forget(stop - self.reach)  # the next chunk starts at `stop`
        hop = self.codec.hop_length
        return audio[(begin - first) * hop : (stop - first) * hop]

    def _solve(self, tokens: list[int], needed: int, *, ended: bool) -> bool:
        """Extends the latents to token frame `needed`. False when cancelled."""
        final = self._stream.final
        if needed * self.ratio <= final:
            return True
        first = max(0, final // self.ratio - self.left)
        first -= first % self._grid
        last = len(tokens) if ended else min(len(tokens), needed + self.right)
        mu = self.flow.encode(torch.tensor([tokens[first:last]], device=self.device)).transpose(1, 2)
        solved = self.flow.solve(mu, self.noise(first * self.ratio, last * self.ratio).to(mu), cancelled=self.cancelled)
        if solved is None:
            return False
        self._stream.join(solved, first * self.ratio, final=needed * self.ratio)
        return True

    def noise(self, first: int, last: int) -> Tensor:
        """[1, D, last - first]: the piece's noise at these latent frames, whichever window asks."""
        blocks = []
        for block in range(first // NOISE_BLOCK, -(-last // NOISE_BLOCK)):
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + block) % 2**63)
            blocks.append(torch.randn(1, self.flow.config.width, NOISE_BLOCK, generator=generator))
        return torch.cat(blocks, dim=-1)[..., first % NOISE_BLOCK :][..., : last - first]


@dataclass(eq=False)
class LatentStream:
    """The latents of a piece that later audio still depends on, [1, D, frames]. Frames are counted from the piece's first."""

    latents: Tensor
    fade: int  # frames in which windows are cross-faded
    first: int = 0  # the frame that `latents` begins with
    final: int = 0  # frames before this one will not change any more

    def around(self, begin: int, end: int, reach: int) -> tuple[Tensor, int]:
        """Frames `begin` to `end` with up to `reach` more on either side, and the frame they begin with."""
        first, last = max(0, begin - self.first - reach), min(self.latents.shape[-1], end - self.first + reach)
        return self.latents[..., first:last], self.first + first

    def forget(self, before: int) -> None:
        """Drops the frames before one."""
        dropped = max(0, before - self.first)
        self.latents, self.first = self.latents[..., dropped:], self.first + dropped

    def join(self, solved: Tensor, offset: int, *, final: int) -> None:
        """Old latents up to the final frame, a cross-fade into the new ones while the old last, then the new ones.

        solved: a window's latents from frame `offset` on; after that the frames before `final` are final. Linear: on the trained
        sketch the two correlate by 0.99 where they overlap, and the level moves by 0.001 dB.
        """
        count = self.final - self.first
        kept, old, new = self.latents[..., :count], self.latents[..., count:], solved[..., self.final - offset :]
        fade = min(self.fade, old.shape[-1], new.shape[-1])
        rise = torch.linspace(0, 1, fade + 2, device=new.device)[1:-1]
        mixed = torch.lerp(old[..., :fade], new[..., :fade], rise)
        self.latents, self.final = torch.cat([kept, mixed, new[..., fade:]], dim=-1), final


def _fade_in(tail: Audio, audio: Audio) -> Audio:
    """Cross-fades the previous window's `tail` into the beginning of `audio`."""
    n = min(len(tail), len(audio))
    if not n:
        return audio
    rise = np.linspace(0, 1, n, dtype=np.float32)
    return np.concatenate([tail[:n] * (1 - rise) + audio[:n] * rise, audio[n:]])


def renderer_for(
    prepared: Prepared, request: GenerationRequest, seed: int, cancelled: Callable[[], bool] = lambda: False
) -> FastRenderer | FullRenderer:
    """Of the path that a request asks for. Raises RequestError where the model lacks it."""
    if request.decode == "fast":
        return FastRenderer(prepared)
    if prepared.checkpoint.full is None:
        raise RequestError(f"model {request.model} has no flow matching, so no full path: set decode to fast")
    return FullRenderer(prepared, seed, cancelled)
