"""`python -m engine`: files, seeds, exit codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.__main__ import main
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("model")))


def run(model: str, file: Path, *options: str) -> int:
    return main(["techno, 120 bpm", "--model", model, "--seconds", "1", "--fast", "-o", str(file), *options])


def unwrapped(capsys) -> str:
    """What was reported on stderr, where a long path moves the ends of the lines."""
    return capsys.readouterr().err.replace("\n", "")


def test_variations_are_files_with_seeds_of_their_own(model, tmp_path, capsys):
    assert run(model, tmp_path / "take.wav", "--seed", "7", "--variations", "2") == 0
    reported = unwrapped(capsys)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["take.1.wav", "take.2.wav"]
    assert "seed 7" in reported and "seed 8" in reported
    assert run(model, tmp_path / "alone.wav", "--seed", "8") == 0
    alone, second = (soundfile.read(tmp_path / name)[0] for name in ("alone.wav", "take.2.wav"))
    assert len(alone) and np.array_equal(alone, second)


def test_what_cannot_be_done_is_said(model, tmp_path, capsys):
    assert run(model, tmp_path / "take.wav", "--variations", "9") == 2
    assert run(model, tmp_path / "nowhere" / "take.wav") == 2
    assert run(str(tmp_path / "no_model"), tmp_path / "take.wav") == 2
    reported = unwrapped(capsys)
    assert "variations is 9" in reported and "choose another place with -o" in reported and "no_model" in reported
    assert list(tmp_path.iterdir()) == []


def test_a_clip_is_upsampled_and_reconstructed(model, tmp_path, capsys):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.random.default_rng(0).normal(0, 0.1, (24_000, 2)), 24_000)
    for task in ("--upsample", "--reconstruct"):
        assert main([task, str(clip), "--model", model, "-o", str(tmp_path / "out.wav")]) == 0
        audio, rate = soundfile.read(tmp_path / "out.wav")
        assert (rate, audio.shape) == (48_000, (48_000, 2))
    with pytest.raises(SystemExit):
        main(["--upsample", str(clip), "--continue", str(clip)])
