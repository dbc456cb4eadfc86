"""What a mastering engineer does with what a model plays, while it is made: width and loudness. The limiter comes behind."""

from __future__ import annotations

from engine.arrays import Audio
from engine.rendering.loudness import USUAL_LUFS, LoudnessGain
from engine.rendering.stereo import Widener


class Master:
    """Push mono [frames], get as many of (frames, 2), or of (frames, 1) where the width is 0; measure what came out."""

    def __init__(
        self, samplerate: int, *, width: float, target_lufs: float | None, usual_lufs: float = USUAL_LUFS,
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        """width: see `Widener`. target_lufs: None leaves the loudness as it is; it and the others: see `LoudnessGain`."""
        self._widener = Widener(samplerate, width) if width > 0 else None
        self.channels = 2 if self._widener else 1
        self._loudness = (
            None if target_lufs is None
            else LoudnessGain(samplerate, self.channels, target_lufs, usual_lufs=usual_lufs, seconds=seconds)
        )  # fmt: skip

    def push(self, mono: Audio) -> Audio:
        audio = self._widener.push(mono) if self._widener else mono[:, None]
        return audio if self._loudness is None else self._loudness.push(audio)

    def measure_output(self, audio: Audio) -> None:
        """What is left of it behind the limiter."""
        if self._loudness is not None:
            self._loudness.measure_output(audio)
