"""Trials of continuation: held-out pieces, changes that the prompt asks for, recorded loops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from engine.api import MIN_CLIP_S
from engine.arrays import Audio
from engine.corpus.dataset import Corpus
from engine.corpus.facts import PieceFacts, section_of
from engine.evaluation import measures
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.excerpts import RATE, section_end_s, section_start_s, with_key
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.results import Result, Row, share
from engine.evaluation.trials import GENERATED_S, ModelUnderTest
from engine.music.analysis import measure_bpm, onset_envelope
from engine.music.level import rms_db

RHYTHMIC = 0.07  # deviation of the onset envelope: soft percussion has 0.09, a piano 0.05, a drone 0.01
LOOP_SEEDS = 3
MEASURED_S = 8.0  # a shorter loop is measured as it is played, round and round
MEASURED_ALONE_S = 3.2  # from which length on a loop's tempo is measured in one pass of it


def continuation_trial(model: ModelUnderTest, held_out: Corpus, classifier: MusicClassifier, count: int) -> list[Result]:
    """Continues held-out pieces in mid-chorus, without a prompt."""
    rows: list[Row] = []
    for seed, name in enumerate(with_key(held_out)[:count]):
        facts = held_out.facts[name]
        audio, rate = _continue_piece(model, held_out, name, from_s=_mid_chorus_s(facts), seed=seed)
        found = classifier.classify(audio, rate)
        rows.append({"clip": name, "style": facts["style"], "bpm": facts["bpm"], "continued_bpm": found.bpm,
                     "key": (facts["key"], facts["mode"]), "continued_key": found.key})  # fmt: skip
    tempo = (tempo_met(r["continued_bpm"], r["bpm"]) for r in rows)
    key = (key_met(r["continued_key"], r["key"]) for r in rows)
    return [
        share("continuation keeps its source's tempo within 2 %", tempo, 90, details=rows),
        share("continuation keeps its source's key", key, 90),
    ]


def edit_trial(model: ModelUnderTest, held_out: Corpus, classifier: MusicClassifier, count: int) -> list[Result]:
    """Prompts for a change beside a clip of a held-out piece: drums after an intro without them, no drums in mid-chorus."""
    rows: list[Row] = []
    for seed, name in enumerate(with_key(held_out)[:count]):
        facts = held_out.facts[name]
        from_s, drums = _edit(facts, after_intro=seed % 2 == 0)
        prompt = "drums" if drums else "no drums"
        audio, rate = _continue_piece(model, held_out, name, prompt=prompt, from_s=from_s, seed=seed)
        found = classifier.classify(audio, rate)
        rows.append({
            "clip": name, "style": facts["style"], "asked_drums": drums, "changed": (found.drums > 0) == drums,
            "in_time": tempo_met(found.bpm, facts["bpm"]), "in_key": key_met(found.key, (facts["key"], facts["mode"])),
        })  # fmt: skip
    return [
        _edited("drums asked for beside a clip without them come in", [row for row in rows if row["asked_drums"]]),
        _edited("drums excluded by the prompt beside a clip with them stop", [row for row in rows if not row["asked_drums"]]),
    ]


def _edited(name: str, rows: list[Row]) -> Result:
    tempo, key = (100 * np.mean([row[kind] for row in rows] or [0.0]) for kind in ("in_time", "in_key"))
    note = f"{tempo:.0f} % in its tempo, {key:.0f} % in its key" if rows else ""
    return share(name, (row["changed"] for row in rows), note=note, details=rows)


def _edit(facts: PieceFacts, *, after_intro: bool) -> tuple[float, bool]:
    """Where in a piece the clip ends, and what the prompt then asks for: drums or none."""
    intro, chorus = section_of(facts, "intro")["layers"], section_of(facts, "chorus")["layers"]
    if after_intro and intro and "drums" not in intro and "drums" in chorus:
        return section_end_s(facts, "intro"), True
    return _mid_chorus_s(facts), "drums" not in chorus


def _continue_piece(model: ModelUnderTest, held_out: Corpus, name: str, **request: Any) -> tuple[Audio, int]:
    """What a model plays after a piece, without the piece, as its chorus: mono [N], rate in Hz."""
    clip = str(held_out.folder / f"{name}.wav")
    audio, rate, _ = model.play(clip=clip, duration_s=GENERATED_S, section="chorus", join="new", **request)
    return audio, rate


def _mid_chorus_s(facts: PieceFacts) -> float:
    return section_start_s(facts, "chorus") + 4 * facts["beats"] * 60 / facts["bpm"]


def loop_trial(model: ModelUnderTest, folder: Path, reconstruct: Callable[[Audio], Audio]) -> list[Result]:
    """Continues recorded loops, LOOP_SEEDS times each: the join, the level, and of those with a beat tempo and spectrum.

    In the model's sound, and the level in the loop's own, too, which is what users get. reconstruct: as in `distribution_trial`.
    """
    rows: list[Row] = []
    rhythmic_loops: list[Audio] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in (".wav", ".flac", ".aiff", ".aif", ".ogg", ".mp3")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        if len(audio) < MIN_CLIP_S * rate:
            continue
        loop = soxr.resample(audio.mean(1), rate, RATE)
        played, bpm = round_and_round(loop), loop_bpm(loop)
        rhythmic_loops += [played] * (bpm is not None)
        for seed in range(LOOP_SEEDS):
            levels_db, request = {}, {"clip": str(path), "duration_s": GENERATED_S, "section": "chorus", "seed": seed}
            for timbre in ("clip", "model"):
                made, made_rate, report = model.play_channels(**request, timbre=timbre)
                new, variation = made[-round(GENERATED_S * made_rate) :], report.variations[0]
                levels_db[timbre] = round(level_kept_db(new, audio, variation.clip_gain_db or 0.0), 1)
            low = soxr.resample(new.mean(1), made_rate, RATE)
            rows.append({
                "loop": path.name, "seed": seed, "bpm": bpm, "continued_bpm": measure_bpm(low, RATE, near=bpm),
                "click_db": variation.join_click_db, "level_db": levels_db["model"], "own_sound_level_db": levels_db["clip"],
                "band_levels_db": round(measures.band_level_distance_db(low, played, RATE), 2),
            })  # fmt: skip
    rhythmic = [r for r in rows if r["bpm"]]
    in_time = (tempo_met(r["continued_bpm"], r["bpm"], 0.03) for r in rhythmic)
    return [
        share("loops joined without a click", (r["click_db"] <= 0 for r in rows), 100, "against the half second around", rows),
        _at_level("loops continued at their level within 2 dB", [r["level_db"] for r in rows]),
        _at_level("… in their own sound", [r["own_sound_level_db"] for r in rows]),
        share("rhythmic loops keep their tempo within 3 %", in_time, 100),
        _likeness([r["band_levels_db"] for r in rhythmic], rhythmic_loops, reconstruct),
    ]


def level_kept_db(new: Audio, clip: Audio, clip_gain_db: float) -> float:
    """From the level of a clip as a result has it to that of what follows, of all their channels, (frames, channels).

    clip_gain_db: of a clip that goes above full scale, which a result cannot.
    """
    return rms_db(new) - rms_db(clip) - clip_gain_db


def _at_level(name: str, levels_db: list[float]) -> Result:
    note = "whole against whole: a loop may fade at its end"
    return share(name, (abs(level) <= 2 for level in levels_db), 100, note)


def loop_bpm(loop: Audio) -> float | None:
    """Tempo of a loop [N] at RATE, None where it is not rhythmic. A beat that only its repeating makes is none of its own."""
    played = loop if len(loop) >= MEASURED_ALONE_S * RATE else round_and_round(loop)
    return measure_bpm(played, RATE) if onset_envelope(played, RATE)[0].std() > RHYTHMIC else None


def round_and_round(loop: Audio) -> Audio:
    return np.tile(loop, max(1, -(-round(MEASURED_S * RATE) // len(loop))))


def _likeness(distances: list[float], loops: list[Audio], reconstruct: Callable[[Audio], Audio]) -> Result:
    """How far continuations are from their loops [N]; beside it, how far these are from themselves after the codec, and apart."""
    name = "level of each band, rhythmic loops and what follows"
    if not distances:
        return Result(name, None, "dB", note="nothing to measure")
    after_codec = [measures.band_level_distance_db(reconstruct(loop), loop, RATE) for loop in loops]
    apart = [measures.band_level_distance_db(a, b, RATE) for a, b in permutations(loops, 2)]
    note = f"{np.mean(after_codec):.1f} after the codec" + (f", {np.mean(apart):.1f} between two of the loops" if apart else "")
    return Result(name, float(np.mean(distances)), "dB", count=len(distances), note=note)
