"""The paper's experiments with our models: reconstruction, with and without flow, guidance, lengths. Each is one section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from engine.acceleration import Prepared
from engine.arrays import Audio
from engine.corpus.dataset import SAMPLE_RATE
from engine.evaluation import measures, paper, plots
from engine.evaluation.codec_trial import FAST, FULL, recode, ways
from engine.evaluation.distances import CLOUD_SPACE, distance_between, si_sdr_db, stft_distance
from engine.evaluation.excerpts import RATE
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.prompts import Prompt
from engine.evaluation.scores import Scorer
from engine.evaluation.sections import MANY, Section, Table, figure
from engine.evaluation.trials import ModelUnderTest, classify

Played = list[tuple[Prompt, Audio]]  # prompts and what they became, mono at RATE


@dataclass(frozen=True)
class Scale:
    """How much is played."""

    prompts: int = 20
    seconds: float = 30.0  # of each
    references: int = 24
    reference_s: float = 10.0
    lengths_s: tuple[float, ...] = paper.LENGTHS_S
    length_prompts: int = 3
    guidances: tuple[float, ...] = paper.GUIDANCES
    long_s: float = 480.0
    sweep_s: float = 120.0  # of each long piece of the guidance sweep


QUICK = Scale(
    prompts=4, seconds=10.0, references=6, reference_s=8.0, lengths_s=(10.0, 30.0), length_prompts=1, long_s=120.0, sweep_s=60.0
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What every trial needs: the clips of real music (48 kHz mono), networks to score by, and the paper's figures."""

    scale: Scale
    references: list[Audio]
    scorers: Sequence[Scorer] = ()
    paper: dict[str, str] = field(default_factory=dict)

    @property
    def real(self) -> list[Audio]:
        """The references at RATE."""
        return [soxr.resample(clip, SAMPLE_RATE, RATE) for clip in self.references]


BASELINE_S = 30.0  # the longest that MusicGen plays
COLUMNS = ("tempo met", "key met", "Fréchet distance")


def reconstruction_trial(prepared: Prepared, comparison: Comparison) -> Section:
    """Real music through each part of the codec chain and back."""
    title, saying = "Reconstruction", f"In the paper: {paper.FINDINGS['reconstruction']}."
    if not comparison.references:
        return Section(title, ("Not measured: there are no reference clips.",))
    rows: list[tuple[str, ...]] = []
    bars, spectra = [], [("original", comparison.references[0])]
    for way in ways(prepared):
        decoded = [recode(prepared, clip, way) for clip in comparison.references]
        pairs = list(zip(decoded, comparison.references, strict=True))
        mel = float(np.mean([measures.log_mel_distance_db(a, b, SAMPLE_RATE) for a, b in pairs]))
        stft = float(np.mean([stft_distance(a, b, SAMPLE_RATE) for a, b in pairs]))
        sdr = float(np.mean([si_sdr_db(a, b) for a, b in pairs]))
        low = [soxr.resample(clip, SAMPLE_RATE, RATE) for clip in decoded]
        distance = distance_between(low, comparison.real, RATE)
        figures = (figure(mel, 2, "dB"), figure(stft), figure(sdr, 1, "dB"), figure(distance, 1))
        rows.append((way, *figures, paper.of(way, comparison.paper)))
        bars.append((way, mel))
        if way in (FAST, FULL):
            spectra.append((way, decoded[0]))
    columns = ("way", "log-mel distance to 12 kHz", "multi-resolution STFT distance", "SI-SDR", "Fréchet distance", "paper")
    return Section(
        title,
        (
            "Clips of real music, coded and decoded. Log-mel and STFT distance compare spectra; SI-SDR compares waveforms, and a "
            "codec that plays other phases scores below 0 dB however alike it sounds. Opus is there as a yardstick where ffmpeg "
            "has it.", saying,
        ),
        [Table(f"means over {len(comparison.references)} clips", columns, rows)],
        [plots.bars("log-mel distance, dB", bars), plots.spectrograms(spectra, SAMPLE_RATE)],
    )  # fmt: skip


def flow_trial(model: ModelUnderTest, prompts: list[Prompt], comparison: Comparison, paths: Sequence[str]) -> Section:
    """The same prompts and seeds on each path: tokens alone, and with flow and super resolution where the model has them."""
    names = {"fast": "tokens alone", "full": "with flow and super resolution"}
    rows = []
    for decode in paths:
        played = _play(model, prompts, comparison.scale.seconds, decode=decode)
        rows.append((names[decode], *_measured(played, comparison), paper.of(f"path {decode}", comparison.paper)))
    text = ["The same prompts and seeds, so the same tokens, on each path.", f"In the paper: {paper.FINDINGS['flow']}."]
    if len(paths) < 2:
        text.append("This model has no flow: there is one path.")
    return Section("With and without flow", tuple(text), [_table("path", len(prompts), rows, comparison)])


def guidance_trial(model: ModelUnderTest, prompts: list[Prompt], comparison: Comparison) -> Section:
    """The same prompts and seeds at each guidance."""
    rows, points = [], []
    for guidance in comparison.scale.guidances:
        played = _play(model, prompts, comparison.scale.seconds, guidance=guidance)
        measured = _measured(played, comparison)
        rows.append((f"{guidance:g}", *measured, paper.of(f"guidance {guidance:g}", comparison.paper)))
        points.append((guidance, _shares(played), _distance(played, comparison)))
    text = ["The same prompts and seeds at each guidance; 1 is without.", f"In the paper: {paper.FINDINGS['guidance']}."]
    if len(prompts) < MANY:
        text.append(f"The Fréchet distance is not drawn: of {len(prompts)} prompts, differences between its rows are chance.")
    pictures = [plots.guidance(points, len(prompts))]
    return Section("Guidance", tuple(text), [_table("guidance", len(prompts), rows, comparison)], pictures)


def baseline_trial(model: ModelUnderTest, prompts: list[Prompt], comparison: Comparison, names: Sequence[str]) -> Section:
    """The same prompts and seeds played by other models, as far as each can play at once."""
    seconds = min(comparison.scale.seconds, BASELINE_S)
    rows = []
    for name in (model.model, *names):
        played = _play(model.beside(name), prompts, seconds)
        rows.append((Path(name).name, *_measured(played, comparison), paper.of(f"model {Path(name).name}", comparison.paper)))
    text = ("The same prompts and seeds.", f"In the paper: {paper.FINDINGS['baselines']}.")
    return Section("Beside other models", text, [_table("model", len(prompts), rows, comparison)])


def length_trial(model: ModelUnderTest, prompts: list[Prompt], comparison: Comparison) -> Section:
    """Pieces of several lengths: each measured whole."""
    few = prompts[: comparison.scale.length_prompts]
    rows = []
    for seconds in comparison.scale.lengths_s:
        played = _play(model, few, seconds, decode="fast")
        rows.append((f"{seconds:g} s", *_measured(played, comparison), paper.of(f"length {seconds:g}", comparison.paper)))
    text = (f"In the paper: {paper.FINDINGS['length']}.", "Played without flow. Drift inside of a piece is a section of its own.")
    return Section("Length", text, [_table("length", len(few), rows, comparison)])


def _play(model: ModelUnderTest, prompts: list[Prompt], seconds: float, **request: object) -> Played:
    played = []
    for seed, prompt in enumerate(prompts):
        audio, rate, _ = model.play(prompt=prompt.text, seed=seed, duration_s=seconds, **request)
        played.append((prompt, soxr.resample(audio, rate, RATE)))
    return played


def _shares(played: Played) -> tuple[float, float]:
    """Of the pieces that meet their tempo and their key."""
    found = [(prompt, classify(None, audio, RATE)) for prompt, audio in played]
    tempo = float(np.mean([tempo_met(one.bpm, prompt.bpm) for prompt, one in found]))
    return tempo, float(np.mean([key_met(one.key, prompt.key) for prompt, one in found]))


def _distance(played: Played, comparison: Comparison) -> float | None:
    return distance_between([audio for _, audio in played], comparison.real, RATE)


def _measured(played: Played, comparison: Comparison) -> tuple[str, ...]:
    tempo, key = _shares(played)
    scores: list[str] = []
    for scorer in comparison.scorers:
        words = [prompt.text for prompt, _ in played]
        scores.append(figure(scorer.score([audio for _, audio in played], words, comparison.real, RATE), 3))
    return figure(100 * tempo, 0, "%"), figure(100 * key, 0, "%"), figure(_distance(played, comparison), 1), *scores


def _table(first: str, count: int, rows: list[tuple[str, ...]], comparison: Comparison) -> Table:
    scores = tuple(f"{scorer.name} ({scorer.better} is better)" for scorer in comparison.scorers)
    few = f"; of fewer than {MANY} prompts shares and distances are rough" if count < MANY else ""
    caption = f"{count} prompt{'s' * (count > 1)}{few}; Fréchet distance to the reference clips in the space of {CLOUD_SPACE}"
    return Table(caption, (first, *COLUMNS, *scores, "paper"), rows)  # fmt: skip


Say = Callable[[str], None]


def paper_sections(
    prepared: Prepared, model: ModelUnderTest, prompts: list[Prompt], comparison: Comparison, paths: Sequence[str], say: Say
) -> list[Section]:
    """All of them, in the paper's order."""
    say("coding reference clips")
    found = [reconstruction_trial(prepared, comparison)]
    say("playing with and without flow")
    found.append(flow_trial(model, prompts, comparison, paths))
    say("playing at several guidances")
    found.append(guidance_trial(model, prompts, comparison))
    say("playing several lengths")
    return [*found, length_trial(model, prompts, comparison)]
