"""Trials of the sound that prompts get: loudness, true peaks, width, and how far the takes of one prompt are apart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from engine.arrays import FloatArray
from engine.corpus.dataset import Corpus
from engine.evaluation import measures
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.excerpts import RATE, read_section, with_key
from engine.evaluation.prompts import Prompt
from engine.evaluation.results import Result, Row, share
from engine.evaluation.trials import GENERATED_S, PLAYED_S, ModelUnderTest

LOUDNESS_LUFS, TRUE_PEAK_DB, SIDE_DB = (-16.0, -12.0), -1.0, (-14.0, -6.0)
SEEDS, STYLES = 8, 3  # takes of a prompt, and prompts
WITHIN_A_STYLE = 0.75  # of the distance that pieces of one style have, that takes of one prompt shall have


def sound_trial(model: ModelUnderTest, prompts: list[Prompt]) -> list[Result]:
    """Plays every prompt as users get it, and measures it with meters that are not the engine's own."""
    rows: list[Row] = []
    for seed, prompt in enumerate(prompts):
        audio, rate, _ = model.play_channels(prompt=prompt.text, seed=seed, duration_s=PLAYED_S)
        both = audio if audio.shape[1] == 2 else np.repeat(audio, 2, axis=1)  # one channel is played on both sides
        rows.append({
            "prompt": prompt.text, "loudness_lufs": measures.loudness_db(both, rate),
            "true_peak_db": measures.true_peak_db(audio), "side_db": measures.side_db(audio),
            "correlation": float(np.asarray(np.corrcoef(both.T))[0, 1]) if np.ptp(both) else 1.0,
        })  # fmt: skip
    highest = max((row["true_peak_db"] for row in rows), default=0.0)
    least = min((row["correlation"] for row in rows), default=1.0)
    loud, wide = (f"from {low:g} to {high:g}" for low, high in (LOUDNESS_LUFS, SIDE_DB))
    in_range = [_within(row["loudness_lufs"], LOUDNESS_LUFS) for row in rows]
    sides = [_within(row["side_db"], SIDE_DB) for row in rows]
    spread = f"{_mean(rows, 'side_db', 'dB')}; correlation of left and right at least {least:.2f}"
    return [
        share(f"loudness of prompted results {loud} LUFS", in_range, 90, _mean(rows, "loudness_lufs", "LUFS"), rows),
        share(
            "true peaks at most -1 dBTP",
            (row["true_peak_db"] <= TRUE_PEAK_DB for row in rows),
            100,
            f"highest {highest:.1f} dBTP",
        ),
        share(f"side against middle {wide} dB", sides, 90, spread),
    ]


def diversity_trial(model: ModelUnderTest, prompts: list[Prompt], classifier: MusicClassifier, held_out: Corpus) -> Result:
    """How far takes of one prompt are apart, against how far the choruses of different pieces of one style are."""
    takes, pieces = [], []
    styles = list(dict.fromkeys(prompt.style for prompt in prompts))[:STYLES]
    for style in styles:
        text = f"{style}, {next(prompt.bpm for prompt in prompts if prompt.style == style)} bpm"
        played = (model.play(prompt=text, seed=seed, duration_s=GENERATED_S) for seed in range(SEEDS))
        takes.append(apart([classifier.embed(audio, rate).mean(0) for audio, rate, _ in played]))
    rng = np.random.default_rng(0)
    for style in {held_out.facts[name]["style"] for name in with_key(held_out)}:
        names = [name for name in with_key(held_out) if held_out.facts[name]["style"] == style][:SEEDS]
        if len(names) > 1:
            pieces.append(
                apart([classifier.embed(read_section(held_out, name, "chorus", rng)[0], RATE).mean(0) for name in names])
            )
    name = "takes of one prompt apart, times pieces of one style"
    if not pieces or not takes:
        return Result(name, None, "×", WITHIN_A_STYLE, note="the corpus has no two held-out pieces of one style")
    value = float(np.mean(takes) / np.mean(pieces))
    return Result(name, value, "×", WITHIN_A_STYLE, count=SEEDS * len(takes), note=f"{SEEDS} seeds of {', '.join(styles)}")


def apart(embeddings: list[FloatArray]) -> float:
    """Mean distance of all pairs."""
    return float(np.mean([np.linalg.norm(a - b) for a, b in combinations(embeddings, 2)]))


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _mean(rows: Iterable[Row], name: str, unit: str) -> str:
    return f"mean {np.mean([row[name] for row in rows]):.1f} {unit}"
