"""A MusicGen in the models folder, played by the daemon like any model: listed, from words, on from a clip, its errors said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from bridge.osc.replies import Cancelled, Done, Fail, ProgressReport
from tests.bridge.conftest import RawClient
from tests.missing import needs_module
from tests.tiny_musicgen import write_tiny_musicgen
from tests.tiny_stable_audio import write_tiny_stable_audio

needs_module("transformers.models.musicgen", "transformers with MusicGen")


def test_the_daemon_plays_a_musicgen_by_its_name(start_daemon, tmp_path):
    write_tiny_musicgen(tmp_path / "models" / "musicgen-tiny")
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.random.default_rng(0).normal(0, 0.1, (48_000, 2)), 48_000)
    daemon = start_daemon(models_folder=tmp_path / "models", engine="engine.pipeline:create_engine", model="sketch")
    raw = RawClient(daemon.port)
    raw.send("/inspire/models", "m")
    listed = {reply.name: reply.pairs["kind"] for reply in (raw.receive() for _ in range(2))}
    raw.close()
    assert listed == {"sketch": "embedded", "musicgen-tiny": "musicgen"}
    with daemon.client() as client:
        *_, end = client.generate("dub techno", duration_s=1, model="musicgen-tiny", seed=3)
        assert isinstance(end, Done), end
        audio, rate = soundfile.read(end.path)
        assert (rate, len(audio)) == (32_000, 32_000)
        assert json.loads(Path(end.path).with_suffix(".json").read_text())["engine"]["model"] == "musicgen-tiny"
        *_, end = client.continue_clip(str(clip), duration_s=1, model="musicgen-tiny")
        assert isinstance(end, Done) and soundfile.info(end.path).frames == 2 * 32_000
        *_, end = client.generate("jazz", duration_s=40, model="musicgen-tiny")
        assert isinstance(end, Fail) and end.message == "MusicGen plays 30 s at most: ask for less"
        assert isinstance([*client.generate("techno", duration_s=0.5, decode="fast")][-1], Done)  # and back to the settings' one
    assert "Traceback" not in daemon.log


def test_the_daemon_plays_a_stable_audio_and_cancels_it(start_daemon, tmp_path):
    needs_module("diffusers", "the extra baselines: pip install diffusers torchsde")
    needs_module("torchsde", "the extra baselines: pip install diffusers torchsde")
    write_tiny_stable_audio(tmp_path / "models" / "stable-audio-tiny")
    daemon = start_daemon(models_folder=tmp_path / "models", engine="engine.pipeline:create_engine", model="sketch")
    with daemon.client() as client:
        *_, end = client.generate("dub techno", bars=1, bpm=124, model="stable-audio-tiny", seed=3)
        assert isinstance(end, Done), end
        assert soundfile.info(end.path).frames == round(4 * 60 / 124 * 8_000) and soundfile.info(end.path).channels == 2
        assert json.loads(Path(end.path).with_suffix(".json").read_text())["engine"]["model"] == "stable-audio-tiny"
        replies = client.generate("dub techno", duration_s=3, model="stable-audio-tiny", id="stopped")
        next(reply for reply in replies if isinstance(reply, ProgressReport))
        with daemon.client() as other:
            other.cancel("stopped")
        *_, end = replies
        assert isinstance(end, Cancelled), end
        *_, end = client.generate("jazz", duration_s=40, model="stable-audio-tiny")
        assert isinstance(end, Fail) and end.message == "Stable Audio plays 4.0 s at most: ask for less"
    assert "Traceback" not in daemon.log
