"""The engine: request in, chunks of audio out while they are made.

`Pipeline.generate` reads top-down as the model works: hear the clip, read the words, sample tokens, render chunks, report.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import soxr
import torch

from engine.acceleration import Prepared, Stopwatch, choose_runtime, prepare
from engine.api import AudioChunk, Event, Finished, GenerationRequest, Progress, RequestError
from engine.checkpoint import load_checkpoint
from engine.clip import Clip, read_clip
from engine.conditioning import asked_bpm, asked_key, build_condition, caption, load_text_encoder
from engine.models.language_model import Condition, generate_tokens
from engine.music.analysis import join_report, measure_bpm, measure_key
from engine.music.level import crossfade, fade_out, rms_db, soft_limit
from engine.streaming import ChunkPlan, FastRenderer, FullRenderer, StreamingDecoder

NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
JOIN_S = 0.03  # cross-fade between a clip and the model's own rendering of its last moment
PIECE_FADE_S, LOOP_FADE_S = 0.25, 0.003  # at the end: a piece fades, bars must loop and only lose a click
PROGRESS_EVERY = 8  # tokens
GAIN_LIMIT_DB = 12.0


def create_engine(device: str | None = None) -> Pipeline:
    return Pipeline(device)


class Pipeline:
    """`engine.api.Engine`. One generation at a time, from one thread."""

    def __init__(self, device: str | None = None) -> None:
        self.runtime = choose_runtime(device)
        self._name: str | None = None
        self._prepared: Prepared | None = None
        self._encode_text: Callable[[str], list[int]] | None = None

    def load(self, model: str) -> dict:
        if self._name != model:
            self._prepared = None  # two large models at once need not fit
            checkpoint = load_checkpoint(model)
            self._encode_text = load_text_encoder(checkpoint)
            self._prepared, self._name = prepare(checkpoint, self.runtime), model
            self._warm_up()
        config, checkpoint = self._prepared.checkpoint.config, self._prepared.checkpoint
        return {
            "model": config.name, "weights": checkpoint.weights_sha256, "bytes": checkpoint.bytes, "device": self.runtime.description,
            "samplerate_full": config.hifi_codec.sampling_rate if config.hifi_codec else 0,
            "samplerate_fast": config.wavtokenizer.sample_rate,
        }  # fmt: skip

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        watch = Stopwatch()
        yield Progress("loading", 0.0, request.seconds)
        model = self.load(request.model)
        if request.seed is None:
            request = replace(request, seed=secrets.randbelow(2**31))
        renderer = self._renderer(request, cancelled)
        clip, heard = None, []
        if request.clip is not None:
            yield Progress("listening", 0.0, request.seconds)
            clip, heard = self._listen(request, renderer.samplerate)
        words = caption(request, self._prepared.checkpoint.config.tempo_words)
        condition = build_condition(self._encode_text(words), request)
        take = _Take(request, renderer, clip, heard)
        for chunk in take.begin():
            yield chunk
        first_chunk_s = None
        stopped = False
        for count, token in enumerate(self._tokens(request, condition, heard, renderer, cancelled), 1):
            chunk = take.push(token)
            if chunk is not None:
                first_chunk_s = first_chunk_s or watch()
                yield chunk
            if count % PROGRESS_EVERY == 0:
                yield Progress("generating", min(request.seconds, take.new_frames / renderer.samplerate), request.seconds)
        stopped = cancelled()
        if not stopped:
            for chunk in take.finish():
                first_chunk_s = first_chunk_s or watch()
                yield chunk
            stopped = cancelled() and take.new_frames < request.frames(renderer.samplerate)
        seconds = take.new_frames / renderer.samplerate
        yield Finished(
            frames=take.frames, samplerate=renderer.samplerate, cancelled=stopped,
            facts=model | {
                "seed": request.seed, "caption": words, "decode": request.decode, "new_s": round(seconds, 6),
                "elapsed_s": round(watch(), 3), "first_chunk_s": round(first_chunk_s or watch(), 3),
                "rtf": round(watch() / seconds, 3) if seconds else 0.0,
            } | take.measure(request),
        )  # fmt: skip

    # --- steps -------------------------------------------------------------------------------------------------------

    def _renderer(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> FastRenderer | FullRenderer:
        if request.decode == "fast":
            return FastRenderer(self._prepared)
        if self._prepared.checkpoint.flow is None:
            raise RequestError(f"model {request.model} has no flow matching, so no full path: set decode to fast")
        return FullRenderer(self._prepared, request.seed, cancelled)

    @torch.inference_mode()
    def _listen(self, request: GenerationRequest, samplerate: int) -> tuple[Clip, list[int]]:
        """The clip, and the tokens of what comes before the join. Its end falls on a token's end: the odd samples are cut in front."""
        tokenizer = self._prepared.checkpoint.wavtokenizer
        clip = read_clip(request, samplerate=samplerate, model_samplerate=tokenizer.config.sample_rate,
                         max_context_s=self._prepared.checkpoint.config.max_prompt_s)  # fmt: skip
        context = clip.context[len(clip.context) % tokenizer.config.hop_length :]
        tokens = tokenizer.encode(torch.from_numpy(context)[None].to(self.runtime.device))[0]
        return clip, tokens.tolist()

    def _tokens(self, request: GenerationRequest, condition: Condition, heard: list[int], renderer, cancelled) -> Iterator[int]:
        """All tokens of the piece. Past the length the language model was trained on, it goes on from the latter half of what it made."""
        config = self._prepared.checkpoint.config
        wanted = -(-request.frames(renderer.samplerate) * config.wavtokenizer.sample_rate // (renderer.samplerate * config.wavtokenizer.hop_length))
        generator = torch.Generator().manual_seed(request.seed)
        history, made = list(heard), 0
        condition = replace(condition, **{name: getattr(condition, name).to(self.runtime.device) for name in ("text", "time_start", "time_end", "section")})
        while made < wanted and not cancelled():
            room = config.max_tokens - len(history) if config.max_tokens else wanted
            count = min(wanted - made, max(room, config.max_tokens // 4))
            prompt = torch.tensor([history], device=self.runtime.device) if history else None
            generation = self._prepared.decoder.start(condition, audio_prompt=prompt, max_tokens=count, guidance=request.guidance, generator=generator)
            for token in generate_tokens(generation, min_tokens=count, max_tokens=count, top_k=request.top_k, temperature=request.temperature,
                                         generator=generator, cancelled=cancelled):  # fmt: skip
                history.append(token)
                made += 1
                yield token
            history = history[-(config.max_tokens // 2) :] if config.max_tokens else history

    def _warm_up(self) -> None:
        """A few tokens and one short window of each path, so that the first request does not pay for allocation and kernel choice."""
        request = GenerationRequest(prompt="warm up", duration_s=0.5, seed=0, decode="fast" if self._prepared.checkpoint.flow is None else "full")
        condition = build_condition(self._encode_text(request.prompt), request)
        renderer = self._renderer(request, lambda: False)
        tokens = list(self._tokens(request, condition, [], renderer, lambda: False))
        renderer.render(tokens, 0, len(tokens), ended=True)


class _Take:
    """The audio of one result: levels, join, exact length, chunk numbers."""

    def __init__(self, request: GenerationRequest, renderer: FastRenderer | FullRenderer, clip: Clip | None, heard: list[int]):
        self.samplerate = renderer.samplerate
        self.wanted = request.frames(self.samplerate)
        self.fade_s = LOOP_FADE_S if request.bars is not None else PIECE_FADE_S
        self.clip = clip
        self.hop = round(self.samplerate / renderer.token_rate)
        self.lead_in = min(len(heard), -(-round(JOIN_S * self.samplerate) // self.hop)) if clip else 0
        self.decoder = StreamingDecoder(renderer, ChunkPlan(), lead=heard, lead_in=self.lead_in)
        self.gain = _source_gain(renderer, heard, clip) if clip else 1.0
        self.repeats_source = clip is not None and request.join == "append"
        self.index = self.frames = self.new_frames = 0
        self._joined = clip is None
        self._heard: list[np.ndarray] = []  # mono, for the measurements at the end

    def begin(self) -> Iterator[AudioChunk]:
        """The source up to where the cross-fade begins, when the result repeats it."""
        if self.repeats_source:
            yield self._chunk(self.clip.prefix[: -self._overlap()])

    def push(self, token: int) -> AudioChunk | None:
        audio = self.decoder.push(token)
        return None if audio is None else self._new(audio, last=False)

    def finish(self) -> Iterator[AudioChunk]:
        for audio in self.decoder.finish():
            yield self._new(audio, last=self.decoder.done == len(self.decoder.tokens))

    def _overlap(self) -> int:
        return min(self.lead_in * self.hop, len(self.clip.prefix))

    def _new(self, audio: np.ndarray, *, last: bool) -> AudioChunk:
        """Newly rendered mono audio [N] as a chunk: at the source's level, joined, cut to length, faded at the very end."""
        samples = np.repeat((audio * self.gain)[:, None], self.clip.channels if self.clip else 1, axis=1).astype(np.float32)
        lead = 0
        if not self._joined:
            lead = self.lead_in * self.hop
            overlap = self._overlap()
            if self.repeats_source:
                samples = np.concatenate([crossfade(self.clip.prefix[-overlap:], samples[lead - overlap : lead]), samples[lead:]])
                lead = overlap
            else:
                samples, lead = samples[lead:], 0
            self._joined = True
        samples = soft_limit(samples[: lead + self.wanted - self.new_frames])
        self.new_frames += len(samples) - lead
        if last:
            samples = fade_out(samples, self.samplerate, min(self.fade_s, len(samples) / self.samplerate))
        return self._chunk(samples)

    def _chunk(self, samples: np.ndarray) -> AudioChunk:
        chunk = AudioChunk(self.index, self.frames, self.samplerate, samples)
        self.index += 1
        self.frames += len(samples)
        self._heard.append(samples.mean(1))
        return chunk

    def measure(self, request: GenerationRequest) -> dict:
        """What the result turned out to be, for the sidecar."""
        audio = np.concatenate(self._heard) if self._heard else np.zeros(0, np.float32)
        new = audio[len(audio) - self.new_frames :]
        facts: dict = {"level_db": round(rms_db(new), 1), "peak": round(float(np.abs(new).max(initial=0)), 3)}
        low = soxr.resample(new, self.samplerate, 12_000) if len(new) else new
        if (bpm := measure_bpm(low, 12_000, near=asked_bpm(request))) is not None:
            facts["bpm"] = round(bpm, 2)
        if len(new) >= self.samplerate:
            tonic, mode = measure_key(low, 12_000)
            facts["key"] = f"{NOTE_NAMES[tonic]} {mode}"
        asked = {"asked_bpm": asked_bpm(request)} if asked_bpm(request) else {}
        if (key := asked_key(request)) is not None:
            asked["asked_key"] = f"{NOTE_NAMES[key[0]]} {key[1]}"
        if self.repeats_source and self.new_frames:
            facts |= {f"join_{name}": value for name, value in join_report(audio, self.samplerate, len(audio) - self.new_frames).items()}
        if self.clip is not None:
            facts |= {"from_s": round(self.clip.from_s, 6), "clip_s": round(self.clip.duration_s, 6)}
        return facts | asked


@torch.inference_mode()
def _source_gain(renderer: FastRenderer | FullRenderer, heard: list[int], clip: Clip) -> float:
    """Linear gain from the model's rendering of the clip's last two seconds to the clip itself: what it plays next enters at that level."""
    frames = min(len(heard), round(2 * renderer.token_rate))
    tail = clip.prefix[-round(frames / renderer.token_rate * renderer.samplerate) :].mean(1)
    own = renderer.preview(heard[-frames:])
    return float(10 ** (np.clip(rms_db(tail) - rms_db(own), -GAIN_LIMIT_DB, GAIN_LIMIT_DB) / 20))
