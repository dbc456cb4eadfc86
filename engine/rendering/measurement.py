"""Analyses a result while it goes out and measures it at the end, without keeping all of it."""

from __future__ import annotations

import numpy as np
import soxr

from engine.arrays import Audio
from engine.music.analysis import JoinReport, join_report, measure_bpm, measure_key
from engine.music.bass_line import BassNote, transcribe_bass
from engine.music.channels import mean_over_channels, to_mono
from engine.music.chords import estimate_chords
from engine.music.drums import Stroke, detect_drums
from engine.music.grid import Grid
from engine.music.grid_check import GridCheck, check_grid
from engine.rendering.limiter import HALF_TAPS, true_peak_db
from engine.rendering.loudness import LoudnessMeter

RATE = 12_000  # Hz at which tempo and key are measured: 3 MB a minute
JOIN_WINDOW_S = 1.0  # what is kept on either side of the join


class Meter:
    """Hand over what a continuation repeats of its source (`add_source`), then the new audio (`add`), in order; measure once.

    Audio is float32 (frames, channels) at `samplerate` Hz.
    """

    def __init__(self, samplerate: int) -> None:
        self.samplerate, self.frames, self.peak = samplerate, 0, 0.0
        self._energy = 0.0  # sum of the squares of the channels' mean
        self._side_energy = 0.0  # and of half of their difference, of two
        self._loudness: LoudnessMeter | None = None
        self._end = np.zeros((0, 1), np.float32)  # of what came last: a true peak may be between two pieces
        self.true_peak_db: float | None = None  # dBTP
        self._low_stream = soxr.ResampleStream(samplerate, RATE, 1, dtype="float32")
        self._low = np.zeros(0, np.float32)
        self._ended = False
        self._window = round(JOIN_WINDOW_S * samplerate)
        self._before = self._after = np.zeros(0, np.float32)

    def add_source(self, samples: Audio) -> None:
        self._before = np.concatenate([self._before, to_mono(samples[-self._window :])])[-self._window :]

    def add(self, samples: Audio) -> None:
        mono = mean_over_channels(samples)
        self.frames += len(mono)
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0)))
        self._energy += float(np.square(mono, dtype=np.float64).sum())
        if self._loudness is None:
            self._loudness = LoudnessMeter(self.samplerate, samples.shape[1])
            self._end = np.zeros((0, samples.shape[1]), np.float32)
        self._loudness.push(samples)
        seam = np.concatenate([self._end, samples])
        self._end = seam[-2 * HALF_TAPS :]
        self.true_peak_db = max(-120.0 if self.true_peak_db is None else self.true_peak_db, true_peak_db(seam))
        if samples.shape[1] == 2:
            self._side_energy += float(np.square((samples[:, 0] - samples[:, 1]) / 2, dtype=np.float64).sum())
        self._append(self._low_stream.resample_chunk(mono))
        if (lacking := self._window - len(self._after)) > 0:
            self._after = np.concatenate([self._after, mono[:lacking]])

    @property
    def level_db(self) -> float:
        """Root mean square in dB full scale; -120 for silence."""
        return float(10 * np.log10(max(self._energy / max(self.frames, 1), 1e-12)))

    @property
    def loudness_lufs(self) -> float | None:
        """Integrated; None while there is nothing."""
        return None if self._loudness is None else self._loudness.integrated_lufs

    @property
    def side_db(self) -> float | None:
        """Of two channels the side against the middle."""
        if self._loudness is None or self._end.shape[1] != 2:
            return None
        return float(10 * np.log10((self._side_energy + 1e-9) / (self._energy + 1e-9)))

    def music(self, *, near_bpm: float | None) -> tuple[float | None, tuple[int, str] | None]:
        """Tempo in bpm and key as (pitch class, mode) of the new audio, None where there is none."""
        low = self._new_audio()
        return measure_bpm(low, RATE, near=near_bpm), measure_key(low, RATE) if len(low) >= RATE else None

    def grid(self, asked: Grid) -> GridCheck | None:
        """How well the new audio keeps a grid, which begins with it; None where there is no beat."""
        return check_grid(self._new_audio(), RATE, asked)

    def chords(self, grid: Grid, key: tuple[int, str] | None) -> list[tuple[float, str]]:
        """Where each chord of the new audio begins, in seconds, and its name. key: as asked for; as measured when None."""
        audio = self._new_audio()
        key = key or measure_key(audio, RATE)
        return [] if key is None else estimate_chords(audio, RATE, grid, key)

    def drums(self) -> list[Stroke]:
        """Kick, snare and hi-hat strokes in the new audio."""
        return detect_drums(self._new_audio())

    def bass(self) -> list[BassNote]:
        """The bass line of the new audio."""
        return transcribe_bass(self._new_audio())

    def _new_audio(self) -> Audio:
        """All new audio, mono at RATE. No more can be added then."""
        if not self._ended:
            self._ended = True
            self._append(self._low_stream.resample_chunk(np.zeros(0, np.float32), last=True))
        return self._low

    def _append(self, low: Audio) -> None:
        """In place: a list of pieces would be there twice while it is joined."""
        before = len(self._low)
        self._low.resize(before + len(low), refcheck=False)
        self._low[before:] = low

    def join(self) -> JoinReport:
        """How the join between source and new audio sounds, see `join_report`."""
        return join_report(np.concatenate([self._before, self._after]), self.samplerate, len(self._before))
