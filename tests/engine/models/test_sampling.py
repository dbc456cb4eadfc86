"""Logits → token: the reference's top-k numbers, and the edges of each function."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.models import sampling

GOLDEN = load_file(Path(__file__).parents[2] / "golden" / "llm.io.safetensors")


def draw(logits, **options):
    options = {"k": 350, "temperature": 1.0, "generators": [torch.Generator().manual_seed(0)] * len(logits)} | options
    return sampling.sample(logits, **options)


def test_golden_top_k():
    values, tokens = sampling.top_k(GOLDEN["topk_logp"][None], 35)
    probabilities = torch.zeros(257).scatter(0, tokens[0], values[0].softmax(-1))
    torch.testing.assert_close(probabilities, GOLDEN["topk35_probs"], atol=1e-7, rtol=1e-6)


def test_golden_guidance():
    guided = sampling.guide(GOLDEN["logits_cond"], GOLDEN["logits_uncond"], 3.0)
    torch.testing.assert_close(guided, GOLDEN["logits_cfg3"], atol=2e-4, rtol=0)
    torch.testing.assert_close(guided.log_softmax(-1), GOLDEN["logp_cfg3"], atol=2e-4, rtol=0)


def test_guidance_of_one_and_zero():
    conditional, negative = torch.randn(2, 3, 8)
    assert torch.equal(sampling.guide(conditional, negative, 1.0), conditional)
    assert torch.equal(sampling.guide(conditional, negative, 0.0), negative)


def test_forbid_leaves_its_argument_alone():
    logits = torch.randn(2, 5)
    before = logits.clone()
    forbidden = sampling.forbid(logits, 3)
    assert torch.equal(logits, before)
    assert torch.isneginf(forbidden[:, 3]).all()
    assert torch.equal(forbidden[:, :3], before[:, :3])


def test_of_a_view_nothing_else_can_be_drawn_and_a_piece_ends_between_groups():
    logits = torch.randn(2, 9)
    before = logits.clone()
    first, second = sampling.of_view(logits, 0, 2), sampling.of_view(logits, 1, 2)
    assert torch.equal(logits, before)
    assert torch.equal(first[:, [0, 1, 2, 3, 8]], before[:, [0, 1, 2, 3, 8]]) and torch.isneginf(first[:, 4:8]).all()
    assert torch.equal(second[:, 4:8], before[:, 4:8]) and torch.isneginf(second[:, [0, 1, 2, 3, 8]]).all()


def test_top_k_wider_than_the_vocabulary_keeps_all():
    assert sampling.top_k(torch.randn(2, 5), 350)[0].shape == (2, 5)


@pytest.mark.parametrize("k", [1, 7, 100, 350])
def test_each_row_draws_what_multinomial_draws_of_its_seed(k):
    logits = 3 * torch.randn(200, 400)
    drawn = draw(logits, k=k, temperature=0.7, generators=[torch.Generator().manual_seed(seed) for seed in range(200)])
    values, tokens = sampling.top_k(logits / 0.7, k)
    for seed, (row, own) in enumerate(zip(values.softmax(-1), tokens, strict=True)):
        assert drawn[seed] == own[torch.multinomial(row, 1, generator=torch.Generator().manual_seed(seed))]


def test_of_what_is_no_number_nothing_is_drawn():
    logits = torch.randn(2, 40)
    logits[1, 3] = torch.nan
    with pytest.raises(RuntimeError, match="no numbers"):
        draw(logits)


def test_temperature_zero_is_the_largest():
    logits = torch.randn(4, 100)
    assert torch.equal(draw(logits, temperature=0), logits.argmax(-1))


def test_draws_stay_in_the_top_k_and_reach_all_of_it():
    logits = torch.tensor([0.0, 3.0, 2.9, -1.0, 2.8]).expand(400, 5)
    assert set(draw(logits, k=3).tolist()) == {1, 2, 4}


def test_draws_follow_the_temperature():
    logits = torch.tensor([0.0, 1.0]).expand(20_000, 2)
    for temperature in (0.5, 1.0, 2.0):
        expected = torch.sigmoid(torch.tensor(1.0 / temperature)).item()
        assert abs(draw(logits, temperature=temperature).float().mean().item() - expected) < 0.02


def test_same_seed_same_tokens():
    logits = torch.randn(64, 4097)
    assert torch.equal(draw(logits), draw(logits))
    assert not torch.equal(draw(logits), draw(logits, generators=[torch.Generator().manual_seed(1)] * 64))


def test_a_row_with_its_own_generator_draws_as_it_would_alone():
    logits = torch.randn(3, 4097)
    generators = lambda: [torch.Generator().manual_seed(seed) for seed in (5, 6, 7)]  # noqa: E731
    together = draw(logits, generators=generators())
    for row, generator in enumerate(generators()):
        assert draw(logits[row : row + 1], generators=[generator]) == together[row]


def test_a_forbidden_token_is_never_drawn():
    logits = sampling.forbid(torch.tensor([[0.0, 50.0]]).expand(100, 2), 1)
    assert draw(logits).sum() == 0
