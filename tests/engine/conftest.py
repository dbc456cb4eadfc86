"""The real engine at tiny size, and what all its tests do with it."""

import shutil

import numpy as np
import pytest
import soundfile

from engine.api import AudioChunk, Finished, GenerationRequest, Progress
from engine.corpus.render import SOUNDFONT
from engine.pipeline import Pipeline
from tests.synthetic import write_corpus
from tests.tiny_model import write_tiny_model

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONT.exists(),
    reason="needs fluidsynth: install the Debian packages fluidsynth and fluid-soundfont-gm",
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Three synthetic pieces, one of them held out."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, pieces=3, held_out=1)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture(scope="module")
def engine():
    return Pipeline("cpu")


def run(engine, model, cancelled=lambda: False, **request):
    events = list(engine.generate(GenerationRequest(model=model, **request), cancelled))
    chunks = [e for e in events if isinstance(e, AudioChunk)]
    assert isinstance(events[-1], Finished) and sum(isinstance(e, Finished) for e in events) == 1
    for before, after in zip(chunks, chunks[1:], strict=False):
        assert after.index == before.index + 1 and after.start_frame == before.start_frame + len(before.samples)
    audio = np.concatenate([c.samples for c in chunks]) if chunks else np.zeros((0, 1), np.float32)
    assert events[-1].frames == len(audio)
    return audio, events[-1], chunks, [e for e in events if isinstance(e, Progress)]


def run_variations(engine, cancelled=lambda: False, **request):
    """Audio of each variation, and the end."""
    chunks: dict[int, list[AudioChunk]] = {}
    for event in engine.generate(GenerationRequest(**request), cancelled):
        if isinstance(event, AudioChunk):
            own = chunks.setdefault(event.variation, [])
            assert (event.index, event.start_frame) == (len(own), sum(len(chunk.samples) for chunk in own))
            own.append(event)
    audio = {number: np.concatenate([chunk.samples for chunk in own]) for number, own in chunks.items()}
    assert [own.frames for own in event.report.variations] == [len(audio[number]) for number in sorted(audio)]
    return audio, event


@pytest.fixture
def loop(tmp_path):
    """Two seconds of decaying noise bursts in stereo at 44.1 kHz."""
    rng = np.random.default_rng(0)
    envelope = np.exp(-(np.arange(88_200) % 22_050) / 4_000)
    audio = 0.3 * rng.standard_normal((88_200, 2)) * envelope[:, None]
    soundfile.write(tmp_path / "loop.wav", audio, 44_100, subtype="FLOAT")
    return tmp_path / "loop.wav"
