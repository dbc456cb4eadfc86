"""Recognises style, drums, tempo and key: small classifiers on statistics of the spectrum, trained on a corpus.

They do not see the prompt. Their own accuracy on held-out recordings is reported beside whatever is measured with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from engine.arrays import Audio, FloatArray
from engine.corpus.dataset import Corpus
from engine.corpus.facts import has_key
from engine.evaluation.excerpts import RATE, read_section
from engine.evaluation.key_classifier import KeyClassifier, registers
from engine.evaluation.measures import Key, log_mel
from engine.evaluation.regression import Curve, Ridge
from engine.music.analysis import ONSET_RATE, autocorrelation, chroma, comb, onset_envelope

BANDS = 40
LAGS = np.geomspace(60 / 400, 60 / 30, 48)  # seconds, of the onset envelope's autocorrelation
TEXTURE_S, COMPONENTS = 2.0, 24  # of the embedding that Fréchet distance is taken in
BARS = 4  # over which beats and bars must recur to count as a tempo
RECURRING = 0.7  # least score of a tempo: 84 of 85 stretches of noise, 6 to 20 s long, stay below
TEMPO_MARGIN = 1.02  # by which a piece may leave the range of tempi that its style has in the corpus
PIECES = 1500  # of a corpus that are learnt from, at most
# Of the classifier of styles and drums. Linear regression on the same features confuses 7 in 100 real pieces' styles, this 1.
COSINES, NARROWNESS = 1500, 0.05


@dataclass(frozen=True)
class Attributes:
    """What is recognised in one recording. `drums`: above 0 there are drums."""

    style: str
    drums: float
    bpm: float | None
    key: Key | None


@dataclass(frozen=True, eq=False)
class MusicClassifier:
    styles: tuple[str, ...]
    tempi: tuple[tuple[float, float], ...]  # of each style, the slowest and the fastest in bpm
    beats: tuple[int, ...]  # of each style, in a bar
    curve: Curve  # → one score a style, drums (1 or -1)
    key: KeyClassifier
    texture: Ridge  # → the embedding

    @classmethod
    def train(cls, corpus: Corpus, seed: int = 0, change: Callable[[Audio], Audio] | None = None) -> MusicClassifier:
        """Learns from PIECES of `corpus`: a window each of their intro, verse and chorus; keys where there are any.

        change: done to a copy of each, [N] → [N] at RATE, which is then learnt too. After training on decoded music a
        classifier does not take the codec's blur for a style.
        """
        rng = np.random.default_rng(seed)
        styles = tuple(sorted({corpus.facts[name]["style"] for name in corpus.names}))
        rows: list[FloatArray] = []
        targets: list[list[float]] = []
        textures: list[FloatArray] = []
        levels: list[FloatArray] = []
        keys: list[Key] = []
        for name in rng.permutation(corpus.names)[:PIECES]:
            facts = corpus.facts[name]
            there = {section["label"] for section in facts["sections"]}
            for label in (label for label in ("intro", "verse", "chorus") if label in there):
                audio, section = read_section(corpus, name, label, rng)
                textures.append(texture(audio))
                style = [float(facts["style"] == s) for s in styles]
                for played in (audio,) if change is None else (audio, change(audio)):
                    rows.append(features(played))
                    targets.append([*style, 1.0 if "drums" in section["layers"] else -1.0])
                    if has_key(facts):
                        levels.append(registers(played, RATE))
                        keys.append((facts["key"], facts["mode"]))
        known = [[facts for name in corpus.names if (facts := corpus.facts[name])["style"] == style] for style in styles]
        tempi = tuple((min(facts["bpm"] for facts in pieces), max(facts["bpm"] for facts in pieces)) for pieces in known)
        beats = tuple(pieces[0]["beats"] for pieces in known)
        curve = Curve.fit(np.array(rows), np.array(targets), rng, cosines=COSINES, narrowness=NARROWNESS)
        return cls(styles, tempi, beats, curve, KeyClassifier.fit(levels, keys, rng), _principal(np.concatenate(textures)))

    def classify(self, audio: Audio, samplerate: int) -> Attributes:
        """audio: mono [N] at `samplerate` Hz; a tempo takes 4 s at least."""
        audio = soxr.resample(audio, samplerate, RATE) if samplerate != RATE else audio
        *scores, drums = self.curve(features(audio))
        style = int(np.argmax(scores))
        return Attributes(self.styles[style], float(drums), self._tempo(audio, style), self.key(registers(audio, RATE)))

    def _tempo(self, audio: Audio, style: int) -> float | None:
        """Of a style's tempi the one whose beats and bars recur most. None where nothing does.

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

    def embed(self, audio: Audio, samplerate: int) -> FloatArray:
        """[windows, COMPONENTS]: the corpus' first principal components of every two seconds' texture."""
        audio = soxr.resample(audio, samplerate, RATE) if samplerate != RATE else audio
        return self.texture(texture(audio))


def features(audio: Audio) -> FloatArray:
    """[D] of mono audio [N] at RATE: level by band and its movement, sorted chroma, rhythm. None depends on gain or key."""
    mel = log_mel(audio, RATE, BANDS)
    mel = np.maximum(mel, mel.max() - 80)
    rise = np.maximum(0, np.diff(mel, axis=1))
    level = mel.mean(1)
    return np.concatenate([level - level.mean(), mel.std(1), rise.mean(1), np.sort(chroma(audio, RATE)), _rhythm(audio)])


def texture(audio: Audio) -> FloatArray:
    """[windows, D] of audio [N] at RATE, one row every TEXTURE_S seconds: level by band, its deviation and its rise."""
    mel = log_mel(audio, RATE, BANDS)
    mel = np.maximum(mel, mel.max() - 80) - mel.mean()
    length = round(mel.shape[1] / (len(audio) / RATE) * TEXTURE_S)
    windows = [mel[:, first : first + length] for first in range(0, max(1, mel.shape[1] - length + 1), length)]
    return np.array([np.concatenate([w.mean(1), w.std(1), np.maximum(0, np.diff(w, axis=1)).mean(1)]) for w in windows])


def _rhythm(audio: Audio) -> FloatArray:
    """The onset envelope's autocorrelation at LAGS, its deviation and its peak."""
    flux, rate = onset_envelope(audio, RATE)
    if len(flux) < 2 * ONSET_RATE:
        return np.zeros(len(LAGS) + 2)
    size = len(flux)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(flux, 2 * size)) ** 2)[:size]
    correlation /= correlation[0] + 1e-9
    return np.concatenate([np.interp(LAGS * rate, np.arange(size), correlation), [flux.std(), flux.max()]])


def _principal(rows: FloatArray) -> Ridge:
    """The projection of rows [N, D], standardised, onto their COMPONENTS first principal components."""
    mean, deviation = rows.mean(0), rows.std(0) + 1e-6
    x = (rows - mean) / deviation
    _, vectors = np.linalg.eigh(x.T @ x / len(x))
    return Ridge(mean, deviation, vectors[:, -COMPONENTS:], np.zeros(COMPONENTS))
