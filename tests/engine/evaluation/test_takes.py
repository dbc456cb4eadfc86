"""What was played is kept and played once: a run that is stopped goes on, and no take of another model is measured."""

import numpy as np
import pytest

from engine.api import AudioChunk, EngineError, Finished, GenerationReport, GenerationRequest, ModelReport
from engine.evaluation import takes, transcriber
from engine.evaluation.music_trials import steadiness_trial
from engine.evaluation.prompts import draw_prompts
from engine.evaluation.sound_trials import sound_trial
from engine.evaluation.takes import Take, TakeFolder
from engine.evaluation.trials import ModelUnderTest, prompt_trial, speed_trial
from engine.report import VariationReport
from tests.synthetic import clicks, noise

RATE = 24_000
MODEL = ModelReport("toy", "abc", 1, "cpu", RATE, RATE)


def report(seed=1, guidance=3.0):
    return GenerationReport(
        MODEL, seed, guidance, 10, 1.0, "words", "fast", 4.0, 0.1, 0.1, 0.1, 4, 4, (VariationReport(seed, 4 * RATE),),
        notes=("as it was read",),
    )  # fmt: skip


class Engine:
    """Plays noise over clicks, by the seed, and counts; `stops_at`: the playing in which the machine fails."""

    def __init__(self, stops_at=None):
        self.played, self.stops_at = [], stops_at

    def generate(self, request, cancelled):
        self.played.append(request)
        if len(self.played) == self.stops_at:
            raise KeyboardInterrupt
        level = {"intro": 0.02, "verse": 0.05, "chorus": 0.1}[request.section]
        seconds, seed = request.duration_s, request.seed or 0
        sound = level * np.roll(noise(seconds, RATE), seed) + 0.3 * clicks(120, seconds, rate=RATE)
        audio = np.stack([sound, sound], 1).astype(np.float32)
        yield AudioChunk(0, 0, RATE, audio)
        yield Finished(len(audio), RATE, False, report(seed, request.guidance or 3.0))


@pytest.fixture
def folder(tmp_path):
    return TakeFolder(tmp_path / "takes", "abc", "cpu")


@pytest.fixture(autouse=True)
def no_transcriber(monkeypatch):
    monkeypatch.setattr(transcriber, "is_there", lambda: False)


def trials(model):
    prompts = draw_prompts(2)
    return prompt_trial(model, prompts, None, {}) + sound_trial(model, prompts) + steadiness_trial(model, prompts)


def test_a_take_comes_back_as_it_was_played(folder, monkeypatch):
    audio = (3 * np.random.default_rng(0).normal(size=(100, 2))).astype(np.float32)  # above full scale too
    request = GenerationRequest(prompt="house", seed=3)
    folder.keep(request, Take(audio, RATE, report(), (1, 2, 3)))
    found = folder.find(request)
    assert np.array_equal(found.audio, audio) and found.samplerate == RATE
    assert (found.report, found.tokens) == (report(), (1, 2, 3))
    assert folder.find(GenerationRequest(prompt="house", seed=4)) is None
    assert TakeFolder(folder.folder, "other", "cpu").find(request) is None
    assert TakeFolder(folder.folder, "abc", "cuda").find(request) is None
    monkeypatch.setattr(takes, "ENGINE", folder.folder)  # other sources
    assert TakeFolder(folder.folder, "abc", "cpu").find(request) is None


def test_the_prompts_are_played_once_for_all_trials_which_measure_the_same(folder):
    kept, anew = Engine(), Engine()
    results = trials(ModelUnderTest(kept, "toy", "fast", takes=folder))
    assert [(one.section, one.seed) for one in kept.played] == [
        ("chorus", 0), ("intro", 0), ("chorus", 1), ("intro", 1), ("verse", 0), ("verse", 1)
    ]  # fmt: skip
    assert results == trials(ModelUnderTest(anew, "toy", "fast"))
    assert len(anew.played) == 8


def test_a_run_that_was_stopped_goes_on_with_what_it_has_played(folder):
    stopped = Engine(stops_at=4)
    with pytest.raises(KeyboardInterrupt):
        trials(ModelUnderTest(stopped, "toy", "fast", takes=folder))
    assert len(folder) == 3
    torn = sorted(folder.folder.glob("*.wav"))[0]
    torn.write_bytes(torn.read_bytes()[:20])
    again = Engine()
    results = trials(ModelUnderTest(again, "toy", "fast", takes=folder))
    assert len(again.played) == 4  # three that were left, and the torn one
    assert results == trials(ModelUnderTest(Engine(), "toy", "fast"))
    assert not list(folder.folder.glob("*.part"))


def test_the_models_own_guidance_is_one_setting_whether_it_is_given_or_not(folder):
    engine = Engine()
    model = ModelUnderTest(engine, "toy", "fast", 3.0, folder)
    for request in ({}, {"guidance": 3.0}, {"guidance": 5.0}):
        model.take(prompt="house", seed=1, duration_s=2.0, **request)
    assert [one.guidance for one in engine.played] == [3.0, 5.0]
    model.beside("other").take(prompt="house", seed=1, duration_s=2.0)
    assert engine.played[-1].guidance is None  # another model has its own


def test_what_has_no_seed_and_what_measures_speed_is_played_each_time(folder):
    engine = Engine()
    model = ModelUnderTest(engine, "toy", "fast", takes=folder)
    for _ in range(2):
        rows = {row.name: row for row in speed_trial(model, ("fast",))}
        model.take(prompt="house", duration_s=2.0)
    assert len(engine.played) == 4 and len(folder) == 0
    assert "depends on what else runs" in rows["real-time factor, fast path"].note
    assert 0 <= rows["processor's work for a second of audio, fast path"].value < 1


def test_a_clip_is_known_by_its_content(folder, tmp_path):
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).write_bytes(b"same")
    first, second = (GenerationRequest(prompt="house", seed=1, clip=str(tmp_path / name)) for name in ("one.wav", "two.wav"))
    folder.keep(first, Take(np.zeros((4, 1), np.float32), RATE, report()))
    assert folder.find(second) is not None
    (tmp_path / "two.wav").write_bytes(b"other")
    assert folder.find(second) is None


def test_what_cannot_be_kept_is_one_sentence(tmp_path):
    (tmp_path / "takes").write_text("a file")
    full = TakeFolder(tmp_path / "takes", "abc", "cpu")
    with pytest.raises(EngineError, match="free some space there, or give another --report folder"):
        full.keep(GenerationRequest(prompt="house", seed=1), Take(np.zeros((4, 1), np.float32), RATE, report()))


def test_it_counts_and_removes_its_takes(folder):
    folder.keep(GenerationRequest(prompt="house", seed=1), Take(np.zeros((4, 1), np.float32), RATE, report()))
    assert len(folder) == 1
    folder.remove()
    assert len(folder) == 0 and not folder.folder.exists()
    folder.remove()  # again: nothing is there
