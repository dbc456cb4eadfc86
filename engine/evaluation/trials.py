"""Trials of generation from prompts: each measures one thing about a model and gives one or more rows of the report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
import soxr

from engine.api import AudioChunk, Engine, Finished, GenerationReport, GenerationRequest
from engine.arrays import Audio
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus
from engine.evaluation import measures
from engine.evaluation.classifier import Attributes, MusicClassifier
from engine.evaluation.excerpts import RATE, WINDOW_S, read_section, with_key
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.prompts import Prompt
from engine.evaluation.results import Result, Row, share
from engine.evaluation.takes import Take, TakeFolder
from engine.music.analysis import measure_bpm, measure_key
from engine.pipeline import Pipeline

GENERATED_S = 10.0
PLAYED_S = 12.0  # of a prompt whose sound and steadiness are measured


@dataclass(frozen=True)
class ModelUnderTest:
    """The model that is evaluated, and the path that it is played on. `guidance`: its own, where a request gives none; `takes`:
    where what was played is kept, None: every request is played.
    """

    engine: Engine
    model: str
    decode: str  # "full" or "fast"
    guidance: float | None = None
    takes: TakeFolder | None = None

    def play(self, **request: Any) -> tuple[Audio, int, GenerationReport]:
        """A request's result: mono audio [N], its rate in Hz, and what the engine reports."""
        if "clip" in request:
            request.setdefault("timbre", "model")  # it is the model that is measured
        audio, rate, report = self.play_channels(**request)
        return audio.mean(1), rate, report

    def play_channels(self, **request: Any) -> tuple[Audio, int, GenerationReport]:
        """As a user gets it: (frames, channels)."""
        take = self.take(**request)
        return take.audio, take.samplerate, take.report

    def take(self, **request: Any) -> Take:
        """The take of that request that is kept, else one that is played now and kept. Its report's times are of its playing."""
        asked = GenerationRequest(**({"model": self.model, "decode": self.decode} | request))
        if asked.clip is None and asked.guidance is None:
            asked = replace(asked, guidance=self.guidance)
        takes = self.takes if asked.seed is not None else None  # one without a seed is another each time
        take = takes.find(asked) if takes is not None else None
        if take is None:
            take = self._played(asked)
            if takes is not None:
                takes.keep(asked, take)
        return take

    def beside(self, name: str) -> ModelUnderTest:
        """Another model, played in the same way with a guidance of its own."""
        return self if name == self.model else replace(self, model=name, guidance=None)

    def _played(self, request: GenerationRequest) -> Take:
        chunks: list[Audio] = []
        tokens: list[int] = []
        report: GenerationReport | None = None
        rate = 0
        engine = self.engine
        if isinstance(engine, Pipeline):
            engine.on_tokens = lambda drawn: tokens.append(drawn[0])
        try:
            for event in engine.generate(request, lambda: False):
                match event:
                    case AudioChunk():
                        chunks.append(event.samples)
                        rate = event.samplerate
                    case Finished():
                        report = event.report
        finally:
            if isinstance(engine, Pipeline):
                engine.on_tokens = None
        assert report is not None, "a generation ends with Finished"
        return Take(np.concatenate(chunks), rate, report, tuple(tokens))


def classify(classifier: MusicClassifier | None, audio: Audio, samplerate: int) -> Attributes:
    """Without a classifier only tempo and key are measured, the tempo's octave by preference for the usual."""
    if classifier is not None:
        return classifier.classify(audio, samplerate)
    low = soxr.resample(audio, samplerate, RATE)
    return Attributes("", 0.0, measure_bpm(low, RATE), measure_key(low, RATE))


def classifier_accuracy(
    classifier: MusicClassifier, held_out: Corpus, change: Callable[[Audio], Audio] | None = None
) -> dict[str, float]:
    """How often the classifier is right about real held-out recordings, in percent.

    "section": how often an intro really is softer and sparser than its chorus. `change` is done to each recording first, at RATE.
    """
    hits: dict[str, list[bool]] = {"style": [], "drums": [], "tempo": [], "key": [], "section": []}
    for number, name in enumerate(with_key(held_out)):
        facts, rng = held_out.facts[name], np.random.default_rng(number)
        (intro, intro_section), (chorus, section) = (read_section(held_out, name, label, rng) for label in ("intro", "chorus"))
        if change is not None:
            intro, chorus = change(intro), change(chorus)
        found = classifier.classify(chorus, RATE)
        hits["style"].append(found.style == facts["style"])
        hits["drums"] += [(found.drums > 0) == ("drums" in section["layers"])]
        hits["drums"] += [(classifier.classify(intro, RATE).drums > 0) == ("drums" in intro_section["layers"])]
        hits["tempo"].append(tempo_met(found.bpm, facts["bpm"]))
        hits["key"].append(key_met(found.key, (facts["key"], facts["mode"])))
        hits["section"].append(is_below(intro, chorus, RATE))
    return {name: 100 * float(np.mean(values)) for name, values in hits.items()}


def is_below(intro: Audio, chorus: Audio, samplerate: int) -> bool:
    """Softer and with fewer onsets."""
    softer = measures.loudness_db(intro, samplerate) < measures.loudness_db(chorus, samplerate)
    return softer and measures.onset_density(intro, samplerate) < measures.onset_density(chorus, samplerate)


def prompt_trial(
    model: ModelUnderTest, prompts: list[Prompt], classifier: MusicClassifier | None, accuracy: dict[str, float]
) -> list[Result]:
    """Plays every prompt as a chorus and as an intro."""
    rows: list[Row] = []
    for seed, prompt in enumerate(prompts):
        common = {"prompt": prompt.text, "seed": seed, "duration_s": GENERATED_S}
        chorus, rate, _ = model.play(section="chorus", **common)
        intro, _, _ = model.play(section="intro", **common)
        found = classify(classifier, chorus, rate)
        rows.append({
            "prompt": prompt.text, "asked_bpm": prompt.bpm, "bpm": found.bpm, "asked_key": prompt.key, "key": found.key,
            "asked_style": prompt.style, "style": found.style, "asked_drums": prompt.drums, "drums": round(found.drums, 3),
            "intro_db": measures.loudness_db(intro, rate), "chorus_db": measures.loudness_db(chorus, rate),
            "intro_onsets": measures.onset_density(intro, rate), "chorus_onsets": measures.onset_density(chorus, rate),
            "silence_s": measures.longest_silence_s(chorus, rate),
        })  # fmt: skip
    notes = {name: f"right on {value:.0f} % of real held-out pieces" for name, value in accuracy.items()}
    if classifier is None:
        octaves = [any(tempo_met(r["bpm"], r["asked_bpm"] * factor) for factor in (0.5, 1.0, 2.0)) for r in rows]
        notes["tempo"] = f"{100 * np.mean(octaves):.0f} % with half and double time, which need --corpus to be told apart"
    results = [
        share(
            "asked tempo met within 2 %", (tempo_met(r["bpm"], r["asked_bpm"]) for r in rows), 90, notes.get("tempo", ""), rows
        ),
        share("asked key met", (key_met(r["key"], r["asked_key"]) for r in rows), 80, notes.get("key", "")),
    ]
    if classifier is not None:
        results += [
            share("asked style recognised", (r["style"] == r["asked_style"] for r in rows), 80, notes.get("style", "")),
            share("drums as asked", ((r["drums"] > 0) == r["asked_drums"] for r in rows), 90, notes.get("drums", "")),
        ]
    below = (r["intro_db"] < r["chorus_db"] and r["intro_onsets"] < r["chorus_onsets"] for r in rows)
    note = f"so in {accuracy['section']:.0f} % of real held-out pieces" if accuracy else ""
    results += [
        share("intro softer and sparser than its chorus", below, 80, note),
        Result("longest silence", max(r["silence_s"] for r in rows), "s", 2.0, at_most=True, count=len(rows)),
    ]
    return results


def distribution_trial(
    model: ModelUnderTest, held_out: Corpus, classifier: MusicClassifier, count: int,
    reconstruct: Callable[[Audio], Audio],
) -> Result:  # fmt: skip
    """Fréchet distance of what held-out captions make to the music they are of, against that of the same music after the codec.

    Beside it that of other held-out music. `reconstruct` takes and gives audio [N] at RATE.
    """
    rng, sections = np.random.default_rng(0), cycle(("verse", "chorus"))
    names = [held_out.names[i] for i in rng.permutation(len(held_out.names))]
    real, made = [], []
    for seed, (name, label) in enumerate(zip(names[: 2 * count], sections, strict=False)):
        audio, section = read_section(held_out, name, label, rng)
        real.append(audio)
        if seed < count:
            words = caption(held_out.facts[name], section["layers"], rng)
            played, rate, _ = model.play(prompt=words, section=label, duration_s=WINDOW_S, seed=seed)
            made.append(soxr.resample(played, rate, RATE))
    groups = (real[:count], [reconstruct(audio) for audio in real[:count]], made, real[count:])
    clouds = [np.concatenate([classifier.embed(audio, RATE) for audio in group]) for group in groups if group]
    codec, model_distance, *other = (measures.frechet_distance(cloud, clouds[0]) for cloud in clouds[1:])
    note = f"{model_distance:.1f} against {codec:.1f} after the codec"
    note += f"; {other[0]:.1f} between it and other held-out music" if other else ""
    name = "Fréchet distance to held-out music, times the codec's"
    return Result(name, model_distance / codec, "×", 2.0, at_most=True, count=len(made), note=note)


def long_form_trial(model: ModelUnderTest, seconds: float) -> list[Result]:
    """One long piece on the fast path: it must not fall silent, get stuck, or lose its tempo."""
    bpm = 124
    audio, rate, _ = model.play(prompt=f"house, {bpm} bpm, A minor", duration_s=seconds, seed=1, decode="fast")
    audio = soxr.resample(audio, rate, RATE)
    measured = measure_bpm(audio, RATE, near=bpm) or bpm
    repeats = measures.most_repeats(audio, RATE, 16 * 60 / measured)
    minutes = f"{seconds / 60:g} min"
    return [
        Result(f"{minutes}: longest silence", measures.longest_silence_s(audio, RATE), "s", 2.0, at_most=True),
        Result(f"{minutes}: repeats of the same four bars", repeats, "", 8, at_most=True),
        Result(f"{minutes}: tempo drift", 100 * measures.tempo_drift(audio, RATE, measured), "%", 2.0, at_most=True),
    ]


def speed_trial(model: ModelUnderTest, paths: tuple[str, ...]) -> list[Result]:
    """A warm engine's speed on this machine, as busy as it is, and the processor's work: played now, whatever is kept."""
    results = []
    model, seconds = replace(model, takes=None), 20.0
    for decode in paths:
        begun = time.process_time()
        report = model.play(prompt="house, 124 bpm, A minor", duration_s=seconds, seed=1, decode=decode)[2]
        work = (time.process_time() - begun) / seconds
        bar = {"full": 0.35, "fast": 0.15}[decode]
        note = f"{report.model.device}; elapsed, so it depends on what else runs{_load()}"
        results.append(Result(f"real-time factor, {decode} path", report.rtf, "", bar, at_most=True, note=note))
        results.append(Result(f"processor's work for a second of audio, {decode} path", work, "s", note="all threads together"))
        results.append(Result(f"first sound, {decode} path", report.first_chunk_s, "s", note="elapsed"))
    return results


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return ""
    return f": {os.getloadavg()[0]:.1f} processes wanted a core in the last minute, of {os.cpu_count()} cores"
