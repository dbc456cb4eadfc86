"""A request as one immutable plan: everything a generation needs to know, as values, before its first token is made."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch

from engine.acceleration.side_by_side import both
from engine.api import MAX_PROMPT_CHARS, GenerationRequest
from engine.checkpoints.checkpoint import Checkpoint
from engine.conditioning.condition import condition_of
from engine.conditioning.drawn import Choices, Drawn, choices
from engine.conditioning.lexicon import Spoken, in_own_words
from engine.conditioning.prompt import ClipDescription, Words, asked_key, choose_words, names_instruments
from engine.conditioning.tempo import JUDGED_TOKENS, describe_clip, grids, likeliest_grid, tempo_of
from engine.conditioning.tokenizer import learnt_words, load_text_encoder, unknown_words
from engine.continuation.clip import EXCERPT_S, Clip, read_clip
from engine.continuation.clip_encoder import ClipEncoder
from engine.continuation.context_window import ContextWindow, Window
from engine.continuation.recent import Recent
from engine.models.condition import Condition
from engine.models.generation import Decoder
from engine.music.grid import MAX_STRETCH, MAX_STRETCH_WITHOUT_CLIP, Grid, lasts_bars, stretch_ratio
from engine.rendering.clip_timbre import enough
from engine.words import notes as words_notes

LEAD_IN_S = 0.25  # played before what is made from words to be a loop, whose end leads into it, or moved onto its grid
RECENT = 16  # clips, with their prompts, whose musical time is not chosen again


class Sampling(NamedTuple):
    """How tokens are drawn."""

    seed: int
    guidance: float
    top_k: int
    temperature: float


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a piece that is made under words of its own: a section of an arrangement, or all of it."""

    conditions: Callable[[Drawn], Condition]  # of a take that drew so
    context: ContextWindow
    end: int  # the token before which it ends


@dataclass(frozen=True, eq=False)
class GenerationPlan:
    """What is to be made of a request."""

    request: GenerationRequest  # nothing left open: seed, sampling and context are set
    words: Words
    notes: tuple[str, ...]  # what is understood otherwise than it was written, in sentences
    conditions: Callable[[Drawn], Condition]  # words, time span and section of a take; musical time comes window by window
    grid: Grid | None  # musical time of the result; None where there is none
    stretch: float  # the stretch ratio: the model plays so many times as long as the result, so that its bars last whole tokens
    clip: Clip | None
    gain_db: float  # from the level the model plays at to the clip's, as far as it can be known before
    looped: bool  # the clip is a loop: it goes round and round
    timbre: str  # one of engine.api.TIMBRES
    lead_in: int  # tokens that are made before those of the result, and dropped
    context: ContextWindow  # the clip's tokens, and how the piece goes on from them
    sections: tuple[Part, ...] = ()  # of an arrangement
    choices: Choices | None = None  # that the words leave open
    takes: int | None = None  # that are played, each with a seed of its own: more than go out where a fill chooses; None: as many

    def parts(self, wanted: int) -> tuple[Part, ...]:
        """Of the whole piece, `wanted` tokens."""
        if not self.sections:
            return (Part(self.conditions, self.context, wanted),)
        return (*self.sections[:-1], replace(self.sections[-1], end=wanted))

    def windows(self, wanted: int) -> Iterator[tuple[list[Condition], Window]]:
        """In the order in which they are made, each with the words that each variation is made under: where they are the same
        for all, one condition.
        """
        made = 0
        for part in self.parts(wanted):
            each = {drawn: part.conditions(drawn) for drawn in map(self.drawn, self.seeds)}
            for window in part.context.windows(part.end, made):
                yield [each[self.drawn(seed)] for seed in self.seeds], window
            made = max(made, part.end)

    def drawn(self, seed: int) -> Drawn:
        """What the take with this seed has beside the words."""
        return Drawn() if self.choices is None else self.choices.of(seed)

    @property
    def condition(self) -> Condition:
        """The first variation's, of the whole piece."""
        return self.conditions(self.drawn(self.seeds[0]))

    @property
    def sampling(self) -> Sampling:
        """How the language model is sampled."""
        request = self.request
        assert request.guidance is not None and request.top_k is not None and request.temperature is not None, "it is settled"
        return Sampling(request.seed_of(1), request.guidance, request.top_k, request.temperature)

    @property
    def seeds(self) -> list[int]:
        """One for each take that is played."""
        return [self.request.seed_of(number) for number in range(1, (self.takes or self.request.variations) + 1)]


class Planner:
    """Makes plans for one loaded model."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device, decoder: Decoder | None = None) -> None:
        """decoder: of the same model, made ready to generate: it judges a clip's tempi sooner than the model itself.

        Raises ModelError where the model's tokenizer cannot be read.
        """
        self._checkpoint, self._config = checkpoint, checkpoint.config
        self._encode_text: Callable[[str], list[int]] = load_text_encoder(checkpoint)
        self._learnt = learnt_words(checkpoint)
        self._clips = ClipEncoder(checkpoint, device)
        self._judge = decoder or checkpoint.language_model
        self._likelihoods: Recent[list[float]] = Recent(RECENT)

    def settle(self, request: GenerationRequest) -> GenerationRequest:
        """The request with what it left open decided: the seed drawn, the sampling as suits the model."""
        config = self._config
        guidance = config.guidance if request.clip is None else config.clip_guidance
        return replace(
            request,
            seed=secrets.randbelow(2**24) if request.seed is None else request.seed,
            guidance=guidance if request.guidance is None else request.guidance,
            top_k=config.top_k if request.top_k is None else request.top_k,
            temperature=config.temperature if request.temperature is None else request.temperature,
            context_s=config.context_s if request.context_s is None else request.context_s,
            width=config.width if request.width is None and request.clip is None else request.width,
        )

    def plan(self, request: GenerationRequest, samplerate: int, clip: Clip | None = None) -> GenerationPlan:
        """request: settled. samplerate: the result's, in Hz. clip: the request's, where it has been read. Raises ClipError,
        RequestError.
        """
        config, tokens = self._config, list[int]()
        spoken, said = self._spoken(request.prompt), request.prompt
        request = replace(request, prompt=spoken.text)
        if request.clip is not None and clip is None:
            clip = read_clip(
                request, samplerate=samplerate, model_samplerate=self._clips.samplerate, max_context_s=config.max_prompt_s
            )
        grid, stretch, looped = self._musical_time(request, clip)
        described = None
        if clip is not None:
            seconds = min(request.context_s or config.context_s, config.max_prompt_s)
            encode = partial(self._clips.encode_end, clip.context, seconds, stretch=stretch, looped=looped)
            if asked_key(request) is None:
                tokens, described = both(encode, partial(describe_clip, clip, request, grid, config))
            else:
                tokens = encode()
        words = choose_words(request, config, grid, described, spoken.excluded)
        open_ = choices(request, config, spoken)
        notes = words_notes(said, request.key, unknown_words(spoken.text, self._checkpoint), spoken.substitutions)
        if clip is not None and request.bars is not None and request.bpm is None:
            request = replace(request, bpm=tempo_of(request, clip, grid))
        conditions = self._conditions(request, grid, described, spoken.excluded, open_)
        model_grid, views = grid and grid.stretched(stretch), self._checkpoint.wavtokenizer.views
        leads_in = clip is None and (request.loop or request.on_grid)
        lead_in = views * round(LEAD_IN_S * config.token_rate / views) if leads_in else 0
        model_grid = model_grid and model_grid.after(-lead_in / config.token_rate)
        context = ContextWindow(tuple(tokens), model_grid, config.token_rate, views, config.max_tokens)
        gain_db = 0.0 if clip is None else self._clips.gain_db(clip.prefix[-round(EXCERPT_S * samplerate) :])
        timbre, more = self._timbre(request, grid, len(tokens) / config.token_rate / stretch)
        sections = self._sections(request, grid, stretch, lead_in, context, spoken.excluded, described, open_)
        return GenerationPlan(
            request, words, (*notes, *more), conditions, grid, stretch, clip, gain_db, looped, timbre, lead_in, context, sections,
            open_,
        )  # fmt: skip

    def _sections(
        self, request: GenerationRequest, grid: Grid | None, stretch: float, lead_in: int, context: ContextWindow,
        excluded: tuple[str, ...], described: ClipDescription | None, open_: Choices | None,
    ) -> tuple[Part, ...]:  # fmt: skip
        """Each begins a phrase on its own first bar, as music does, and knows where in the piece it lies.

        A token that lies across a bar line belongs to the section after it: its first beat is under its own words.
        """
        parts = []
        for section in request.sections:
            start, end = request.bar_s(section.start), request.bar_s(section.start + section.bars)
            own = replace(request, bars=section.bars, **request.under(section))
            said = self._spoken(own.prompt)
            own = replace(own, prompt=said.text)
            conditions = self._conditions(own, grid, described, (*excluded, *said.excluded), open_, section.words)
            rate, views = self._config.token_rate, context.views
            model_grid = context.grid and context.grid.new_phrase_at(lead_in / rate + start * stretch)
            tokens = lead_in + math.floor(end * stretch * rate / views + 1e-6) * views
            parts.append(Part(conditions, replace(context, grid=model_grid), tokens))
        return tuple(parts)

    def _conditions(
        self, request: GenerationRequest, grid: Grid | None, described: ClipDescription | None, excluded: tuple[str, ...],
        open_: Choices | None, own_words: str = "",
    ) -> Callable[[Drawn], Condition]:  # fmt: skip
        """A request's condition, of each take as it has drawn: all of one length, so that takes share a batch and each is as it
        would be alone. own_words: a section's. Raises RequestError.
        """

        def condition(drawn: Drawn, length: int = 0) -> Condition:
            drawn = drawn.beside(own_words, self._config.styles)
            words = choose_words(drawn.added_to(request), self._config, grid, described, excluded)
            return condition_of(words, request, self._encode_text, length)

        first = condition(drawn := Drawn() if open_ is None else open_.of(0))
        if open_ is None:
            return lambda _: first
        own = sum(map(self._length, drawn.beside(own_words, self._config.styles).words))
        return lambda drawn: condition(drawn, first.text.shape[1] - own + open_.longest(self._length))

    def _length(self, words: str) -> int:
        """In tokens."""
        return len(self._encode_text(words))

    def _spoken(self, prompt: str) -> Spoken:
        """The prompt as a model with words of its own reads it; as it is where a model reads any."""
        if not self._learnt:
            return Spoken(prompt)
        spoken = in_own_words(prompt, self._learnt, [word for word, _ in self._config.usual_bpm if word])
        return spoken if spoken.text and len(spoken.text) <= MAX_PROMPT_CHARS else Spoken(prompt)

    def _timbre(self, request: GenerationRequest, grid: Grid | None, seconds: float) -> tuple[str, tuple[str, ...]]:
        """What plays, and what to say of it. Words that ask for other instruments than a clip's are played by the model."""
        if request.clip is None or request.timbre == "model":
            return "model", ()
        said = " ".join([request.prompt, *(section.words for section in request.sections)])
        if request.timbre is None and names_instruments(said, self._config.negatable):
            return "model", ()
        if enough(seconds, grid):
            kept = "the clip's own sound is as wide as the clip: width is for the model's"
            return "clip", () if request.width is None else (kept,)
        short = f"{seconds:.1f} s of the clip are too short to play on with its own sound: the model's is used"
        return "model", (short,) if request.timbre else ()

    def _musical_time(self, request: GenerationRequest, clip: Clip | None) -> tuple[Grid | None, float, bool]:
        """The grid, the stretch ratio, and whether the clip is a loop.

        The model plays stretched until its bars are whole tokens, as all were that it learnt from. A clip is stretched likewise,
        and keeps its pitch in the end; without one the result is out of tune by so much.
        """
        found, rate = grids(request, self._config, clip), self._config.token_rate
        looped = clip is not None and clip.whole and any(lasts_bars(g.bpm, clip.duration_s, g.beats_per_bar) for g in found)

        def encode(stretch: float) -> list[int]:
            assert clip is not None
            return self._clips.encode_end(clip.context, JUDGED_TOKENS / rate, stretch=stretch, looped=looped)

        grid = likeliest_grid(
            found, encode, self._encode_text(request.prompt), request, self._checkpoint, self._likelihoods, self._judge.likelihood
        )
        most = MAX_STRETCH_WITHOUT_CLIP if clip is None else MAX_STRETCH
        stretch = stretch_ratio(grid, rate, self._checkpoint.wavtokenizer.views, most) if grid else 1.0
        return grid, stretch, looped


def at(conditions: Sequence[Condition], window: Window, device: torch.device) -> list[Condition]:
    """The variations' conditions with a window's musical time, on a device. One that they share stays one."""
    ready: dict[int, Condition] = {}
    for condition in {id(one): one for one in conditions}.values():
        own = condition.to(device)
        clock = None if window.clock is None else torch.from_numpy(window.clock)[None].to(device)
        ready[id(condition)] = own if clock is None else replace(own, clock=clock)
    return [ready[id(condition)] for condition in conditions]
