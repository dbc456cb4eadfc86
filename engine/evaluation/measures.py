"""What is measured, one small function each: mono float [N] audio or plain values in, plain numbers out."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pyloudnorm
from scipy import fft, linalg, signal
from transformers.audio_utils import mel_filter_bank

from engine.arrays import FloatArray
from engine.music.analysis import measure_bpm, scale_of

Key = tuple[int, str]  # pitch class, "major" or "minor"

MEL_WINDOW_S, MEL_HOP_S = 0.043, 0.011
DYNAMIC_RANGE_DB = 80.0  # what lies further below the loudest bin of the reference is not compared
# An onset: a register that rises by this share of the mean of all in 30 ms, and by this much against itself.
ONSET_RISE, ONSET_DB = 0.04, 2.0
MOST_DRIFT = 0.1  # a beat further off is another level of the metre
SAME_DB = 2.0  # two recordings of the same bars differ by this after the codec, other bars by more than twice as much
SAME_RANGE_DB = 50.0  # what lies further below the loudest bin is not compared
BAND_RANGE_DB = 60.0  # likewise, of the loudest band
HIGHS_HZ, HIGHS_WINDOW_S, HIGHS_HOP_S = 5000.0, 0.005, 0.001  # where they begin, and the spectrogram's window and hop
HIGHS_FLOOR = 1e-8  # of their power: what is softer is silence
AROUND_HZ, AT_HZ = 12, 1  # what lies so near to a rate is around it, or at it


def tempo_met(measured: float | None, asked: float, tolerance: float = 0.02) -> bool:
    """Half and double are misses."""
    return measured is not None and abs(measured / asked - 1) <= tolerance


def key_met(measured: Key | None, asked: Key) -> bool:
    """The relative key, which has the same notes, is a hit."""
    return measured is not None and scale_of(measured) == scale_of(asked)


def loudness_db(audio: FloatArray, samplerate: int) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4); -70, where its gate closes, for silence."""
    if len(audio) < 0.4 * samplerate or np.abs(audio).max(initial=0) < 1e-5:
        return -70.0
    return float(max(-70.0, pyloudnorm.Meter(samplerate).integrated_loudness(audio.astype(np.float64))))


def true_peak_db(audio: FloatArray) -> float:
    """Of (frames, channels), in dBTP: the highest value at eight times the rate."""
    return float(20 * np.log10(max(np.abs(signal.resample_poly(audio.astype(np.float64), 8, 1)).max(initial=0), 1e-6)))


def side_db(audio: FloatArray) -> float:
    """Of (frames, channels) the side against the middle; -90 where there is none."""
    if audio.shape[1] != 2:
        return -90.0
    middle, side = (np.mean(np.square(part, dtype=np.float64)) for part in (audio.sum(1), audio[:, 0] - audio[:, 1]))
    return float(max(-90.0, 10 * np.log10((side + 1e-12) / (middle + 1e-12))))


def highs_db(audio: FloatArray, samplerate: int, from_hz: float = 6_000.0) -> float:
    """Level of what lies above `from_hz`, of mono [N]; -120 for none."""
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(len(audio)))))
    return float(
        10 * np.log10(power[np.fft.rfftfreq(len(audio), 1 / samplerate) >= from_hz].sum() / max(len(audio), 1) ** 2 + 1e-12)
    )


def timbre(audio: FloatArray, samplerate: int) -> FloatArray:
    """Means and deviations of 20 cepstral coefficients of the log-mel spectrum, of mono [N], as a timbre."""
    levels = log_mel(audio, samplerate, 80)
    cepstrum = fft.dct(np.maximum(levels, levels.max() - DYNAMIC_RANGE_DB), axis=0, norm="ortho")[:20]
    return np.concatenate([cepstrum.mean(1), cepstrum.std(1)])


def onset_density(audio: FloatArray, samplerate: int) -> float:
    """Onsets a second, counted in each of eight registers: what bass, chords and drums play together counts for each of them.

    An onset rises against the whole, so that a hit over silence does not count where it is hardly audible, and against its own
    register, so that the beating of held notes does not count at all.
    """
    power = 10 ** (log_mel(audio, samplerate, 40) / 10)
    registers = power.reshape(8, 5, -1).mean(1)
    level = registers**0.25  # between amplitude, where loud hits hide soft ones, and decibels, where any hit counts everywhere
    level /= np.sqrt(np.mean(level**2))
    rise = level[:, 3:] - level[:, :-3]
    rise[registers[:, 3:] < 10 ** (ONSET_DB / 10) * registers[:, :-3]] = 0
    seconds = len(audio) / samplerate
    distance = max(1, round(0.06 * power.shape[1] / seconds))
    return sum(len(signal.find_peaks(register, height=ONSET_RISE, distance=distance)[0]) for register in rise) / seconds


def longest_silence_s(audio: FloatArray, samplerate: int, floor_db: float = -50.0) -> float:
    """The longest stretch whose 50 ms blocks all lie below `floor_db` full scale."""
    block = round(0.05 * samplerate)
    blocks = np.asarray(audio[: len(audio) // block * block], np.float64).reshape(-1, block)
    longest = here = 0
    for silent in np.sqrt(np.mean(blocks**2, axis=1)) < 10 ** (floor_db / 20):
        here = here + 1 if silent else 0
        longest = max(longest, here)
    return longest * block / samplerate


def tempo_drift(audio: FloatArray, samplerate: int, bpm: float, window_s: float = 20.0) -> float:
    """The largest share by which a window's tempo differs from `bpm`, up to MOST_DRIFT; windows without a beat do not count."""
    length = round(window_s * samplerate)
    windows = [audio[first : first + length] for first in range(0, len(audio), length)]
    tempi = [measure_bpm(window, samplerate, near=bpm, within=MOST_DRIFT) for window in windows]
    return max((abs(tempo / bpm - 1) for tempo in tempi if tempo is not None), default=0.0)


def most_repeats(audio: FloatArray, samplerate: int, block_s: float) -> int:
    """How often in a row the same `block_s` seconds sound at most: blocks whose log-mel spectra differ by less than SAME_DB."""
    block = round(block_s * samplerate)
    mels = [log_mel(audio[first : first + block], samplerate, 40) for first in range(0, len(audio) - block + 1, block)]
    longest = here = min(1, len(mels))
    for before, after in itertools.pairwise(mels):
        floor = max(before.max(), after.max()) - SAME_RANGE_DB
        same = np.abs(np.maximum(before, floor) - np.maximum(after, floor)).mean() < SAME_DB
        here = here + 1 if same else 1
        longest = max(longest, here)
    return longest


def log_mel(audio: FloatArray, samplerate: int, bands: int = 80, top_hz: float = 12_000.0) -> FloatArray:
    """Power in mel bands from 20 Hz to `top_hz`, in dB: [bands, n] at about 90 Hz."""
    n_fft, hop = 1 << round(np.log2(MEL_WINDOW_S * samplerate)), round(MEL_HOP_S * samplerate)
    audio = np.pad(audio, (0, max(0, n_fft - len(audio))))
    _, _, spectrum = signal.stft(audio, samplerate, nperseg=n_fft, noverlap=n_fft - hop, padded=False)
    power: FloatArray = _mel_bank(bands, n_fft, samplerate, min(top_hz, samplerate / 2)) @ np.abs(spectrum) ** 2
    return np.asarray(10 * np.log10(power + 1e-12))


def log_mel_distance_db(audio: FloatArray, reference: FloatArray, samplerate: int, top_hz: float = 12_000.0) -> float:
    """Mean absolute difference of the log-mel spectra in dB, over the range of `reference` that is above its floor."""
    frames = min(len(audio), len(reference))
    a, b = (log_mel(sound[:frames], samplerate, top_hz=top_hz) for sound in (audio, reference))
    floor = b.max() - DYNAMIC_RANGE_DB
    return float(np.abs(np.maximum(a, floor) - np.maximum(b, floor)).mean())


def band_level_distance_db(audio: FloatArray, reference: FloatArray, samplerate: int) -> float:
    """How far apart the levels are that each of 40 mel bands takes, soft moments as well as loud ones, in dB, whenever they come.

    Mean absolute difference of five quantiles of each band's level. Drums that thin out, wash over or fall silent differ by more
    than 5 dB from what they were.
    """
    bands, quantiles = 40, (0.1, 0.3, 0.5, 0.7, 0.9)
    a, b = (log_mel(sound, samplerate, bands) for sound in (audio, reference))
    floor = b.max() - BAND_RANGE_DB
    levels = [np.quantile(np.maximum(mel, floor), quantiles, axis=1) for mel in (a, b)]
    return float(np.abs(levels[0] - levels[1]).mean())


def movement_of_highs(audio: FloatArray, samplerate: int) -> FloatArray:
    """How strongly the level of what is above HIGHS_HZ moves at each whole number of Hz from 0 on, slower trends aside."""
    nperseg, hop = round(HIGHS_WINDOW_S * samplerate), round(HIGHS_HOP_S * samplerate)
    hz, _, spectrum = signal.stft(audio, samplerate, nperseg=nperseg, noverlap=nperseg - hop)
    level = np.log((np.abs(spectrum[hz > HIGHS_HZ]) ** 2).sum(0) + HIGHS_FLOOR)
    second = round(samplerate / hop)
    movement: FloatArray = signal.welch(level, second, nperseg=second, detrend="linear")[1]
    return movement


def beat_of_frames(movement: FloatArray, frame_rate: float) -> float:
    """How much stronger a movement [Hz] is at the rate of a codec's frames, or twice it, than at rates around."""

    def near(hz: int, distance: int) -> FloatArray:
        return movement[hz - distance : hz + distance + 1]

    rates = (round(frame_rate), round(2 * frame_rate))
    return float(max(near(hz, AT_HZ).mean() / np.median(near(hz, AROUND_HZ)) for hz in rates))


def frechet_distance(a: FloatArray, b: FloatArray) -> float:
    """Of two clouds of embeddings [N, D] and [M, D], each seen as a Gaussian (Heusel et al., arXiv 1706.08500)."""
    mean_a, mean_b, covariance_a, covariance_b = a.mean(0), b.mean(0), np.cov(a.T), np.cov(b.T)
    root_a = linalg.sqrtm(covariance_a + 1e-9 * np.eye(a.shape[1])).real
    cross = linalg.eigvalsh(root_a @ covariance_b @ root_a)  # symmetric: no complex roots to throw away
    shared = 2 * np.sqrt(np.maximum(cross, 0)).sum()
    return float(np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a) + np.trace(covariance_b) - shared)


@cache
def _mel_bank(bands: int, n_fft: int, samplerate: int, top_hz: float) -> FloatArray:
    return mel_filter_bank(n_fft // 2 + 1, bands, 20.0, top_hz, samplerate, norm="slaney", mel_scale="slaney").T
