"""The engine: request in, chunks of audio out while they are made.

`Pipeline.generate` reads top-down as the model works: hear the clip, read the words, sample tokens, render chunks, report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import soxr
import torch

from engine.acceleration import Prepared, Stopwatch, choose_runtime, prepare, use_threads
from engine.api import (
    DECODE_PATHS,
    DEFAULT_MODEL,
    AudioChunk,
    Event,
    Finished,
    GenerationRequest,
    Progress,
    RequestError,
    draw_seed,
)
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.condition import build_condition, condition_of
from engine.conditioning.prompt import Words, asked_bpm, asked_key, choose_words
from engine.conditioning.tempo import JUDGED_TOKENS, describe_clip, grids, likeliest_grid
from engine.conditioning.tokenizer import load_text_encoder
from engine.continuation.clip import Clip, read_clip
from engine.continuation.recurrence import bars_until_again, what_followed
from engine.models.generation import Generation, generate_tokens
from engine.models.language_model import Condition
from engine.music.analysis import key_name
from engine.music.grid import BARS_PER_PHRASE, MOST_DETUNED, MOST_SLOWED, Grid, clock, frames_to_bar, lasts_bars, slowing
from engine.rendering.level import Leveller, crossfade, fade_out, rms_db, soft_limit, without_fade
from engine.rendering.measurement import Meter
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer, StreamingDecoder

LEAD_S = 2.0  # of a clip, rendered by the model too: it sets the level and gives what follows something to go on from
IDEA_BARS = 16  # two phrases, after which a piece goes on from its last bar alone: it would play them for ever
LEVEL_S = 8.0  # of a clip's end, whose level the new part comes to
JOIN_S = 0.03  # cross-fade between the clip and that rendering, right before the new part
SOURCE_CHUNK_S = 10.0  # a long clip goes out in pieces
PIECE_FADE_S, LOOP_FADE_S = 0.25, 0.003  # at the end: a piece fades, bars must loop and only lose a click
PROGRESS_EVERY = 8  # tokens
GAIN_LIMIT_DB = 12.0


def create_engine(device: str | None = None) -> Pipeline:
    return Pipeline(device)


class Pipeline:
    """`engine.api.Engine`. One generation at a time, from one thread."""

    def __init__(self, device: str | None = None, plan: ChunkPlan = ChunkPlan()) -> None:  # noqa: B008 - frozen
        self.runtime, self.plan = choose_runtime(device), plan
        self._name: str | None = None
        self._prepared: Prepared | None = None
        self._encode_text: Callable[[str], list[int]] | None = None

    def load(self, model: str) -> dict:
        if self._name != model:
            self._prepared = self._name = None  # two large models at once need not fit
            checkpoint = load_checkpoint(model)
            self._encode_text = load_text_encoder(checkpoint)
            self._prepared, self._name = prepare(checkpoint, self.runtime), model
            self._warm_up()
        config, checkpoint = self._prepared.checkpoint.config, self._prepared.checkpoint
        return {
            "model": config.name, "weights": checkpoint.weights_sha256, "bytes": checkpoint.bytes,
            "device": self.runtime.description,
            "samplerate_full": config.hifi_codec.sampling_rate if config.hifi_codec else 0,
            "samplerate_fast": config.wavtokenizer.sample_rate,
        }  # fmt: skip

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        watch = Stopwatch()
        yield Progress("loading", 0.0, request.seconds)
        request = replace(request, model=request.model or DEFAULT_MODEL)
        model = self.load(request.model)
        loaded_s = watch()
        request = self._decided(request)
        numbers = range(1, request.variations + 1)
        renderers = [self._renderer(request, cancelled, request.seed_of(number)) for number in numbers]
        samplerate = renderers[0].samplerate
        config, clip, heard = self._prepared.checkpoint.config, None, []
        if request.clip is not None:
            yield Progress("listening", 0.0, request.seconds)
            clip = read_clip(request, samplerate=samplerate, model_samplerate=config.wavtokenizer.sample_rate,
                             max_context_s=config.max_prompt_s)  # fmt: skip
        found = grids(request, config, clip)
        ids, judged_s = self._encode_text(request.prompt), JUDGED_TOKENS / config.token_rate
        time = likeliest_grid(
            found, lambda by: self._hear(clip, found, judged_s, by), ids, request, self._prepared.checkpoint
        )
        slowed = self._slowing(time, clip)
        if clip is not None:
            heard = self._hear(clip, found, min(request.context_s, config.max_prompt_s), slowed)
        words = self._words(request, clip, time)
        condition = condition_of(words, request, self._encode_text)
        takes = [
            _Take(request, number, renderer, self.plan, clip, heard, slowed, watch)
            for number, renderer in zip(numbers, renderers, strict=True)
        ]
        for take in takes:
            yield from take.begin()
        first, last = takes[0], takes[-1]
        wanted = math.ceil(first.wanted * slowed / first.hop)
        own_time = time and time.slowed(slowed)
        for count, tokens in enumerate(self._tokens(request, condition, own_time, heard, wanted, cancelled), 1):
            for take, token in zip(takes, tokens, strict=True):
                if (chunk := take.push(token)) is not None:
                    yield chunk
            if count % PROGRESS_EVERY == 0:
                yield Progress("generating", min(request.seconds, last.new_frames / samplerate), request.seconds)
        for take in takes if not cancelled() else ():
            yield from take.finish()
        seconds = first.new_frames / samplerate
        measured = [{"seed": request.seed_of(take.number), "frames": take.frames} | take.measure(request) for take in takes]
        yield Finished(
            frames=first.frames, samplerate=samplerate, cancelled=any(take.new_frames < take.wanted for take in takes),
            facts=model | {
                "seed": request.seed, "guidance": request.guidance, "top_k": request.top_k, "temperature": request.temperature,
                "caption": words.caption, "decode": request.decode, "new_s": round(seconds, 6),
                "elapsed_s": round(watch(), 3), "first_chunk_s": round(first.first_chunk_s or watch(), 3),
                "rtf": round((watch() - loaded_s) / seconds, 3) if seconds else 0.0,
            } | ({"grid_bpm": round(time.bpm, 3)} if time else {}) | measured[0],
            variations=measured if len(measured) > 1 else (),
        )  # fmt: skip

    def _decided(self, request: GenerationRequest) -> GenerationRequest:
        """The request with what it left open settled: the seed drawn, the sampling as suits the model."""
        config = self._prepared.checkpoint.config
        own = {"seed": draw_seed()}
        own |= {name: getattr(config, name) for name in ("top_k", "temperature", "context_s")}
        own |= {"guidance": config.guidance if request.clip is None else config.clip_guidance}
        return replace(request, **{name: value for name, value in own.items() if getattr(request, name) is None})

    # --- steps -------------------------------------------------------------------------------------------------------

    def _renderer(self, request: GenerationRequest, cancelled: Callable[[], bool], seed: int) -> FastRenderer | FullRenderer:
        if request.decode == "fast":
            return FastRenderer(self._prepared)
        if self._prepared.checkpoint.flow is None:
            raise RequestError(f"model {request.model} has no flow matching, so no full path: set decode to fast")
        return FullRenderer(self._prepared, seed, cancelled)

    @torch.inference_mode()
    def _hear(self, clip: Clip, found: list[Grid], seconds: float, slowed: float = 1.0) -> list[int]:
        """The tokens of the last `seconds` before the join, where a turn of tokens ends: odd samples are cut in front.

        A loop is heard as it is played, round and round: what has come back before can be continued. What fades out is heard
        as if it sounded on: silence would be continued by silence. Nor does the join sound like an end: a token tells of what
        comes right after it too, so that the last ones are heard with what followed when music was there before. slowed: as the
        model plays.
        """
        config, tokenizer = self._prepared.checkpoint.config, self._prepared.checkpoint.wavtokenizer
        context, wanted = clip.context, round(seconds / slowed * tokenizer.config.sample_rate)
        if clip.whole and any(lasts_bars(time.bpm, clip.duration_s, time.beats_per_bar) for time in found):
            context = np.tile(context, -(-wanted // len(context)))
        context = soxr.resample(context[-wanted:], 1.0, slowed, "VHQ")
        context = context[len(context) % (tokenizer.views * tokenizer.config.hop_length) :]
        context = without_fade(context, tokenizer.config.sample_rate)
        if config.level_db is not None:
            context = context * np.float32(10 ** ((config.level_db - rms_db(context)) / 20))
        count = len(context) // tokenizer.config.hop_length
        context = np.concatenate([context, what_followed(context, tokenizer.config.sample_rate)])
        return tokenizer.encode(torch.from_numpy(context)[None].to(self.runtime.device))[0, :count].tolist()

    def _words(self, request: GenerationRequest, clip: Clip | None, time: Grid | None) -> Words:
        """The words: what is not asked is measured in the clip."""
        config, described = self._prepared.checkpoint.config, None
        if clip is not None and asked_key(request) is None:
            described = describe_clip(clip, request, time, config)
        return choose_words(request, config, time, described)

    def _slowing(self, time: Grid | None, clip: Clip | None) -> float:
        """How much slower than it will be heard the model plays, so that its bars are whole tokens, as all were that it learnt
        from. A clip is slowed likewise, and keeps its pitch in the end; without one the result is out of tune by so much.
        """
        views = self._prepared.checkpoint.wavtokenizer.views
        most = MOST_DETUNED if clip is None else MOST_SLOWED
        return slowing(time, self._prepared.checkpoint.config.token_rate, views, most) if time else 1.0

    def _tokens(
        self, request: GenerationRequest, condition: Condition, time: Grid | None, heard: list[int], wanted: int,
        cancelled: Callable[[], bool],
    ) -> Iterator[list[int]]:  # fmt: skip
        """`wanted` tokens of each variation, one of each at a time. Past the length the language model was trained on, it goes on
        from the clip and the end of what it made (`_look_back`); past IDEA_BARS, of that from the last bar alone.
        """
        config, device = self._prepared.checkpoint.config, self.runtime.device
        views = self._prepared.checkpoint.wavtokenizer.views
        seeds = [request.seed_of(number) for number in range(1, request.variations + 1)]
        generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        pieces, made = [[] for _ in seeds], 0
        begin, end, first = 0, len(heard), 0  # what is looked back on: tokens of the clip, and the first of what was made
        bar = time and time.beats_per_bar * 60 / time.bpm * config.token_rate
        again = time and bars_until_again(heard, bar) * bar
        from_phrase = time and replace(time, beat=time.beat % (BARS_PER_PHRASE * time.beats_per_bar))
        condition = condition.to(device)
        while made < wanted and not cancelled():
            room = config.max_tokens - (end - begin) - (made - first) if config.max_tokens else wanted
            count = min(wanted - made, max(room, config.max_tokens // 4))
            least, most = (config.max_tokens // 4 if heard else config.max_tokens // 2), config.max_tokens // 2
            if time is not None:
                idea = max(views, _whole_turns(frames_to_bar(from_phrase, config.token_rate, made, IDEA_BARS), views))
                if idea <= count:
                    count, least, most = idea, bar, bar
                parts = ((begin - len(heard), end - begin), (first, made + count - first))
                rows = np.concatenate([clock(time, config.token_rate, *part) for part in parts])
                condition = replace(condition, clock=torch.from_numpy(rows)[None].to(device))
            histories = [heard[begin:end] + piece[first:] for piece in pieces]
            generation = self._start(request, condition, histories, end - begin, generators, count)
            tokens = generate_tokens(
                generation, min_tokens=count, max_tokens=count, top_k=request.top_k, temperature=request.temperature,
                generators=generators, cancelled=cancelled,
            )  # fmt: skip
            while (drawn := self._next(tokens)) is not None:
                for piece, token in zip(pieces, drawn, strict=True):
                    piece.append(token)
                made += 1
                yield drawn
            if config.max_tokens:
                most_tokens = config.max_tokens - config.max_tokens // 4
                begin, end, first = _look_back(len(heard), made, most_tokens, (least, most), again, views)

    def _start(
        self, request: GenerationRequest, condition: Condition, histories: list[list[int]], given: int,
        generators: list[torch.Generator], count: int,
    ) -> Generation:  # fmt: skip
        """All variations in one batch. Each reads what it goes on from as it would alone; what all have in common, once.
        given: as in `Decoder.start`.
        """

        def start(history: list[int], generator: torch.Generator) -> Generation:
            prompt = torch.tensor([history], device=self.runtime.device) if history else None
            return self._prepared.decoder.start(
                condition, audio_prompt=prompt, given=given, max_tokens=count, guidance=request.guidance, generator=generator
            )

        own_noise = self._prepared.checkpoint.config.language_model.negative == "noise" and request.guidance != 1.0
        if not own_noise and all(history == histories[0] for history in histories):
            return Generation.together([start(histories[0], generators[0])] * len(histories))
        return Generation.together([start(*one) for one in zip(histories, generators, strict=True)])

    def _next(self, tokens: Iterator[list[int]]) -> list[int] | None:
        with use_threads(self._prepared.decoder_threads):
            return next(tokens, None)

    def _warm_up(self) -> None:
        """A few tokens and a short window of each path: the first request shall not pay for allocation and kernel choice."""
        for decode in DECODE_PATHS:
            if decode == "full" and self._prepared.checkpoint.flow is None:
                continue
            request = self._decided(GenerationRequest(prompt="warm up", duration_s=0.5, seed=0, guidance=3.0, decode=decode))
            renderer = self._renderer(request, lambda: False, request.seed)
            condition = build_condition(self._encode_text(request.prompt), request)
            wanted = round(request.seconds * renderer.token_rate)
            tokens = [token for (token,) in self._tokens(request, condition, Grid(120.0), [], wanted, lambda: False)]
            renderer.render(tokens, 0, len(tokens), ended=True)


def _look_back(
    heard: int, made: int, most: int, recent: tuple[float, float], again: float | None, views: int
) -> tuple[int, int, int]:  # fmt: skip
    """What is looked back on, `most` tokens: of the `heard` ones of a clip from which to which, of those `made` from which on.

    The clip stays in mind, or what follows would be less and less like it: up to where it goes on as what was made does, so that
    the two are one music. So what is missing between them lasts as long as music takes to come back to itself, `again`, or a
    multiple of it; for that `recent` says from how much to how much is kept of what was made. again: None without time.
    """
    end, first = heard, max(0, made - recent[0])
    if heard and again is not None:
        last = first // again * again
        first = last if last >= made - recent[1] else first
        end = max(0, heard - _whole_turns(-first % again, views))
    first = _whole_turns(first, views)
    return max(0, end - (most - (made - first))), end, first


def _whole_turns(tokens: float, views: int) -> int:
    """The nearest number of tokens in which all of a codec's views have had their turns alike."""
    return round(tokens / views) * views


class _Take:
    """The audio of one variation: levels, join, exact length, chunk numbers."""

    def __init__(
        self, request: GenerationRequest, number: int, renderer: FastRenderer | FullRenderer, plan: ChunkPlan,
        clip: Clip | None, heard: list[int], slowed: float, watch: Stopwatch,
    ) -> None:  # fmt: skip
        """slowed: by how much the model plays slower than it will be heard."""
        self.number = number
        self.samplerate = renderer.samplerate
        self.wanted = request.frames(self.samplerate)
        self.fade_s = LOOP_FADE_S if request.bars is not None else PIECE_FADE_S
        self.clip = clip
        self.hop = round(self.samplerate / renderer.token_rate)
        lead = heard[-round(LEAD_S * renderer.token_rate) :]
        self.decoder = StreamingDecoder(renderer, plan, lead=lead)
        self.leveller: Leveller | None = None
        self.repeats_source = clip is not None and request.join == "append"
        self.index = self.frames = 0
        self.meter = Meter(self.samplerate)
        self.watch, self.first_chunk_s = watch, None
        self._at_speed = soxr.ResampleStream(slowed, 1.0, 1, "float32", "VHQ") if slowed != 1.0 else None
        # Sample frames of the model's rendering of the clip, until they have served.
        self._lead = int(len(lead) * self.hop / slowed)

    @property
    def new_frames(self) -> int:
        return self.meter.frames

    def begin(self) -> Iterator[AudioChunk]:
        """The source up to where the cross-fade begins, when the result repeats it."""
        if self.repeats_source:
            source, size = self.clip.prefix[: -self._overlap], round(SOURCE_CHUNK_S * self.samplerate)
            for start in range(0, len(source), size):
                self.meter.hear_source(source[start : start + size])
                yield self._chunk(source[start : start + size])

    def push(self, token: int) -> AudioChunk | None:
        audio = self.decoder.push(token)
        return None if audio is None else self._new(audio, last=False)

    def finish(self) -> Iterator[AudioChunk]:
        for audio in self.decoder.finish():
            yield self._new(audio, last=self.decoder.done == len(self.decoder.tokens))

    @property
    def _overlap(self) -> int:
        return min(round(JOIN_S * self.samplerate), len(self.clip.prefix))

    def _new(self, audio: np.ndarray, *, last: bool) -> AudioChunk:
        """Newly rendered mono audio [N] as a chunk: at the source's speed and level, joined, cut to length, faded at the end."""
        if self._at_speed is not None:
            audio = self._at_speed.resample_chunk(audio, last)
        lead, self._lead = audio[: self._lead], 0
        if len(lead):
            source = self.clip.prefix[-round(LEVEL_S * self.samplerate) :]
            gain_db = _gain_towards(without_fade(source, self.samplerate)[-len(lead) :], lead)
            self.leveller = Leveller(rms_db(source), gain_db, lead, self.samplerate)
            audio = np.concatenate([lead * np.float32(10 ** (gain_db / 20)), self._level(audio[len(lead) :])])
        else:
            audio = self._level(audio)
        samples = np.repeat(audio[:, None], self.clip.channels if self.clip else 1, axis=1).astype(np.float32)
        samples, new = samples[: len(lead)], samples[len(lead) :][: self.wanted - self.new_frames]
        joined = np.zeros_like(new[:0])
        if len(lead) and self.repeats_source:
            joined = soft_limit(crossfade(self.clip.prefix[-self._overlap :], samples[-self._overlap :]))
            self.meter.hear_source(joined)
        new = soft_limit(new)
        if last:
            new = fade_out(new, self.samplerate, self.fade_s)
        self.meter.hear(new)
        self.first_chunk_s = self.first_chunk_s or self.watch()
        return self._chunk(np.concatenate([joined, new]))

    def _level(self, audio: np.ndarray) -> np.ndarray:
        return audio if self.leveller is None or not len(audio) else audio * self.leveller.gains(audio)

    def _chunk(self, samples: np.ndarray) -> AudioChunk:
        chunk = AudioChunk(self.index, self.frames, self.samplerate, samples, self.number)
        self.index += 1
        self.frames += len(samples)
        return chunk

    def measure(self, request: GenerationRequest) -> dict:
        """What the result turned out to be, for the sidecar."""
        facts: dict = {"level_db": round(self.meter.level_db, 1), "peak": round(self.meter.peak, 3)}
        bpm, key = self.meter.music(near_bpm=asked_bpm(request))
        if bpm is not None:
            facts["bpm"] = round(bpm, 2)
        if key is not None:
            facts["key"] = key_name(key)
        asked = {"asked_bpm": asked_bpm(request)} if asked_bpm(request) else {}
        if (key := asked_key(request)) is not None:
            asked["asked_key"] = key_name(key)
        if self.repeats_source and self.new_frames:
            facts |= {f"join_{name}": value for name, value in self.meter.join().items()}
        if self.clip is not None:
            facts |= {"from_s": round(self.clip.from_s, 6), "clip_s": round(self.clip.duration_s, 6)}
            if self.clip.gain_db:
                facts["clip_gain_db"] = round(self.clip.gain_db, 2)
        return facts | asked


def _gain_towards(source: np.ndarray, own: np.ndarray) -> float:
    """Gain in dB from the model's rendering of a clip's last moment to the clip: what it plays next enters at that level."""
    return float(np.clip(rms_db(source) - rms_db(own), -GAIN_LIMIT_DB, GAIN_LIMIT_DB))
