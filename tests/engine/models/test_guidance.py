"""Branches of guidance: what each reads, and one set of logits out of theirs."""

import pytest
import torch

from engine.api import ModelError
from engine.config import LanguageModelConfig
from engine.models.condition import Condition
from engine.models.guidance import KINDS, NoiseBranch, NullBranch, branches, guided

CLOCK = torch.arange(20).view(1, 10, 2)
PLAIN = Condition(
    torch.tensor([[5, 6]]), torch.zeros(1, 1), torch.ones(1, 1), torch.tensor([[1]]), clock=CLOCK
)  # fmt: skip
NEGATED = Condition(**vars(PLAIN) | {"negative_text": torch.tensor([[5, 0]])})
PROMPT = torch.tensor([[1, 2, 3, 4]])


@pytest.mark.parametrize(
    ("condition", "scale", "count"), [(PLAIN, 1.0, 1), (PLAIN, 3.0, 2), (NEGATED, 1.0, 2), (NEGATED, 3.0, 3)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_branch_for_what_is_needed(kind, condition, scale, count):
    found = branches(condition, PROMPT, 2, scale, KINDS[kind])
    assert len(found) == count and [branch.negative for branch in found[:-1]] == [False] * (count - 1)
    assert found[-1].negative == (scale != 1.0) and found[0].condition is condition
    if condition is NEGATED:
        assert found[1].condition.text.tolist() == [[5, 0]]


def test_the_released_negative_reads_noise_and_token_0():
    branch = NoiseBranch().reads(PLAIN, PROMPT, 2)
    assert branch.audio_prompt.tolist() == [[0, 0, 0, 0]] and branch.condition.clock is CLOCK
    first, again = (NoiseBranch().draw(PLAIN, 8, torch.Generator().manual_seed(1)) for _ in range(2))
    assert first.shape == (1, 3, 8) and torch.equal(first, again) and 0 <= first.min() < first.max() < 1


@pytest.mark.parametrize("condition", [PLAIN, NEGATED])
def test_the_null_negative_reads_nothing_of_the_clip(condition):
    branch = NullBranch().reads(condition, PROMPT, 2)
    assert branch.audio_prompt.tolist() == [[3, 4]] and branch.condition.clock.shape[1] == 8
    assert (branch.condition.clock == -1).all() == (condition is NEGATED)
    assert NullBranch().draw(PLAIN, 8, None) is None


def test_scale_1_is_the_conditional_branch_and_0_the_negative_one():
    conditional, negative = torch.randn(2, 1, 5)
    assert torch.equal(guided([conditional], 1.0), conditional)
    torch.testing.assert_close(guided([conditional, negative], 0.0), negative)
    torch.testing.assert_close(guided([conditional, negative], 3.0), 3 * conditional - 2 * negative)


def test_a_negative_prompt_like_the_prompt_changes_only_the_scale():
    conditional, negative = torch.randn(2, 1, 5)
    torch.testing.assert_close(guided([conditional, conditional, negative], 5.0), guided([conditional, negative], 2.0))


def test_a_negative_of_another_name_is_one_clear_error():
    with pytest.raises(ModelError, match="negative is 'zero': allowed are noise, null"):
        LanguageModelConfig(negative="zero")
    assert set(KINDS) == {"noise", "null"}
