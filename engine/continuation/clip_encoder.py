"""Recorded audio → tokens as the language model met them in training: at its level, stretched to its bars, all views whole.

The one way audio becomes tokens: of a clip that is continued, and of the recordings a model is fine-tuned on.
"""

from __future__ import annotations

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from engine.arrays import Audio
from engine.checkpoints.checkpoint import Checkpoint
from engine.continuation.recent import Recent, digest
from engine.continuation.recurrence import what_followed
from engine.music.level import rms_db, rms_db_without_dc, without_fade

RECENT = 24  # ends of clips whose tokens are kept: a clip is encoded at five stretch ratios or so, and once more


class ClipEncoder:
    """Audio is mono float32 [frames] at `samplerate` Hz. Any number of clips and threads; ends that were encoded lately are not
    encoded again.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device | None = None) -> None:
        self._codec, self._level_db, self._device = checkpoint.wavtokenizer, checkpoint.config.level_db, device
        self.samplerate: int = self._codec.config.sample_rate
        self.hop: int = self._codec.config.hop_length  # samples to a token
        self.block = self._codec.views * self.hop  # samples to one token of each view
        self._recent: Recent[list[int]] = Recent(RECENT)

    def encode_end(self, audio: Audio, seconds: float, *, stretch: float = 1.0, looped: bool = False) -> list[int]:
        """Tokens of the last `seconds`, as the language model is to continue them. Odd samples are cut in front.

        stretch: how many times as long it lasts as the model plays it; `seconds` counts after it. looped: a loop is encoded as it
        is played, again and again, so that what has come back before can be continued. A fade-out is undone: silence would be
        continued by silence. Nor does the end sound like an end: a token depends on what comes right after it, so the last ones
        are encoded with what followed when the music was there before.
        """
        wanted = round(seconds / stretch * self.samplerate)
        if looped:
            audio = np.tile(audio, -(-wanted // len(audio)))
        audio = audio[-wanted:]
        return list(self._recent.of((digest(audio), stretch), lambda: self._encode_end(audio, stretch)))

    def _encode_end(self, audio: Audio, stretch: float) -> list[int]:
        audio = soxr.resample(audio, 1.0, stretch, "VHQ")
        audio = self.at_model_level(without_fade(audio[len(audio) % self.block :], self.samplerate))
        count = len(audio) // self.hop
        tokens: list[int] = self._encode(np.concatenate([audio, what_followed(audio, self.samplerate)]))[:count].tolist()
        return tokens

    def encode_begin(
        self, audio: Audio, seconds: float, *, stretch: float = 1.0, like: Audio | None = None
    ) -> list[int]:
        """Tokens of the first `seconds`, as the language model would play them after something else: they are encoded with what
        came before when the music was there another time. Odd samples are cut behind.

        like: audio whose level is brought to the model's, and this with it; None: this itself.
        """
        wanted = round(seconds / stretch * self.samplerate)
        audio = soxr.resample(audio[: wanted + self.samplerate], 1.0, stretch, "VHQ")
        if self._level_db is not None:
            own_db = rms_db_without_dc(audio if like is None else like)
            audio = (audio - audio.mean()) * np.float32(10 ** ((self._level_db - own_db) / 20))
        led = what_followed(audio[::-1], self.samplerate)[::-1]
        led = led[len(led) % self.block :]
        count = min(round(seconds * self.samplerate), len(audio)) // self.block * self.block // self.hop
        first = len(led) // self.hop
        tokens: list[int] = self._encode(np.concatenate([led, audio]))[first : first + count].tolist()
        return tokens

    def encode(self, audio: Audio, *, stretch: float = 1.0, from_end: bool = False) -> NDArray[np.int16]:
        """Tokens of the whole, int16: as many as all views have. Odd samples are cut behind, or with `from_end` in front."""
        audio = soxr.resample(audio, 1.0, stretch, "VHQ")
        odd = len(audio) % self.block
        audio = audio[odd:] if from_end else audio[: len(audio) - odd]
        return self._encode(audio.astype(np.float32)).astype(np.int16)

    def at_model_level(self, audio: Audio) -> Audio:
        """Audio at the level the model was trained on, where it says one, and without DC."""
        if self._level_db is None:
            return audio
        audio = audio - audio.mean()
        return audio * np.float32(10 ** ((self._level_db - rms_db(audio)) / 20))

    def gain_db(self, audio: Audio) -> float:
        """From the level at which the model plays on from audio, of any rate and channels, back to that of audio."""
        return 0.0 if self._level_db is None else rms_db_without_dc(audio) - self._level_db

    @torch.inference_mode()
    def _encode(self, audio: Audio) -> NDArray[np.int64]:
        tokens: NDArray[np.int64] = self._codec.encode(torch.from_numpy(audio)[None].to(self._device))[0].cpu().numpy()
        return tokens
