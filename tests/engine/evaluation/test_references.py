"""Where reference clips come from."""

import numpy as np
import soundfile

from engine.evaluation import references
from engine.evaluation.references import reference_clips
from tests.engine.conftest import needs_fluidsynth
from tests.synthetic import clicks


def test_from_a_corpus_from_recordings_or_from_nowhere(corpus, tmp_path, monkeypatch):
    clips, origin = reference_clips(2, 1.5, corpus=corpus)
    assert [len(clip) for clip in clips] == [72_000] * 2 and "held-out pieces" in origin
    soundfile.write(tmp_path / "beat.wav", np.stack([clicks(120, 4, rate=24_000)] * 2, 1), 24_000)
    (tmp_path / "notes.txt").write_text("no sound")
    clips, origin = reference_clips(2, 1.5, recordings=tmp_path)
    assert [clip.shape for clip in clips] == [(72_000,)] and origin.startswith("1 recordings")
    monkeypatch.setattr(references.shutil, "which", lambda _: None)
    assert reference_clips(2, 1.5) == ([], "none: give --corpus or --recordings, or install fluidsynth and FluidR3")


@needs_fluidsynth
def test_pieces_are_rendered_where_nothing_is_given():
    (clip,), origin = reference_clips(1, 1.0)
    assert len(clip) == 48_000 and np.sqrt(np.mean(clip**2)) > 0.01 and "rendered here" in origin
