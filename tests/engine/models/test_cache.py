"""What a generation has read: rows end at one position, shorter ones begin later behind a mask."""

from __future__ import annotations

import torch

from engine.models.cache import KVCache
from tests.engine.models.small_language_model import TINY


def cache(lengths, rows) -> KVCache:
    return KVCache(TINY, lengths, rows, 12, torch.float32, torch.device("cpu"))


def test_each_layer_has_room_for_every_row():
    made = cache((5,), (3,))
    assert (made.filled, made.capacity, made.mask) == (5, 12, None) and len(made.layers) == TINY.num_hidden_layers
    assert made.layers[0].shape == (2, 3, TINY.num_key_value_heads, 12, TINY.head_dim)


def test_a_shorter_branch_sees_nothing_of_before_it_begins():
    made = cache((5, 3), (2, 1))
    hidden = torch.isinf(made.mask[:, 0, 0])
    assert made.filled == 5 and hidden.shape == (3, 12)
    assert not hidden[:2].any() and hidden[2].nonzero().flatten().tolist() == [0, 1]


def test_positions_count_from_the_beginning_of_the_room():
    made = cache((5,), (1,))
    cos, sin = made.rope_at(4, 6)
    assert cos.shape == sin.shape == (2, 1, TINY.head_dim)
    assert torch.equal(cos[0, 0], made.rope[0][4]) and torch.equal(made.rope_at(0, 1)[0], torch.ones_like(cos[:1]))
