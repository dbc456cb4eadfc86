"""What follows, read at once, is what steps say, in rows that begin at different places."""

import pytest
import torch
from torch.testing import assert_close

from engine.models.generation import Decoder
from tests.engine.models.small_language_model import OURS, TINY, build, some_condition, some_tokens


@torch.inference_mode()
@pytest.mark.parametrize(("config", "given"), [(TINY, 0), (OURS, 2)], ids=["one length", "a shorter row"])
def test_what_follows_at_once_is_what_steps_say(config, given):
    decoder = Decoder(build(config))
    prompt, following = some_tokens(1, 3), torch.tensor([5, 9, 2, 7])
    generation = decoder.start(
        some_condition(1, sections=1), audio_prompt=prompt, given=given, max_tokens=6, generator=torch.Generator().manual_seed(0)
    )
    generation.step(torch.tensor([3]))
    embedded = decoder.speech_embedding[following].repeat(generation.branches, 1, 1)
    at_once = decoder.network.follow(embedded, generation.cache)
    one_by_one = [decoder.network.step(embedded[:, i], generation.cache).clone() for i in range(4)]
    assert (generation.cache.mask is not None) == bool(given)
    assert_close(at_once, torch.stack(one_by_one, 1), atol=2e-4, rtol=1e-4)
