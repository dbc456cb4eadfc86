"""The codec chain on its own: held-out music through each part of it, and through Opus."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from engine.acceleration import Prepared
from engine.arrays import Audio, FloatArray
from engine.corpus.dataset import SAMPLE_RATE, Corpus
from engine.evaluation.excerpts import RATE, WINDOW_S, section_start_s
from engine.evaluation.measures import beat_of_frames, log_mel_distance_db, movement_of_highs
from engine.evaluation.results import Result
from engine.models.codec import AudioCodec
from engine.rendering.windows import FastRenderer, FullRenderer

FAST, FULL, CODEC, OPUS = "tokens, fast path", "tokens, full path", "48 kHz codec alone", "Opus at 6 kb/s"
OPUS_12 = "Opus at 12 kb/s"
OPUS_KBPS = {OPUS: 6, OPUS_12: 12}
UNCODED = "uncoded"


def codec_trial(prepared: Prepared, held_out: Corpus) -> list[Result]:
    """Log-mel distance of held-out choruses to themselves after each way of coding, and whether its frame rate is audible."""
    known = ways(prepared)
    movements: dict[str, list[FloatArray]] = {}
    to_12_khz: dict[str, list[float]] = {}
    to_24_khz: dict[str, list[float]] = {}
    for name in held_out.names:
        start = round(section_start_s(held_out.facts[name], "chorus") * SAMPLE_RATE)
        original = held_out.read(name, start, round(WINDOW_S * SAMPLE_RATE))
        movements.setdefault(UNCODED, []).append(movement_of_highs(original, SAMPLE_RATE))
        for way in known:
            decoded = recode(prepared, original, way)
            movements.setdefault(way, []).append(movement_of_highs(decoded, SAMPLE_RATE))
            to_12_khz.setdefault(way, []).append(log_mel_distance_db(decoded, original, SAMPLE_RATE))
            to_24_khz.setdefault(way, []).append(log_mel_distance_db(decoded, original, SAMPLE_RATE, top_hz=24_000.0))
    mean = {way: float(np.mean(values)) for way, values in to_12_khz.items()}
    bar = mean.get(OPUS)
    note = "bar: Opus at 6 kb/s on the same clips" if bar else "Opus not measured: install ffmpeg with libopus"
    results = []
    for way, value in mean.items():
        judged = way in (FAST, FULL)
        results.append(
            Result(f"log-mel distance to 12 kHz: {way}", value, "dB", bar if judged else None, at_most=True,
                   count=len(held_out.names), note=note if judged else "")
        )  # fmt: skip
    if FULL in to_24_khz:
        full, fast = float(np.mean(to_24_khz[FULL])), float(np.mean(to_24_khz[FAST]))
        name = "log-mel distance to 24 kHz: tokens, full path"
        results.append(
            Result(name, full, "dB", fast, at_most=True, count=len(held_out.names), note="bar: without flow and codec")
        )
    beats = {way: beat_of_frames(np.mean(found, 0), prepared.checkpoint.config.token_rate) for way, found in movements.items()}
    return results + [
        Result(f"highs that beat with the frames: {way}", beats[way], "×", count=len(held_out.names),
               note=f"as strongly as at rates around; {beats[UNCODED]:.1f} in the music itself")
        for way in known if way in (FAST, FULL)
    ]  # fmt: skip


def ways(prepared: Prepared) -> tuple[str, ...]:
    """The ways of coding that this model and machine have."""
    own = (FAST,) if prepared.checkpoint.flow is None else (FAST, FULL, CODEC)
    return (*own, *OPUS_KBPS) if through_opus(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE, 6) is not None else own


def through(prepared: Prepared, way: str) -> Callable[[Audio], Audio]:
    """`recode` of audio [N] at RATE."""

    def change(audio: Audio) -> Audio:
        recoded: Audio = soxr.resample(recode(prepared, soxr.resample(audio, RATE, SAMPLE_RATE), way), SAMPLE_RATE, RATE)
        return recoded

    return change


@torch.inference_mode()
def recode(prepared: Prepared, original: Audio, way: str) -> Audio:
    """48 kHz mono audio [N] coded and decoded: [N] at 48 kHz. way: one of `ways(prepared)`."""
    if way in OPUS_KBPS:
        coded = through_opus(original, SAMPLE_RATE, OPUS_KBPS[way])
        assert coded is not None, "`ways` names Opus only where ffmpeg has it"
        return coded
    checkpoint, device = prepared.checkpoint, prepared.runtime.device
    codec: AudioCodec | None = checkpoint.hifi_codec if way == CODEC else checkpoint.wavtokenizer
    assert codec is not None, "`ways` names the 48 kHz codec only where the model has one"
    audio = torch.from_numpy(soxr.resample(original, SAMPLE_RATE, codec.samplerate))[None].to(device)
    codes, vectors = codec.quantize(codec.encode_features(audio))
    if way == CODEC:
        decoded, rate = codec.decode_features(vectors)[0].float().cpu().numpy(), codec.samplerate
    else:
        renderer = FullRenderer(prepared, 0) if way == FULL else FastRenderer(prepared)
        tokens = codes[0].tolist()
        rendered = renderer.render(tokens, 0, len(tokens), ended=True)
        assert rendered is not None, "nothing cancels it"
        decoded, rate = rendered, renderer.samplerate
    return _fit(soxr.resample(decoded, rate, SAMPLE_RATE), len(original))


def through_opus(audio: Audio, samplerate: int, kbps: int) -> Audio | None:
    """Mono audio [N] coded by ffmpeg's libopus and decoded again; None where there is no ffmpeg with it."""
    with tempfile.TemporaryDirectory() as folder:
        source, coded, target = (str(Path(folder, name)) for name in ("source.wav", "coded.opus", "target.wav"))
        soundfile.write(source, audio, samplerate)
        quiet = ["ffmpeg", "-loglevel", "error", "-y", "-i"]
        try:
            subprocess.run([*quiet, source, "-c:a", "libopus", "-b:a", f"{kbps}k", coded], check=True, capture_output=True)
            subprocess.run([*quiet, coded, "-ar", str(samplerate), "-c:a", "pcm_f32le", target], check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            return None
        decoded, _ = soundfile.read(target, dtype="float32")
    return _fit(decoded, len(audio))


def _fit(audio: Audio, frames: int) -> Audio:
    return np.pad(audio, (0, max(0, frames - len(audio))))[:frames]
