"""Analysis and synthesis of the embedded model's codecs: audio → which notes and strokes sound, and back as tones plus noise.

Sound is tones of slowly changing strength and noise of quickly changing spectrum (spectral modelling synthesis, Serra and Smith
1990; with a network in front, DDSP, arXiv 2001.04643). A network that works so never learns what a phase is, which is what
training a codec on waveforms spends nearly all of its hours on.

Audio is analysed in two views that change for different reasons, each coded by itself: harmony, which notes sound, and rhythm,
how loud each range is from moment to moment. A chord then keeps its code whatever the drums do, and a drum whatever the key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.arrays import FloatArray
from engine.models.layers import ISTFT, ConvNeXtBlock, members, reflect

NOISE_RMS = 0.8165  # of noise at a level of 1
NOISE_PERIOD = 4093  # steps, until it comes again: ten seconds of 2.5 ms each, and prime, so that it keeps step with no bar
FLOOR = 3e-4  # of a band's amplitude: what is softer (-70 dB) is silence


@dataclass(frozen=True)
class Resolution:
    """One spectrogram in bands: window in ms, `bands` an octave from `low` to `high` Hz, `steps` a frame."""

    window_ms: float
    bands: int
    low: float
    high: float
    steps: int = 1


C1 = 32.703  # Hz
STROKES = Resolution(21.3, 6, 60.0, 20_000.0, steps=8)
MELODY = Resolution(85.3, 12, 4 * C1, 9_000.0)
CHORDS = Resolution(341.3, 24, C1, 4_200.0)  # separates semitones from 130 Hz on; lower notes show in their overtones


class BandSpectrum(nn.Module):
    """Audio → amplitudes in bands evenly spread over the octaves. A sine of amplitude A shows as about A in its band."""

    def __init__(self, resolution: Resolution, sample_rate: int, hop: int):
        super().__init__()
        # Bands that end low are analysed at a lower rate: training spends its time on the transform of a third of a second.
        self.decimation = 2 ** max(0, int(math.log2(0.4 * sample_rate / resolution.high)))
        self.sample_rate, self.resolution = sample_rate // self.decimation, resolution
        self.n_fft = 2 * round(resolution.window_ms * self.sample_rate / 2000)
        self.hop, self.steps = hop // resolution.steps // self.decimation, resolution.steps
        assert self.hop * self.steps * self.decimation == hop, f"hop {hop} must be a multiple of {self.steps * self.decimation}"
        self.bands = len(_centres(resolution, self.sample_rate))

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] → [B, bands, steps · ceil(T / hop)], each window centred on its step."""
        frames = -(-audio.shape[-1] // (self.hop * self.steps * self.decimation)) * self.steps
        if self.decimation > 1:
            audio = _decimate(audio, self.decimation)
        left = (self.n_fft - self.hop) // 2
        padded = reflect(audio[:, None], left, frames * self.hop - audio.shape[-1] + self.n_fft - self.hop - left)[:, 0]
        window, bank = _window(self.n_fft, audio.device), _bank(self.resolution, self.n_fft, self.sample_rate, audio.device)
        spectrum = torch.stft(padded, self.n_fft, self.hop, window=window, center=False, return_complex=True)
        parts = torch.view_as_real(spectrum[:, : bank.shape[1]])
        return bank @ (parts.square().sum(-1) + 1e-12).sqrt() * (2 / window.sum())  # abs() takes three times as long


class View(nn.Module):
    """Audio [B, T] → log-levels in the bands of some resolutions, [B, channels, ceil(T / hop)], some -1 to 1.

    With `contrast` each band counts against its neighbours of an octave: not how loud, but which.
    """

    def __init__(self, resolutions: tuple[Resolution, ...], sample_rate: int, hop: int, *, contrast: bool):
        super().__init__()
        spectra = [BandSpectrum(resolution, sample_rate, hop) for resolution in resolutions]
        self.spectra = nn.ModuleList(spectra)
        self.contrast = contrast
        self.channels = sum(s.bands * s.steps for s in spectra)

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):
            return torch.cat([self._levels(spectrum, audio.float()) for spectrum in members(self.spectra, BandSpectrum)], dim=1)

    def _levels(self, spectrum: BandSpectrum, audio: Tensor) -> Tensor:
        x = log_level(spectrum(audio))
        if self.contrast:
            half = spectrum.resolution.bands // 2
            around = F.avg_pool1d(x.transpose(1, 2), 2 * half + 1, 1, half, count_include_pad=False).transpose(1, 2)
            x = x - around
        else:
            x = x / 3 + 1.4
        x = x.reshape(*x.shape[:2], -1, spectrum.steps)
        return x.transpose(2, 3).flatten(1, 2)  # a frame's steps side by side as channels


class NoteEncoder(nn.Module):
    """ConvNeXt blocks at frame rate behind each of two views, harmony and rhythm."""

    def __init__(self, sample_rate: int, hop: int, width: int, blocks: int, dimension: int):
        super().__init__()
        self.harmony = Tower(View((CHORDS, MELODY), sample_rate, hop, contrast=True), width, blocks, dimension)
        self.rhythm = Tower(View((STROKES,), sample_rate, hop, contrast=False), width, blocks, dimension)

    def towers(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Audio [B, T] → harmony and rhythm, each [B, dimension, ceil(T / hop)]."""
        return self.harmony(audio), self.rhythm(audio)


class Tower(nn.Module):
    def __init__(self, view: View, width: int, blocks: int, dimension: int):
        super().__init__()
        self.view = view
        self.conv_pre = nn.Conv1d(view.channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 3 * width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.out = nn.Linear(width, dimension)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.conv_pre(self.view(audio))
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.out(self.norm(x.transpose(1, 2))).transpose(1, 2)
        return out


def log_level(amplitude: Tensor) -> Tensor:
    """Natural logarithm with a floor: 0.115 is one decibel where there is sound, and nothing where there is none."""
    return (amplitude + FLOOR).log()


class TonesAndNoise(nn.Module):
    """Frames [B, T, width] → audio [B, T · hop] float32: oscillators at fixed pitches, and noise in bands.

    Tones stand a quarter-tone apart, so that every tempered note has its own and detuned partials a near one; the frames only say
    how strong each is, twice a frame. The noise gets a level in each band `noise_steps` times a frame. Phases and noise belong to
    absolute time: `first` is the first frame's number in the piece, so that windows of a piece agree.
    """

    # Each band of CHORDS has its tone, and so on up to `highest` Hz. Above them all is noise.
    TONES_PER_OCTAVE, LOWEST = CHORDS.bands, CHORDS.low
    TONE_STEPS = 2  # a frame
    NOISE_BANDS = 40
    REACH = 1  # frames either side that a frame's audio depends on
    QUIET, LOUDEST = -7.0, 2.0  # log-amplitudes: where training begins, and a limit for it

    def __init__(self, width: int, sample_rate: int, hop: int, noise_steps: int, highest: float = CHORDS.high):
        super().__init__()
        assert hop % noise_steps == 0, f"hop {hop} must be a multiple of {noise_steps}"
        assert self.LOWEST <= highest < sample_rate / 2, f"highest tone {highest:g} Hz must lie below {sample_rate / 2:g}"
        self.sample_rate, self.hop, self.noise_steps = sample_rate, hop, noise_steps
        self.highest = highest
        self.tones = int(self.TONES_PER_OCTAVE * math.log2(highest / self.LOWEST)) + 1
        self.out = nn.Linear(width, self.TONE_STEPS * self.tones + self.noise_steps * self.NOISE_BANDS)
        nn.init.constant_(self.out.bias, self.QUIET)
        nn.init.normal_(self.out.weight, std=0.02)
        self.istft = ISTFT(4 * hop // noise_steps, hop // noise_steps)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        levels = self.out(x).float()
        with torch.autocast(x.device.type, enabled=False):
            levels = levels.clamp(max=self.LOUDEST).exp()
            tones, noise = levels.split([self.TONE_STEPS * self.tones, self.noise_steps * self.NOISE_BANDS], dim=-1)
            tones = tones.unflatten(-1, (self.TONE_STEPS, -1)).flatten(1, 2)
            noise = noise.unflatten(-1, (self.noise_steps, -1)).flatten(1, 2)
            return self._tones(tones, first * self.TONE_STEPS) + self._noise(noise, first * self.noise_steps)

    def _tones(self, levels: Tensor, first: int) -> Tensor:
        """levels [B, S, tones], one each step → [B, S · step]: between the middles of two steps a raised-cosine cross-fade."""
        step = self.hop // self.TONE_STEPS
        levels = F.pad(levels.transpose(1, 2), (1, 1), mode="replicate").transpose(1, 2)
        segments = levels.shape[1] - 1  # segment i runs from the middle of step i - 1 to that of step i
        rates, phases, carriers = _carriers(self.tones, self.LOWEST, self.TONES_PER_OCTAVE, self.sample_rate, step, levels.device)
        begin = (first + torch.arange(segments, dtype=torch.float64, device=levels.device) - 0.5) * step
        angle = torch.remainder(begin[:, None] * rates + phases, 2 * math.pi).float()
        turned = torch.cat([angle.cos(), -angle.sin()], dim=-1)  # [segments, 2 · tones]
        rise = (0.5 - 0.5 * torch.cos(math.pi * (torch.arange(step, device=levels.device) + 0.5) / step)).float()
        before, after = ((part.repeat(1, 1, 2) * turned) @ carriers for part in (levels[:, :-1], levels[:, 1:]))
        return torch.lerp(before, after, rise).flatten(1)[:, step // 2 : step // 2 + (segments - 1) * step]

    def _noise(self, levels: Tensor, first: int) -> Tensor:
        """levels [B, S, bands], one each step → [B, S · step]: a fixed noise, filtered."""
        spread, noise = _noise(self.NOISE_BANDS, self.istft.n_fft, self.istft.hop, self.sample_rate, levels.device)
        at = (first + torch.arange(levels.shape[1], device=levels.device)) % len(noise)
        out: Tensor = self.istft(((levels @ spread) * noise[at]).transpose(1, 2))
        return out


def as_tones_and_noise(head: nn.Module | None) -> TonesAndNoise | None:
    """None for another kind of head."""
    return head if isinstance(head, TonesAndNoise) else None


def _decimate(audio: Tensor, factor: int) -> Tensor:
    """[B, T] → [B, ceil(T / factor)] through a low-pass whose stop band begins where aliases would reach 0.4 of the new rate."""
    half = 16 * factor
    taps = _low_pass(factor, half, audio.device)
    short = -audio.shape[-1] % factor
    return F.conv1d(reflect(audio[:, None], half, half + short), taps, stride=factor)[:, 0, : -(-audio.shape[-1] // factor)]


@cache
def _low_pass(factor: int, half: int, device: torch.device) -> Tensor:
    n = np.arange(-half, half + 1)
    taps = np.sinc(n / factor) * np.kaiser(2 * half + 1, 8.0)
    return _table((taps / taps.sum()).astype(np.float32)[None, None], device)


def _centres(resolution: Resolution, sample_rate: int) -> FloatArray:
    high = min(resolution.high, 0.48 * sample_rate)
    count = int(resolution.bands * np.log2(high / resolution.low)) + 1
    return resolution.low * 2 ** (np.arange(count) / resolution.bands)


def _table(values: FloatArray, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is cached must serve training too
        return torch.from_numpy(values).to(device)


@cache
def _window(n_fft: int, device: torch.device) -> Tensor:
    return _table(np.sin(np.pi * np.arange(n_fft) / n_fft).astype(np.float32) ** 2, device)


@cache
def _bank(resolution: Resolution, n_fft: int, sample_rate: int, device: torch.device) -> Tensor:
    """[bands, bins], of as many bins as the highest band needs.

    A triangle around each centre, as wide as the distance of bands or twice that of bins, whichever is more.
    """
    centres = _centres(resolution, sample_rate)[:, None]
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    width = np.maximum(centres * (2 ** (1 / resolution.bands) - 1), 2 * sample_rate / n_fft)
    weights = np.maximum(0, 1 - np.abs(bins - centres) / width)
    weights = weights[:, : np.flatnonzero(weights.any(0))[-1] + 1]  # the bins above the highest band are not looked at
    return _table((weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype(np.float32), device)


@cache
def _carriers(
    tones: int, lowest: float, per_octave: int, sample_rate: int, step: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Radians a sample [tones] and phases [tones], float64; cosines, then sines of one step [2 · tones, step]."""
    rates = 2 * np.pi * lowest * 2 ** (np.arange(tones) / per_octave) / sample_rate
    phases = 2 * np.pi * np.random.default_rng(0).random(tones)  # all at once would be a click
    angle = rates[:, None] * np.arange(step)
    carriers = np.concatenate([np.cos(angle), np.sin(angle)])
    return _table(rates, device), _table(phases, device), _table(carriers.astype(np.float32), device)


@cache
def _noise(bands: int, n_fft: int, step: int, sample_rate: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """[bands, bins]: how a band's level spreads over bins, the square root of it; [steps, bins] complex64: noise.

    The steps are one white noise that goes round, seen through the window of each. So at equal levels they add up to that very
    noise. Noises of their own would beat with each other, and a decoder learns to be silent in every other step to avoid that.
    """
    edges = np.geomspace(1, 1 + sample_rate / 2 / 200, bands) * 200 - 200  # Hz, even below 200, then in octaves
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    spread = np.stack([np.interp(bins, edges, row) for row in np.eye(bands)])
    white = NOISE_RMS * np.random.default_rng(1).standard_normal(NOISE_PERIOD * step)
    begin = step * np.arange(NOISE_PERIOD)[:, None] - (n_fft - step) // 2
    seen = white[(begin + np.arange(n_fft)) % len(white)] * np.hanning(n_fft + 1)[:-1]
    return _table(spread.astype(np.float32), device), _table(np.fft.rfft(seen).astype(np.complex64), device)
