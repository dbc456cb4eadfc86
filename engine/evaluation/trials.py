"""The trials: what the model is put through, and the result of each as one or more rows of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import cycle, permutations
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.api import AudioChunk, Engine, Finished, GenerationRequest
from engine.continuation.clip import MIN_CLIP_S
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus
from engine.evaluation import measures
from engine.evaluation.listener import (
    RATE,
    WINDOW_S,
    Heard,
    Listener,
    has_key,
    read_section,
    section_end_s,
    section_of,
    section_start_s,
)
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.prompts import Prompt
from engine.music.analysis import measure_bpm, measure_key, onset_envelope
from engine.rendering.level import rms_db

GENERATED_S = 10.0
RHYTHMIC = 0.07  # deviation of the onset envelope: soft percussion has 0.09, a piano 0.05, a drone 0.01
LOOP_TAKES = 3
MEASURED_S = 8.0  # a shorter loop is measured as it is played, round and round
HEARD_ALONE_S = 3.2  # from which on a loop's beat can be heard without


@dataclass(frozen=True)
class Result:
    """One row of the report. `bar` None: reported, not judged. `value` None: not measured, `note` says why."""

    name: str
    value: float | None
    unit: str = ""
    bar: float | None = None
    at_most: bool = False  # the bar is a ceiling, not a floor
    count: int | None = None  # of clips or prompts
    note: str = ""
    details: list[dict] = field(default_factory=list)

    @property
    def met(self) -> bool | None:
        if self.value is None or self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def share(name: str, hits: Iterable[bool], bar: float | None = None, note: str = "", details: list[dict] | None = None) -> Result:
    """How many of `hits`, in percent, against `bar` percent if there is one."""
    hits = list(hits)
    value = 100 * float(np.mean(hits)) if hits else None
    return Result(
        name, value, "%", bar, count=len(hits), note=note or ("" if hits else "nothing to measure"), details=details or []
    )


def generate(engine: Engine, **request) -> tuple[np.ndarray, int, dict]:
    """Mono audio [N], its rate in Hz, and the engine's own facts."""
    if "clip" in request:
        request.setdefault("timbre", "model")  # it is the model that is measured
    chunks, facts, rate = [], {}, 0
    for event in engine.generate(GenerationRequest(**request), lambda: False):
        match event:
            case AudioChunk():
                chunks.append(event.samples.mean(1))
                rate = event.samplerate
            case Finished():
                facts = event.facts
    return np.concatenate(chunks), rate, facts


def hear(listener: Listener | None, audio: np.ndarray, samplerate: int) -> Heard:
    """Without a listener only tempo and key are heard, the tempo's octave by preference for the usual."""
    if listener is not None:
        return listener.hear(audio, samplerate)
    low = soxr.resample(audio, samplerate, RATE)
    return Heard("", 0.0, measure_bpm(low, RATE), measure_key(low, RATE))


def listener_accuracy(
    listener: Listener, held_out: Corpus, change: Callable[[np.ndarray], np.ndarray] | None = None
) -> dict[str, float]:
    """How often the listener is right about real held-out recordings, in percent.

    "section": how often an intro really is softer and sparser than its chorus. `change` is done to each recording first, at RATE.
    """
    hits: dict[str, list[bool]] = {"style": [], "drums": [], "tempo": [], "key": [], "section": []}
    for number, name in enumerate(with_key(held_out)):
        facts, rng = held_out.facts[name], np.random.default_rng(number)
        (intro, intro_section), (chorus, section) = (read_section(held_out, name, label, rng) for label in ("intro", "chorus"))
        if change is not None:
            intro, chorus = change(intro), change(chorus)
        heard = listener.hear(chorus, RATE)
        hits["style"].append(heard.style == facts["style"])
        hits["drums"] += [(heard.drums > 0) == ("drums" in section["layers"])]
        hits["drums"] += [(listener.hear(intro, RATE).drums > 0) == ("drums" in intro_section["layers"])]
        hits["tempo"].append(tempo_met(heard.bpm, facts["bpm"]))
        hits["key"].append(key_met(heard.key, (facts["key"], facts["mode"])))
        hits["section"].append(is_below(intro, chorus, RATE))
    return {name: 100 * float(np.mean(values)) for name, values in hits.items()}


def with_key(corpus: Corpus) -> list[str]:
    """The pieces in which more than drums play."""
    return [name for name in corpus.names if has_key(corpus.facts[name])]


def is_below(intro: np.ndarray, chorus: np.ndarray, samplerate: int) -> bool:
    """Softer and with fewer onsets."""
    softer = measures.loudness_db(intro, samplerate) < measures.loudness_db(chorus, samplerate)
    return softer and measures.onset_density(intro, samplerate) < measures.onset_density(chorus, samplerate)


def prompt_trial(
    engine: Engine, model: str, prompts: list[Prompt], listener: Listener | None, decode: str, accuracy: dict[str, float]
) -> list[Result]:
    """Plays every prompt as a chorus and as an intro."""
    rows = []
    for seed, prompt in enumerate(prompts):
        common = {"prompt": prompt.text, "model": model, "seed": seed, "decode": decode}
        chorus, rate, _ = generate(engine, duration_s=GENERATED_S, section="chorus", **common)
        intro, _, _ = generate(engine, duration_s=GENERATED_S, section="intro", **common)
        heard = hear(listener, chorus, rate)
        rows.append({
            "prompt": prompt.text, "asked_bpm": prompt.bpm, "bpm": heard.bpm, "asked_key": prompt.key, "key": heard.key,
            "asked_style": prompt.style, "style": heard.style, "asked_drums": prompt.drums, "drums": round(heard.drums, 3),
            "intro_db": measures.loudness_db(intro, rate), "chorus_db": measures.loudness_db(chorus, rate),
            "intro_onsets": measures.onset_density(intro, rate), "chorus_onsets": measures.onset_density(chorus, rate),
            "silence_s": measures.longest_silence_s(chorus, rate),
        })  # fmt: skip
    said = {name: f"right on {value:.0f} % of real held-out pieces" for name, value in accuracy.items()}
    results = [
        share("asked tempo met within 2 %", (tempo_met(r["bpm"], r["asked_bpm"]) for r in rows), 90, said.get("tempo", ""), rows),
        share("asked key met", (key_met(r["key"], r["asked_key"]) for r in rows), 80, said.get("key", "")),
    ]
    if listener is not None:
        results += [
            share("asked style recognised", (r["style"] == r["asked_style"] for r in rows), 80, said.get("style", "")),
            share("drums as asked", ((r["drums"] > 0) == r["asked_drums"] for r in rows), 90, said.get("drums", "")),
        ]
    below = (r["intro_db"] < r["chorus_db"] and r["intro_onsets"] < r["chorus_onsets"] for r in rows)
    note = f"so in {accuracy['section']:.0f} % of real held-out pieces" if accuracy else ""
    results += [
        share("intro softer and sparser than its chorus", below, 80, note),
        Result("longest silence", max(r["silence_s"] for r in rows), "s", 2.0, at_most=True, count=len(rows)),
    ]
    return results


def continuation_trial(engine: Engine, model: str, held_out: Corpus, listener: Listener, decode: str, count: int) -> list[Result]:
    """Continues held-out pieces in mid-chorus, without a word."""
    rows = []
    for seed, name in enumerate(with_key(held_out)[:count]):
        facts = held_out.facts[name]
        own = {"from_s": _mid_chorus_s(facts), "model": model, "seed": seed, "decode": decode}
        audio, rate = _continue_piece(engine, held_out, name, **own)
        heard = listener.hear(audio, rate)
        rows.append({"clip": name, "style": facts["style"], "bpm": facts["bpm"], "continued_bpm": heard.bpm,
                     "key": (facts["key"], facts["mode"]), "continued_key": heard.key})  # fmt: skip
    tempo = (tempo_met(r["continued_bpm"], r["bpm"]) for r in rows)
    key = (key_met(r["continued_key"], r["key"]) for r in rows)
    return [
        share("continuation keeps its source's tempo within 2 %", tempo, 90, details=rows),
        share("continuation keeps its source's key", key, 90),
    ]


def turn_trial(engine: Engine, model: str, held_out: Corpus, listener: Listener, decode: str, count: int) -> list[Result]:
    """Asks for what a clip of a held-out piece does not play: drums after an intro without them, no drums in mid-chorus."""
    rows = []
    for seed, name in enumerate(with_key(held_out)[:count]):
        facts = held_out.facts[name]
        from_s, drums = _turn(facts, after_intro=seed % 2 == 0)
        own = {"from_s": from_s, "model": model, "seed": seed, "decode": decode}
        audio, rate = _continue_piece(engine, held_out, name, prompt="drums" if drums else "no drums", **own)
        heard = listener.hear(audio, rate)
        rows.append({
            "clip": name, "style": facts["style"], "asked_drums": drums, "turned": (heard.drums > 0) == drums,
            "in_time": tempo_met(heard.bpm, facts["bpm"]), "in_key": key_met(heard.key, (facts["key"], facts["mode"])),
        })  # fmt: skip
    return [
        _turned("drums asked for beside a clip without them come in", [row for row in rows if row["asked_drums"]]),
        _turned("drums denied beside a clip with them fall silent", [row for row in rows if not row["asked_drums"]]),
    ]


def _turned(name: str, rows: list[dict]) -> Result:
    tempo, key = (100 * np.mean([row[kind] for row in rows] or [0.0]) for kind in ("in_time", "in_key"))
    note = f"{tempo:.0f} % in its tempo, {key:.0f} % in its key" if rows else ""
    return share(name, (row["turned"] for row in rows), note=note, details=rows)


def _turn(facts: dict, *, after_intro: bool) -> tuple[float, bool]:
    """Where in a piece a clip ends whose words are to turn it, and whether to drums."""
    intro, chorus = section_of(facts, "intro")["layers"], section_of(facts, "chorus")["layers"]
    if after_intro and intro and "drums" not in intro and "drums" in chorus:
        return section_end_s(facts, "intro"), True
    return _mid_chorus_s(facts), "drums" not in chorus


def _continue_piece(engine: Engine, held_out: Corpus, name: str, **request) -> tuple[np.ndarray, int]:
    """What a model plays after a piece, without the piece, as its chorus: mono [N], rate in Hz."""
    clip = str(held_out.folder / f"{name}.wav")
    audio, rate, _ = generate(engine, clip=clip, duration_s=GENERATED_S, section="chorus", join="new", **request)
    return audio, rate


def _mid_chorus_s(facts: dict) -> float:
    return section_start_s(facts, "chorus") + 4 * facts["beats"] * 60 / facts["bpm"]


def loop_trial(
    engine: Engine, model: str, folder: Path, decode: str, reconstruct: Callable[[np.ndarray], np.ndarray]
) -> list[Result]:
    """Continues recorded loops, LOOP_TAKES times each: the join, the level, and of those with a beat tempo and spectrum.

    reconstruct: as in `distribution_trial`.
    """
    rows, rhythmic_loops = [], []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in (".wav", ".flac", ".aiff", ".aif", ".ogg", ".mp3")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        if len(audio) < MIN_CLIP_S * rate:
            continue
        loop = soxr.resample(audio.mean(1), rate, RATE)
        played, bpm = round_and_round(loop), loop_bpm(loop)
        rhythmic_loops += [played] * (bpm is not None)
        for take in range(LOOP_TAKES):
            made, made_rate, facts = generate(
                engine, clip=str(path), duration_s=GENERATED_S, section="chorus", model=model, seed=take, decode=decode
            )
            new = made[-round(GENERATED_S * made_rate) :]
            low = soxr.resample(new, made_rate, RATE)
            rows.append({
                "loop": path.name, "take": take, "bpm": bpm, "continued_bpm": measure_bpm(low, RATE, near=bpm),
                "click_db": facts["join_click_db"], "level_db": round(rms_db(new) - rms_db(audio), 1),
                "band_levels_db": round(measures.band_level_distance_db(low, played, RATE), 2),
            })  # fmt: skip
    rhythmic = [r for r in rows if r["bpm"]]
    in_time = (tempo_met(r["continued_bpm"], r["bpm"], 0.03) for r in rhythmic)
    return [
        share("loops joined without a click", (r["click_db"] <= 0 for r in rows), 100, "against the half second around", rows),
        share(
            "loops continued at their level within 2 dB",
            (abs(r["level_db"]) <= 2 for r in rows),
            100,
            "whole against whole: a loop may fade at its end",
        ),
        share("rhythmic loops keep their tempo within 3 %", in_time, 100),
        _likeness([r["band_levels_db"] for r in rhythmic], rhythmic_loops, reconstruct),
    ]


def loop_bpm(loop: np.ndarray) -> float | None:
    """Tempo of a loop [N] at RATE, None where it is not rhythmic. A beat that only its repeating makes is none of its own."""
    heard = loop if len(loop) >= HEARD_ALONE_S * RATE else round_and_round(loop)
    return measure_bpm(heard, RATE) if onset_envelope(heard, RATE)[0].std() > RHYTHMIC else None


def round_and_round(loop: np.ndarray) -> np.ndarray:
    return np.tile(loop, max(1, -(-round(MEASURED_S * RATE) // len(loop))))


def _likeness(distances: list[float], loops: list[np.ndarray], reconstruct: Callable[[np.ndarray], np.ndarray]) -> Result:
    """How far continuations are from their loops [N]; beside it, how far these are from themselves after the codec, and apart."""
    name = "level of each band, rhythmic loops and what follows"
    if not distances:
        return Result(name, None, "dB", note="nothing to measure")
    after_codec = [measures.band_level_distance_db(reconstruct(loop), loop, RATE) for loop in loops]
    apart = [measures.band_level_distance_db(a, b, RATE) for a, b in permutations(loops, 2)]
    note = f"{np.mean(after_codec):.1f} after the codec" + (f", {np.mean(apart):.1f} between two of the loops" if apart else "")
    return Result(name, float(np.mean(distances)), "dB", count=len(distances), note=note)


def distribution_trial(
    engine: Engine,
    model: str,
    held_out: Corpus,
    listener: Listener,
    decode: str,
    count: int,
    reconstruct: Callable[[np.ndarray], np.ndarray],
) -> Result:
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
            request = {"prompt": words, "section": label, "duration_s": WINDOW_S, "seed": seed}
            played, rate, _ = generate(engine, model=model, decode=decode, **request)
            made.append(soxr.resample(played, rate, RATE))
    groups = (real[:count], [reconstruct(audio) for audio in real[:count]], made, real[count:])
    clouds = [np.concatenate([listener.embed(audio, RATE) for audio in group]) for group in groups if group]
    codec, model_distance, *other = (measures.frechet_distance(cloud, clouds[0]) for cloud in clouds[1:])
    note = f"{model_distance:.1f} against {codec:.1f} after the codec"
    note += f"; {other[0]:.1f} between it and other held-out music" if other else ""
    name = "Fréchet distance to held-out music, times the codec's"
    return Result(name, model_distance / codec, "×", 2.0, at_most=True, count=len(made), note=note)


def long_form_trial(engine: Engine, model: str, seconds: float) -> list[Result]:
    """One long piece on the fast path: it must not fall silent, get stuck, or lose its tempo."""
    bpm = 124
    audio, rate, _ = generate(engine, prompt=f"house, {bpm} bpm, A minor", duration_s=seconds, seed=1, decode="fast", model=model)
    audio = soxr.resample(audio, rate, RATE)
    heard = measure_bpm(audio, RATE, near=bpm) or bpm
    minutes = f"{seconds / 60:g} min"
    return [
        Result(f"{minutes}: longest silence", measures.longest_silence_s(audio, RATE), "s", 2.0, at_most=True),
        Result(
            f"{minutes}: repeats of the same four bars", measures.most_repeats(audio, RATE, 16 * 60 / heard), "", 8, at_most=True
        ),
        Result(f"{minutes}: tempo drift", 100 * measures.tempo_drift(audio, RATE, heard), "%", 2.0, at_most=True),
    ]


def speed_trial(engine: Engine, model: str, paths: tuple[str, ...]) -> list[Result]:
    """A warm engine's speed on this machine, as busy as it is."""
    results = []
    for decode in paths:
        facts = generate(engine, prompt="house, 124 bpm, A minor", duration_s=20.0, seed=1, decode=decode, model=model)[2]
        bar = {"full": 0.35, "fast": 0.15}[decode]
        results.append(Result(f"real-time factor, {decode} path", facts["rtf"], "", bar, at_most=True, note=facts["device"]))
        results.append(Result(f"first sound, {decode} path", facts["first_chunk_s"], "s"))
    return results
