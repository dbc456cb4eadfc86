"""Adapters: merged into the weights they give the same logits."""

import torch

from engine.models.sketch.language_model import build_language_model
from engine.training.low_rank import Adapters
from tests.tiny_model import TINY


def test_merged_weights_give_the_logits_the_adapters_gave():
    torch.manual_seed(0)
    model = build_language_model(TINY.language_model)
    inputs = torch.randn(2, 12, TINY.language_model.hidden_size)
    plain = model(inputs)
    adapters = Adapters(model, rank=4)
    torch.testing.assert_close(model(inputs), plain, rtol=0, atol=0)  # nothing is changed at first
    for change in adapters.changes:
        torch.nn.init.normal_(change.up)
    model(inputs).sum().backward()
    assert all(p.grad is not None for p in adapters.parameters()) and all(p.grad is None for p in model.parameters())
    adapted = model(inputs).detach()
    adapters.merge()
    assert not torch.allclose(adapted, plain, atol=0.1)
    torch.testing.assert_close(model(inputs), adapted, rtol=1e-4, atol=1e-4)
    assert model.state_dict().keys() == build_language_model(TINY.language_model).state_dict().keys()
