"""Hears style, drums, tempo and key: small classifiers on statistics of the spectrum, trained on a corpus.

It is never told what was asked for. Its own accuracy on held-out recordings stands beside whatever is measured with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from engine.corpus.dataset import SAMPLE_RATE as CORPUS_RATE
from engine.corpus.dataset import Corpus
from engine.evaluation.key_ear import KeyEar, registers
from engine.evaluation.measures import Key, log_mel
from engine.evaluation.regression import Curve, Ridge
from engine.music.analysis import ONSET_RATE, autocorrelation, chroma, comb, onset_envelope

RATE = 24_000  # Hz of everything a listener hears: no path of a model is told by its bandwidth
WINDOW_S = 8.0
BANDS = 40
LAGS = np.geomspace(60 / 400, 60 / 30, 48)  # seconds, of the onset envelope's autocorrelation
TEXTURE_S, COMPONENTS = 2.0, 24  # of the embedding that Fréchet distance is taken in
BARS = 4  # over which beats and bars must recur to be tapped to
RECURRING = 0.7  # how much that is, to be heard: 84 of 85 stretches of noise, 6 to 20 s long, come to less
TEMPO_MARGIN = 1.02  # by which a piece may leave the tempi that its style was learnt in
PIECES = 1500  # of a corpus that are listened to, at most
# Of what tells styles and drums. A line through the same features takes 7 in 100 real pieces for another style, this 1.
COSINES, NARROWNESS = 1500, 0.05


@dataclass(frozen=True)
class Heard:
    """What a listener says of one recording. `drums`: above 0 there are drums."""

    style: str
    drums: float
    bpm: float | None
    key: Key | None


@dataclass(frozen=True, eq=False)
class Listener:
    styles: tuple[str, ...]
    tempi: tuple[tuple[float, float], ...]  # of each style, the slowest and the fastest in bpm
    beats: tuple[int, ...]  # of each style, in a bar
    curve: Curve  # → one score a style, drums (1 or -1)
    key: KeyEar
    texture: Ridge  # → the embedding

    @classmethod
    def train(cls, corpus: Corpus, seed: int = 0, change: Callable[[np.ndarray], np.ndarray] | None = None) -> Listener:
        """Learns from PIECES of `corpus`: a window each of their intro, verse and chorus; keys where there are any.

        change: done to each, [N] → [N] at RATE, which is then learnt beside the others: who has heard music after a codec
        does not take its blur for a style.
        """
        rng = np.random.default_rng(seed)
        styles = tuple(sorted({corpus.facts[name]["style"] for name in corpus.names}))
        rows, targets, textures, levels, keys = [], [], [], [], []
        for name in rng.permutation(corpus.names)[:PIECES]:
            facts = corpus.facts[name]
            there = {section["label"] for section in facts["sections"]}
            for label in (label for label in ("intro", "verse", "chorus") if label in there):
                audio, section = read_section(corpus, name, label, rng)
                textures.append(texture(audio))
                style = [float(facts["style"] == s) for s in styles]
                for heard in (audio,) if change is None else (audio, change(audio)):
                    rows.append(features(heard))
                    targets.append([*style, 1.0 if "drums" in section["layers"] else -1.0])
                    if has_key(facts):
                        levels.append(registers(heard, RATE))
                        keys.append((facts["key"], facts["mode"]))
        known = [[facts for name in corpus.names if (facts := corpus.facts[name])["style"] == style] for style in styles]
        tempi = tuple((min(facts["bpm"] for facts in pieces), max(facts["bpm"] for facts in pieces)) for pieces in known)
        beats = tuple(pieces[0]["beats"] for pieces in known)
        curve = Curve.fit(np.array(rows), np.array(targets), rng, cosines=COSINES, narrowness=NARROWNESS)
        return cls(styles, tempi, beats, curve, KeyEar.fit(levels, keys, rng), _principal(np.concatenate(textures)))

    def hear(self, audio: np.ndarray, samplerate: int) -> Heard:
        """audio: mono [N] at `samplerate` Hz, 4 s at least to hear a tempo."""
        audio = soxr.resample(audio, samplerate, RATE) if samplerate != RATE else audio
        *scores, drums = self.curve(features(audio))
        style = int(np.argmax(scores))
        return Heard(self.styles[style], float(drums), self._tapped(audio, style), self.key(registers(audio, RATE)))

    def _tapped(self, audio: np.ndarray, style: int) -> float | None:
        """The tempo one taps at in a style: of its tempi the one whose beats and bars recur most. None where nothing does.

        Bars count as much as beats, for slow music may have few onsets but where its chords change.
        """
        flux, rate = onset_envelope(audio, RATE)
        if len(flux) < 3 * rate or not flux.any():
            return None
        slowest, fastest = self.tempi[style]
        tempi = np.geomspace(slowest / TEMPO_MARGIN, fastest * TEMPO_MARGIN, 800)
        correlation, beats = autocorrelation(flux), self.beats[style]
        score = comb(correlation, tempi, rate) + comb(correlation, tempi, rate, range(beats, BARS * beats + 1, beats))
        return float(tempi[np.argmax(score)]) if score.max() > RECURRING * (len(flux) / rate) ** -0.5 else None

    def embed(self, audio: np.ndarray, samplerate: int) -> np.ndarray:
        """[windows, COMPONENTS]: the corpus' first principal components of every two seconds' texture."""
        audio = soxr.resample(audio, samplerate, RATE) if samplerate != RATE else audio
        return self.texture(texture(audio))


def has_key(facts: dict) -> bool:
    """Whether more than drums play in a piece."""
    return set(facts["instruments"]) != {"drums"}


def read_section(corpus: Corpus, name: str, label: str, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
    """WINDOW_S seconds at RATE from a random bar of a piece's section, or the whole section where it is shorter; its facts."""
    facts = corpus.facts[name]
    section = section_of(facts, label)
    frame_rate = _frame_rate(facts)
    first_bar = int(rng.integers(max(0, section["frames"] - round(WINDOW_S * frame_rate)) // facts["bar_frames"] + 1))
    offset = first_bar * facts["bar_frames"]
    seconds = min(WINDOW_S, (section["frames"] - offset) / frame_rate)
    start_s = section_start_s(facts, label) + offset / frame_rate
    audio = corpus.read(name, round(start_s * CORPUS_RATE), round(seconds * CORPUS_RATE))
    return soxr.resample(audio, CORPUS_RATE, RATE), section


def section_start_s(facts: dict, label: str) -> float:
    """Where the first section of this label begins in its piece."""
    return section_of(facts, label)["first_frame"] / _frame_rate(facts)


def section_end_s(facts: dict, label: str) -> float:
    """Where it ends."""
    section = section_of(facts, label)
    return (section["first_frame"] + section["frames"]) / _frame_rate(facts)


def section_of(facts: dict, label: str) -> dict:
    """The first section of this label."""
    return next(section for section in facts["sections"] if section["label"] == label)


def _frame_rate(facts: dict) -> float:
    """Of the token frames that a corpus' sections are counted in."""
    return sum(s["frames"] for s in facts["sections"]) / facts["seconds"]


def features(audio: np.ndarray) -> np.ndarray:
    """[D] of mono audio [N] at RATE: level by band and its movement, sorted chroma, rhythm. None depends on gain or key."""
    mel = log_mel(audio, RATE, BANDS)
    mel = np.maximum(mel, mel.max() - 80)
    rise = np.maximum(0, np.diff(mel, axis=1))
    level = mel.mean(1)
    return np.concatenate([level - level.mean(), mel.std(1), rise.mean(1), np.sort(chroma(audio, RATE)), _rhythm(audio)])


def texture(audio: np.ndarray) -> np.ndarray:
    """[windows, D] of audio [N] at RATE, one row every TEXTURE_S seconds: level by band, its deviation and its rise."""
    mel = log_mel(audio, RATE, BANDS)
    mel = np.maximum(mel, mel.max() - 80) - mel.mean()
    length = round(mel.shape[1] / (len(audio) / RATE) * TEXTURE_S)
    windows = [mel[:, first : first + length] for first in range(0, max(1, mel.shape[1] - length + 1), length)]
    return np.array([np.concatenate([w.mean(1), w.std(1), np.maximum(0, np.diff(w, axis=1)).mean(1)]) for w in windows])


def _rhythm(audio: np.ndarray) -> np.ndarray:
    """The onset envelope's autocorrelation at LAGS, its deviation and its peak."""
    flux, rate = onset_envelope(audio, RATE)
    if len(flux) < 2 * ONSET_RATE:
        return np.zeros(len(LAGS) + 2)
    size = len(flux)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(flux, 2 * size)) ** 2)[:size]
    correlation /= correlation[0] + 1e-9
    return np.concatenate([np.interp(LAGS * rate, np.arange(size), correlation), [flux.std(), flux.max()]])


def _principal(rows: np.ndarray) -> Ridge:
    """The projection of rows [N, D], standardised, onto their COMPONENTS first principal components."""
    mean, deviation = rows.mean(0), rows.std(0) + 1e-6
    x = (rows - mean) / deviation
    _, vectors = np.linalg.eigh(x.T @ x / len(x))
    return Ridge(mean, deviation, vectors[:, -COMPONENTS:], np.zeros(COMPONENTS))
