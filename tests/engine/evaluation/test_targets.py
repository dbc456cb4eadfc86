"""Which trials a model is judged by, as what there is to judge it with. The trials themselves are tested one by one."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from engine.api import EngineError
from engine.evaluation import targets
from engine.evaluation.results import Result

ALL = {
    "trials": ["prompt_trial", "distribution_trial", "long_form_trial", "speed_trial"],
    "sound_trials": ["sound_trial", "diversity_trial"], "music_trials": ["steadiness_trial", "variety_trial"],
    "continuation_trials": ["continuation_trial", "edit_trial", "loop_trial"], "recorded_trials": ["recorded_trial"],
}  # fmt: skip
WITHOUT_CORPUS = ["prompt_trial", "sound_trial", "steadiness_trial", "speed_trial"]


@pytest.fixture
def judged(monkeypatch):
    """The trials that were asked for, in their order; each answers with a row of its name."""
    asked = []

    def instead(name):
        def trial(*_):
            asked.append(name)
            row = Result(name, 1.0)
            return row if name in ("distribution_trial", "diversity_trial") else [row]

        return trial

    for module, names in ALL.items():
        for name in names:
            monkeypatch.setattr(getattr(targets, module), name, instead(name))
    monkeypatch.setattr(targets, "codec_trial", instead("codec_trial"))
    monkeypatch.setattr(targets.MusicClassifier, "train", lambda *_, **__: "classifier")
    monkeypatch.setattr(targets.trials, "classifier_accuracy", lambda classifier, held_out, change=None: {"style": 98.6})
    return asked


def options(**given):
    return Namespace(**{"corpus": None, "loops": None, "recordings": None, "long": None} | given)


def with_corpus(monkeypatch, learnt=1, held_out=1, sections=("intro", "verse", "chorus", "outro")):
    pieces = {False: ["p"] * learnt, True: ["q"] * held_out}
    facts = {name: {"sections": [{"label": label} for label in sections]} for name in "pq"}
    monkeypatch.setattr(targets, "Corpus", lambda folder, held_out=False: SimpleNamespace(names=pieces[held_out], facts=facts))


def all_of(**given):
    model = SimpleNamespace(decode="fast")
    prepared = SimpleNamespace(checkpoint=SimpleNamespace(bytes=30_000_000))
    return targets.target_trials(model, prepared, ("fast",), 3, options(**given), lambda text: None)


def test_without_a_corpus_it_says_what_is_not_measured(judged):
    results, facts = all_of()
    assert judged == WITHOUT_CORPUS and facts == {}
    assert (results[0].name, results[0].value, results[0].bar, results[0].at_most) == ("shipped weights", 30.0, 40.0, True)
    (missing,) = [one for one in results if one.value is None]
    assert missing.note == "give --corpus" and "continuation" in missing.name


def test_a_corpus_brings_all_that_needs_a_classifier_and_says_how_good_that_is(judged, monkeypatch):
    with_corpus(monkeypatch)
    results, facts = all_of(corpus="folder")
    corpus = ["codec_trial", "continuation_trial", "edit_trial", "distribution_trial", "diversity_trial", "variety_trial"]
    assert sorted(judged) == sorted([*WITHOUT_CORPUS, *corpus]) and judged[-1] == "speed_trial"
    assert [one.name for one in results[1:]] == judged
    assert list(facts.values()) == [{"style": 99}, {"style": 99}]


@pytest.mark.parametrize(
    ("given", "name"), [("loops", "loop_trial"), ("recordings", "recorded_trial"), ("long", "long_form_trial")]
)
def test_each_further_thing_that_is_given_brings_its_trial(judged, given, name):
    all_of(**{given: 2.0 if given == "long" else "folder"})
    assert sorted(judged) == sorted([*WITHOUT_CORPUS, name])


@pytest.mark.parametrize(("learnt", "held_out"), [(1, 0), (0, 1), (0, 0)])
def test_a_folder_that_is_no_corpus_is_one_sentence_before_anything_is_played(judged, monkeypatch, learnt, held_out):
    with_corpus(monkeypatch, learnt, held_out)
    with pytest.raises(EngineError, match="^folder is no corpus: it needs pieces to learn from and held-out ones"):
        all_of(corpus="folder")
    assert judged == []


def test_a_corpus_whose_held_out_pieces_lack_a_section_is_one_sentence(judged, monkeypatch):
    with_corpus(monkeypatch, sections=("intro", "chorus"))
    with pytest.raises(EngineError, match="held-out ones with intro, verse, chorus"):
        all_of(corpus="folder")
    assert judged == []
