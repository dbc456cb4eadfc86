"""The two tasks that take a clip and no words.

reconstruct: clip → codes → audio, by HiFi-Codec (decode full) or WavTokenizer (decode fast): what a model's codec makes of music.
upsample: clip → WavTokenizer's tokens → flow matching → 48 kHz. With timbre `clip` the recording stays as it is up to where its
spectrum ends, and the model adds what is above; with `model` all is the model's. Channels are processed one by one, with one
noise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from engine.acceleration import Prepared, Stopwatch
from engine.api import (
    AudioChunk,
    Event,
    Finished,
    GenerationReport,
    GenerationRequest,
    ModelReport,
    Progress,
    RequestError,
    VariationReport,
)
from engine.arrays import Audio
from engine.continuation.clip import Clip, read_clip
from engine.models.codec import AudioCodec
from engine.music.analysis import key_name
from engine.music.channels import to_mono
from engine.music.level import rms_db_without_dc
from engine.rendering.level import soft_limit
from engine.rendering.measurement import Meter
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer, Renderer, StreamingDecoder
from engine.resynthesis.bands import FULL_BAND_HZ, HighPass, band_db, upper_edge
from engine.resynthesis.codes import CodesRenderer, encode_in_windows

PROBE_S = 3.0  # of the loudest of a clip, rendered first: it gives the level at which the model plays it
GAIN_LIMIT_DB = 24.0


@dataclass(frozen=True, eq=False)
class _Encoded:
    """The clip, and its channels' codes."""

    clip: Clip
    codes: list[list[Any]]
    edge_hz: float | None  # where the recording ends and the model begins; None: all is the model's


class Resynthesis:
    """One request of a task, on one loaded model."""

    def __init__(self, prepared: Prepared, request: GenerationRequest, plan: ChunkPlan, cancelled: Callable[[], bool]) -> None:
        """Raises RequestError where the model lacks what the task needs."""
        self._prepared, self._request, self._plan, self._cancelled = prepared, request, plan, cancelled
        checkpoint = prepared.checkpoint
        config, name = checkpoint.config, request.model
        if request.task == "upsample":
            if request.decode == "fast":
                raise RequestError("upsample is what flow matching does: leave decode away")
            if config.hifi_codec is None:
                raise RequestError(f"model {name} has no flow matching, so it cannot upsample: choose one that has")
            if config.hifi_codec.sampling_rate < 2 * config.wavtokenizer.sample_rate:
                rate = config.hifi_codec.sampling_rate
                raise RequestError(f"model {name} plays at {rate} Hz, so it cannot upsample: choose one that plays at 48000")
        elif config.hifi_codec is None and request.decode == "full":
            raise RequestError(f"model {name} has no flow matching and no codec that goes with it: set decode to fast")
        self._codec: AudioCodec = checkpoint.wavtokenizer
        if request.task == "reconstruct" and request.decode == "full":
            assert checkpoint.hifi_codec is not None
            self._codec = checkpoint.hifi_codec
        self.samplerate = self._renderer().samplerate

    def run(self, model: ModelReport, loaded_s: float, watch: Stopwatch) -> Iterator[Event]:
        clip = read_clip(self._request, samplerate=self.samplerate, model_samplerate=self.samplerate, max_context_s=1.0)
        wanted, total_s = len(clip.prefix), len(clip.prefix) / self.samplerate
        encoded = yield from self._encode(clip, total_s)
        meter, done, index, first_chunk_s = Meter(self.samplerate), 0, 0, None
        for samples in self._samples(encoded) if encoded is not None else ():
            samples = soft_limit(samples[: wanted - done])
            if not len(samples):
                continue
            if not index:
                yield Progress("generating", 0.0, total_s)
            meter.add(samples)
            first_chunk_s = first_chunk_s or watch()
            yield AudioChunk(index, done, self.samplerate, samples)
            done, index = done + len(samples), index + 1
            yield Progress("generating", done / self.samplerate, total_s)
        report = self._report(clip, encoded, meter, model, loaded_s, watch, first_chunk_s)
        yield Finished(done, self.samplerate, done < wanted, report)

    def _encode(self, clip: Clip, total_s: float) -> Generator[Progress, None, _Encoded | None]:
        """Encodes the clip; gives None, as a generator does, where it is cancelled."""
        edge_hz = None
        if self._request.task == "upsample" and self._request.timbre != "model":
            edge_hz = upper_edge(to_mono(clip.prefix), self.samplerate, clip.recorded_at)
        codes: list[list[Any]] = []
        for channel in clip.prefix.T if edge_hz is None or edge_hz < FULL_BAND_HZ else ():
            level = self._to_model_level(clip)
            audio = soxr.resample(channel * level, self.samplerate, self._codec.samplerate, "VHQ")
            mine: list[Any] = []
            for window in encode_in_windows(self._codec, audio, self._prepared.runtime.device):
                if self._cancelled():
                    return None
                mine += list(window) if window.dim() == 2 else window.tolist()
                share = (len(codes) + len(mine) * self._codec.hop_length / max(len(audio), 1)) / clip.channels
                yield Progress("listening", min(1.0, share) * total_s, total_s)
            codes.append(mine)
        return _Encoded(clip, codes, edge_hz)

    def _samples(self, encoded: _Encoded) -> Iterator[Audio]:
        """The result as float32 (frames, channels), chunk by chunk; fewer where it is cancelled."""
        if not encoded.codes:  # it lacks nothing
            yield encoded.clip.prefix
            return
        gain, done = np.float32(10 ** (self._gain_db(encoded) / 20)), 0
        if encoded.edge_hz is None:
            for audio, _ in self._rendered(encoded.codes):
                yield audio * gain
            return
        highs = HighPass(encoded.edge_hz, self.samplerate, encoded.clip.channels)
        for audio, last in self._rendered(encoded.codes):
            added = highs.push(audio * gain, last=last)
            own = encoded.clip.prefix[done : done + len(added)]
            done += len(own)
            yield own + added[: len(own)]

    def _rendered(self, codes: list[list[Any]]) -> Iterator[tuple[Audio, bool]]:
        """All channels' audio, (frames, channels), and whether it is the last."""
        decoders = [StreamingDecoder(self._renderer(), self._plan) for _ in codes]
        count = len(codes[0])
        for number in range(count):
            if self._cancelled():
                return
            pieces = [decoder.push(own[number]) for decoder, own in zip(decoders, codes, strict=True)]
            if (audio := _together(pieces)) is not None:
                yield audio, False
        for pieces_at_end in zip(*(decoder.finish() for decoder in decoders), strict=False):
            if (audio := _together([*pieces_at_end])) is not None:
                yield audio, decoders[0].done == count

    def _gain_db(self, encoded: _Encoded) -> float:
        """From the level at which the model plays the clip to the clip's, by the loudest moment of it."""
        hop = round(self.samplerate / self._renderer().token_rate)
        size = min(round(PROBE_S * self.samplerate / hop), len(encoded.codes[0]))
        mono = to_mono(encoded.clip.prefix)
        blocks = len(mono) // hop
        energy = np.add.reduceat(np.square(mono[: blocks * hop], dtype=np.float64), np.arange(0, blocks * hop, hop))
        summed = np.convolve(energy, np.ones(min(size, blocks)), "valid")
        begin = int(summed.argmax())
        begin -= begin % self._views
        probe = [own[begin : begin + size] for own in encoded.codes]
        played = [audio for audio, _ in self._rendered(probe)]
        if not played:
            return 0.0
        own, other = mono[begin * hop : (begin + size) * hop], to_mono(np.concatenate(played))
        if encoded.edge_hz is None:
            difference = rms_db_without_dc(own) - rms_db_without_dc(other)
        else:
            band = (encoded.edge_hz / 2, 0.9 * encoded.edge_hz)
            difference = band_db(own, self.samplerate, *band) - band_db(other, self.samplerate, *band)
        return float(np.clip(difference, -GAIN_LIMIT_DB, GAIN_LIMIT_DB))

    @property
    def _views(self) -> int:
        return self._codec.views

    def _to_model_level(self, clip: Clip) -> np.float32:
        """Linear gain to the level that the token encoder learnt from, where the model says one."""
        level_db = self._prepared.checkpoint.config.level_db
        if level_db is None or self._codec is not self._prepared.checkpoint.wavtokenizer:
            return np.float32(1)
        return np.float32(10 ** ((level_db - rms_db_without_dc(clip.prefix)) / 20))

    def _renderer(self) -> Renderer:
        if self._request.decode == "fast":
            return FastRenderer(self._prepared)
        if self._request.task == "reconstruct":
            return CodesRenderer(self._prepared)
        return FullRenderer(self._prepared, self._request.seed_of(1), self._cancelled)

    def _report(
        self, clip: Clip, encoded: _Encoded | None, meter: Meter, model: ModelReport, loaded_s: float, watch: Stopwatch,
        first_chunk_s: float | None,
    ) -> GenerationReport:  # fmt: skip
        request, seconds = self._request, meter.frames / self.samplerate
        bpm, key = meter.music(near_bpm=request.bpm)
        edge_hz = encoded.edge_hz if encoded else None
        notes: tuple[str, ...] = ()
        if edge_hz is not None and edge_hz >= FULL_BAND_HZ:
            notes = (f"the clip reaches {edge_hz / 1000:.0f} kHz already: nothing was added",)
        variation = VariationReport(
            seed=request.seed_of(1),
            frames=meter.frames,
            level_db=round(meter.level_db, 1),
            peak=round(meter.peak, 3),
            bpm=None if bpm is None else round(bpm, 2),
            key=None if key is None else key_name(key),
            timbre=None if request.task == "reconstruct" else request.timbre or "clip",
            clip_s=round(clip.duration_s, 6),
            clip_gain_db=round(clip.gain_db, 2) if clip.gain_db else None,
            edge_hz=edge_hz,
        )
        return GenerationReport(
            model=model, seed=request.seed_of(1), guidance=0.0, top_k=0, temperature=0.0, caption="", decode=request.decode,
            new_s=round(seconds, 6), elapsed_s=round(watch(), 3), first_chunk_s=round(first_chunk_s or watch(), 3),
            rtf=round((watch() - loaded_s) / seconds, 3) if seconds else 0.0, beats_per_bar=request.beats_per_bar,
            beat_unit=request.beat_unit, notes=notes, variations=(variation,),
        )  # fmt: skip


def _together(pieces: list[Audio | None]) -> Audio | None:
    """Mono audio of each channel as (frames, channels); None where there is none, or cancelled in one of them."""
    there = [piece for piece in pieces if piece is not None]
    return np.stack(there, axis=1).astype(np.float32) if there and len(there) == len(pieces) else None
