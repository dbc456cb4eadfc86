"""The models that others publish: which there are, by which names they are found, what of their files is needed."""

import pytest

from engine.api import ModelError
from engine.checkpoints.published import PUBLISHED, find_published
from tests.hub import NAME, NOT_NEEDED, SIZES, SMALL


def test_the_eight_variants_are_those_of_the_paper():
    assert len(PUBLISHED) == 8 and len({one.hugging_face for one in PUBLISHED.values()}) == 5
    reported = {(one.size, one.samplerate, one.has_flow) for one in PUBLISHED.values()}
    assert len(reported) == 6  # the Long ones differ in what they learnt
    assert find_published("InspireMusic-0.5B").name == NAME and find_published("0.5b-24khz").name == NAME + "-24kHz"
    assert PUBLISHED["InspireMusic-1.5B"].parameters == pytest.approx(1.8e9, rel=0.02)  # as the paper's table says
    assert PUBLISHED["InspireMusic-Base"].parameters == pytest.approx(0.8e9, rel=0.1)



@pytest.mark.parametrize("asked", ["InspireMusic-1.5B-Long", "1.5b-long", "  INSPIREMUSIC-1.5B-LONG "])
def test_a_name_is_found_in_any_case_with_or_without_the_family(asked):
    assert find_published(asked) is PUBLISHED["InspireMusic-1.5B-Long"]


@pytest.mark.parametrize(
    "asked, nearest",
    [
        ("InspireMusic-1.5B-Lang", "InspireMusic-1.5B-Long"),
        ("inspire-music-base", "InspireMusic-Base"),
        ("1.5-long", "InspireMusic-1.5B-Long"),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest(asked, nearest):
    with pytest.raises(ModelError, match=rf"^no model '{asked}' is published: did you mean {nearest}\? there are .*"):
        find_published(asked)



def test_of_a_repository_only_what_the_model_is_made_of_is_wanted():
    whole, fast = PUBLISHED[NAME], PUBLISHED[NAME + "-fast"]
    assert all(whole.wants(file) for file in (*SIZES, *SMALL, "LICENSE", "LICENSE.txt"))
    assert not any(whole.wants(file) for file in (*NOT_NEEDED, "examples/llm.pt", "asset/LICENSE.png"))
    assert fast.wants("llm.pt") and not fast.wants("flow.pt") and not fast.wants("music_tokenizer/model.pt")


def test_what_a_set_of_files_lacks_is_named_with_what_would_do_instead():
    whole, files = PUBLISHED[NAME], set(SIZES) | set(SMALL)
    assert whole.lacks(files) == []
    assert whole.lacks(files - {"flow.pt"}) == ["flow.pt"] and PUBLISHED[NAME + "-fast"].lacks(files - {"flow.pt"}) == []
    without = files - {"tokenizer.json"}
    assert whole.lacks(without) == ["tokenizer.json or vocab.json", "tokenizer.json or merges.txt"]
    assert whole.lacks(without | {"vocab.json", "merges.txt"}) == []
