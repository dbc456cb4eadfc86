"""Rewards of what a model played: how far it does what the prompt asked for."""

from __future__ import annotations

import numpy as np

from engine.arrays import Audio, FloatArray
from engine.evaluation import measures
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.prompts import Prompt

MOST_SILENCE_S = 1.0


class Reward:
    """Rewards of sounds, mono [N] at `samplerate` Hz, by a classifier's judgement."""

    def __init__(self, classifier: MusicClassifier, samplerate: int) -> None:
        self.classifier, self.samplerate = classifier, samplerate

    def of_chorus(self, sound: Audio, prompt: Prompt) -> float:
        """2 each for tempo and key, without which nothing fits what is there; 1 each for style and for drums or none."""
        found = self.classifier.classify(sound, self.samplerate)
        fitting = tempo_met(found.bpm, prompt.bpm) + key_met(found.key, prompt.key)
        return 2.0 * fitting + (found.style == prompt.style) + ((found.drums > 0) == prompt.drums) - self._is_silent(sound)

    def of_intro(self, sound: Audio, prompt: Prompt) -> float:
        """1 each for key and style: an intro may do without beat and drums."""
        found = self.classifier.classify(sound, self.samplerate)
        return float(key_met(found.key, prompt.key)) + float(found.style == prompt.style) - 2 * self._is_silent(sound)

    def fullness(self, sound: Audio) -> FloatArray:
        """[2]: loudness and onset density, both of which grow from the intro to the chorus."""
        return np.array([measures.loudness_db(sound, self.samplerate), measures.onset_density(sound, self.samplerate)])

    def distance(self, sound: Audio, source: Audio) -> float:
        """Between the mean embeddings of a continuation and of its source."""
        here, there = (self.classifier.embed(audio, self.samplerate).mean(0) for audio in (sound, source))
        return float(np.linalg.norm(here - there))

    def _is_silent(self, sound: Audio) -> bool:
        return measures.longest_silence_s(sound, self.samplerate) > MOST_SILENCE_S
