"""Augments a corpus: copies of its pieces at another speed, in rooms, through equalisers, compressors, tape and hiss.

`python -m engine.corpus.augmentation FOLDER --drums 2 --others 0.1` writes `p000123c0.wav` and `.json` beside p000123's: two
copies of each piece in which only drums play, one of every tenth of the others. The corpus alone is cleaner than the recordings
that producers continue. Held-out pieces are left as they are, so that figures stay comparable.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy import signal

from engine.arrays import Audio, FloatArray
from engine.corpus.dataset import Corpus
from engine.corpus.facts import PieceFacts, SectionFacts, read_facts
from engine.corpus.piece import BAR_STEP, FRAME_RATE
from engine.corpus.render import LEVEL_DB, SAMPLE_RATE
from engine.music.grid import bar_frames
from engine.rendering.level import soft_limit

VARISPEED = (0.75, 1.35)  # drums alone: the kit is tuned with the tempo, as a sampler would
TEMPI = (60.0, 190.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--drums", type=int, default=2)
    parser.add_argument("--others", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    augment(options.folder, drums=options.drums, others=options.others, seed=options.seed, workers=options.workers)


def augment(folder: Path, *, drums: int = 2, others: float = 0.1, seed: int = 1, workers: int = 1) -> None:
    """Writes what `folder` lacks: `drums` copies of each piece of drums alone, one of `others`, a share of the rest."""
    corpus = Corpus(folder)
    wanted = []
    for name in corpus.names:
        facts = corpus.facts[name]
        if "augmentation" in facts:
            continue
        rng = np.random.default_rng([seed, facts["number"]])
        copies = drums if is_drums(facts) else int(rng.random() < others)
        wanted += [(name, copy) for copy in range(copies) if not (folder / f"{name}c{copy}.json").exists()]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:  # a fork of torch's threads may hang
        for job in [pool.submit(augment_piece, folder, name, copy, seed) for name, copy in wanted]:
            job.result()


def is_drums(facts: PieceFacts) -> bool:
    """Whether nothing but drums plays in a piece."""
    return set(facts["instruments"]) == {"drums"}


def augment_piece(folder: Path, name: str, copy: int, seed: int) -> PieceFacts:
    """Writes one augmented copy of a piece. Returns its facts."""
    facts = read_facts(folder / f"{name}.json")
    audio = soundfile.read(folder / f"{name}.wav", dtype="float32", always_2d=True)[0].mean(1)
    rng = np.random.default_rng([seed, facts["number"], copy])
    if is_drums(facts):
        audio, facts = varispeed(audio, facts, rng)
    audio, facts["augmentation"] = apply_chain(audio, rng)
    soundfile.write(folder / f"{name}c{copy}.wav", audio, SAMPLE_RATE, subtype="PCM_16")
    (folder / f"{name}c{copy}.json").write_text(json.dumps(facts))
    return facts


def varispeed(audio: Audio, facts: PieceFacts, rng: np.random.Generator) -> tuple[Audio, PieceFacts]:
    """A piece [N] faster and higher, or slower and lower, with bars of whole token frames again; and its facts then."""
    bpm = float(np.clip(facts["bpm"] * rng.uniform(*VARISPEED), *TEMPI))
    old, new = facts["bar_frames"], bar_frames(bpm, facts["beats"], FRAME_RATE, BAR_STEP)
    played = soxr.resample(audio, old * 1000, new * 1000)
    wanted = round(facts["seconds"] * SAMPLE_RATE * new / old)
    sections: list[SectionFacts] = [
        {**s, "first_frame": s["first_frame"] // old * new, "frames": s["frames"] // old * new} for s in facts["sections"]
    ]
    changed: PieceFacts = {
        **facts, "bpm": 60.0 * facts["beats"] * FRAME_RATE / new, "bar_frames": new, "seconds": facts["seconds"] * new / old,
        "sections": sections,
    }  # fmt: skip
    return np.pad(played, (0, max(0, wanted - len(played))))[:wanted], changed


def apply_chain(audio: FloatArray, rng: np.random.Generator) -> tuple[Audio, list[str]]:
    """Audio [N] at SAMPLE_RATE through a few effects drawn at random, at the corpus' level; and their names in their order."""
    chain = [name for name, (_, share) in EFFECTS.items() if rng.random() < share]
    chain = [chain[i] for i in rng.permutation(len(chain))] or ["equaliser"]
    for name in chain:
        audio = EFFECTS[name][0](_at_level(audio), rng)
    return soft_limit(_at_level(audio)).astype(np.float32), chain


def room(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A room of 0.15 to 0.8 s, dark or bright, near or far."""
    seconds = rng.uniform(0.15, 0.8)
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    decay: FloatArray = rng.standard_normal(len(times)) * np.exp(-6.9 * times / seconds)
    decay = _filtered(decay, 1, rng.uniform(2_000, 12_000), "low")
    decay = np.concatenate([np.zeros(round(rng.uniform(0, 0.02) * SAMPLE_RATE)), decay / np.sqrt(np.sum(decay**2))])
    wet: FloatArray = signal.oaconvolve(audio, decay)[: len(audio)]
    return audio + rng.uniform(0.1, 0.7) * wet


def equaliser(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A shelf at either end and two bells, each up to 9 dB up or down."""
    gains_db, width = rng.uniform(-9, 9, 4), rng.uniform(0.5, 2.0, 2)
    centres = [
        120.0,
        float(np.exp(rng.uniform(np.log(150), np.log(900)))),
        float(np.exp(rng.uniform(np.log(900), np.log(6_000)))),
        7_000.0,
    ]
    octaves = np.log2(np.geomspace(20, SAMPLE_RATE / 2, 256))
    low, high = (1 / (1 + np.exp(side * 3 * (octaves - np.log2(centre)))) for side, centre in ((1, centres[0]), (-1, centres[3])))
    bells = [np.exp(-(((octaves - np.log2(centre)) / w) ** 2)) for centre, w in zip(centres[1:3], width, strict=True)]
    curve_db = gains_db @ np.stack([low, *bells, high])
    frequencies = np.concatenate([[0], 2**octaves / (SAMPLE_RATE / 2)])
    frequencies[-1] = 1.0
    taps = signal.firwin2(2_047, frequencies, 10 ** (np.concatenate([curve_db[:1], curve_db]) / 20))
    equalised: FloatArray = signal.oaconvolve(audio, taps, mode="same")
    return equalised


def compressor(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Levels what lies above the mean by a ratio of 2 to 8, within 3 to 60 ms: from glued to pumping."""
    pole = np.exp(-1 / (rng.uniform(0.003, 0.06) * SAMPLE_RATE))
    power = signal.lfilter([1 - pole], [1, -pole], audio.astype(np.float64) ** 2)
    over = np.maximum(1.0, power / (np.mean(power) * 10 ** (rng.uniform(-6, 3) / 10) + 1e-12))
    compressed: FloatArray = audio * over ** (0.5 * (1 / rng.uniform(2, 8) - 1))
    return compressed


def tape(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Saturates, up to grinding, and takes off the top."""
    drive = 10 ** (rng.uniform(0, 16) / 20)
    played = np.tanh(drive * (audio + 0.1) / 0.5) - np.tanh(drive * 0.2)
    return _filtered(played, 2, rng.uniform(5_000, 16_000), "low")


def telephone(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A narrow band, as filtered loops have it."""
    low, high = rng.uniform(60, 400), rng.uniform(2_500, 9_000)
    return _filtered(audio, 1, [low, high], "band")


def hiss(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Noise 35 to 60 dB below, darker or brighter: no two bars are the same any more."""
    noise = rng.standard_normal(len(audio))
    noise *= 10 ** ((LEVEL_DB - rng.uniform(35, 60)) / 20)
    noisy: FloatArray = audio + _filtered(noise, 1, rng.uniform(1_000, 12_000), "low")
    return noisy


Effect = Callable[[FloatArray, np.random.Generator], FloatArray]
EFFECTS: dict[str, tuple[Effect, float]] = {  # and the share of chains that have it
    "room": (room, 0.6), "equaliser": (equaliser, 0.7), "compressor": (compressor, 0.6), "tape": (tape, 0.4),
    "telephone": (telephone, 0.15), "hiss": (hiss, 0.4),
}  # fmt: skip


def _filtered(audio: FloatArray, order: int, hz: float | list[float], kind: str) -> FloatArray:
    """A Butterworth filter. kind: "low" (pass) or "band" (pass, with both edges in `hz`)."""
    filtered: FloatArray = signal.sosfilt(signal.butter(order, hz, kind, fs=SAMPLE_RATE, output="sos"), audio)
    return filtered


def _at_level(audio: FloatArray) -> FloatArray:
    levelled: FloatArray = audio * (10 ** (LEVEL_DB / 20) / (np.sqrt(np.mean(np.square(audio, dtype=np.float64))) + 1e-9))
    return levelled


if __name__ == "__main__":
    main()
