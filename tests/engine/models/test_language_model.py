"""The language model against the reference's numbers, the released keys, transformers' Qwen2, and its own promises."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2Model

from engine.api import SECTIONS
from engine.config import LanguageModelConfig
from engine.models.condition import SECTION_ROWS, Condition
from engine.models.generation import Decoder
from engine.models.language_model import IGNORED_KEYS, LanguageModel, time_embedding
from tests.engine.models.small_language_model import (
    CLOCKED,
    OURS,
    TINY,
    build,
    some_clock,
    some_condition,
    some_tokens,
    tokens_of,
    with_clock,
)

GOLDEN = Path(__file__).parents[2] / "golden"
TOLERANCE = 2e-4  # llm.json
GOLDEN_CONFIG = LanguageModelConfig(
    text_vocab_size=300, audio_vocab_size=256, hidden_size=64, intermediate_size=160, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2,
)  # fmt: skip
RELEASED = {
    "0.5B": LanguageModelConfig(),
    "1.5B": LanguageModelConfig(hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12),
}


# The reference's numbers


@pytest.fixture(scope="module")
def golden():
    model = LanguageModel(GOLDEN_CONFIG)
    missing, unexpected = model.load_state_dict(load_file(GOLDEN / "llm.weights.safetensors"), strict=False)
    assert not missing
    assert all(is_ignored(key) for key in unexpected)
    return model.eval(), load_file(GOLDEN / "llm.io.safetensors")


def golden_condition(io, prefix=""):
    names = ("multi_time_start", "multi_time_end", "multi_chorus") if prefix == "multi" else ("time_start", "time_end", "chorus")
    return Condition(io["text"], *(io[name].view(1, -1) for name in names))


def golden_noise(io, prefix=""):
    return torch.cat([io[f"{prefix}uncond_{name}"] for name in ("time_start", "time_end", "chorus")], dim=1)


def test_golden_time_embedding(golden):
    _, io = golden
    assert torch.equal(time_embedding(io["time_values"], 64), io["time_embedding_of_values"])


@torch.inference_mode()
def test_golden_conditional(golden):
    model, io = golden
    embeds = model.embed_condition(golden_condition(io), io["audio"])
    assert torch.equal(embeds, io["inputs_embeds_cond"])
    torch.testing.assert_close(model.backbone(embeds), io["hidden_cond"], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(model(embeds), io["logits_cond"], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_golden_negative(golden):
    model, io = golden
    embeds = model.embed_condition(golden_condition(io), io["audio"], torch.tensor([True]), golden_noise(io))
    assert torch.equal(embeds, io["inputs_embeds_uncond"])
    torch.testing.assert_close(model(embeds), io["logits_uncond"], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_golden_several_sections(golden):
    model, io = golden
    embeds = model.embed_condition(golden_condition(io, "multi"), io["audio"])
    assert torch.equal(embeds, io["multi_inputs_embeds"])
    torch.testing.assert_close(model(embeds), io["multi_logits"], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_golden_guided_logits_step_by_step(golden):
    model, io = golden
    generation = Decoder(model).start(golden_condition(io), max_tokens=20, guidance=3.0, noise=golden_noise(io))
    first = io["logits_cfg3"].shape[1] - 20 - 1
    for step in range(21):
        logits = generation.step(io["audio"][:, step - 1] if step else None)
        torch.testing.assert_close(logits, io["logits_cfg3"][:, first + step], atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(logits.log_softmax(-1), io["logp_cfg3"][:, first + step], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", ["t2m", "cont", "t2m_nocfg", "eos_biased"])
def test_golden_decode_loops(golden, name):
    """One second, so at most 75 tokens and no stop before int(0.9 * 75)."""
    model, io = golden
    if name == "eos_biased":
        biased = LanguageModel(GOLDEN_CONFIG)
        biased.load_state_dict(model.state_dict())
        with torch.no_grad():
            biased.llm_decoder.bias[GOLDEN_CONFIG.stop_token] += 50
        model = biased
    generation = Decoder(model).start(
        golden_condition(io),
        audio_prompt=io["audio"] if name == "cont" else None,
        max_tokens=75,
        guidance=1.0 if name == "t2m_nocfg" else 3.0,
        noise=golden_noise(io, "cont_" if name == "cont" else "t2m_"),
    )
    tokens = tokens_of(generation, min_tokens=67, max_tokens=75, temperature=0)
    assert tokens == io[f"{name}_tokens"][0].tolist()


# The released checkpoints


def is_ignored(key):
    return any(re.fullmatch(pattern, key) for pattern, _ in IGNORED_KEYS)


@pytest.mark.parametrize("size", RELEASED)
def test_keys_and_shapes_are_the_released_ones(size):
    released = json.loads((GOLDEN / "manifests" / f"llm_pt_{size}.json").read_text())["tensors"]
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in LanguageModel(RELEASED[size]).state_dict().items()}
    assert ours == {key: shape for key, (shape, _) in released.items() if not is_ignored(key)}


def test_ignored_keys_all_occur_and_are_none_of_ours():
    released = json.loads((GOLDEN / "manifests" / "llm_pt_0.5B.json").read_text())["tensors"]
    for pattern, reason in IGNORED_KEYS:
        assert reason
        assert any(re.fullmatch(pattern, key) for key in released)
    assert not any(is_ignored(key) for key in LanguageModel(TINY).state_dict())


def test_every_section_of_the_contract_has_a_row_of_its_own():
    assert set(SECTION_ROWS) == set(SECTIONS)
    assert sorted(SECTION_ROWS.values()) == list(range(LanguageModelConfig().n_sections))


# Another implementation of the same backbone


@pytest.fixture(scope="module")
def qwen2():
    model = build(TINY)
    other = Qwen2Model(
        Qwen2Config(
            vocab_size=8, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, rms_norm_eps=TINY.rms_norm_eps, rope_theta=TINY.rope_theta,
        )
    )  # fmt: skip
    missing, unexpected = other.load_state_dict(model.backbone.state_dict(), strict=False)
    assert missing == ["embed_tokens.weight"]
    assert not unexpected
    return model, other.eval()


@torch.inference_mode()
def test_backbone_equals_transformers(qwen2):
    model, other = qwen2
    embeds = torch.randn(2, 50, 32, generator=torch.Generator().manual_seed(3))
    hidden = other(inputs_embeds=embeds, use_cache=False).last_hidden_state
    torch.testing.assert_close(model.backbone(embeds), hidden, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_steps_equal_transformers_with_its_cache(qwen2):
    model, other = qwen2
    condition, audio = some_condition(), some_tokens(1, 12)
    generation = Decoder(model).start(condition, max_tokens=12, guidance=1.0)
    result = other(inputs_embeds=model.embed_condition(condition), use_cache=True)
    for token in audio.T:
        torch.testing.assert_close(generation.logits, model.llm_decoder(result.last_hidden_state[:, -1]), atol=1e-4, rtol=1e-5)
        generation.step(token)
        embeds = model.speech_embedding(token)[:, None]
        result = other(inputs_embeds=embeds, past_key_values=result.past_key_values, use_cache=True)


# Generation


@torch.inference_mode()
def test_bfloat16_stays_near_float32():
    model, condition = build(OURS), some_condition()
    exact, rounded = (Decoder(model, dtype).start(condition, max_tokens=8) for dtype in (torch.float32, torch.bfloat16))
    for token in some_tokens(1, 8).T:
        a, b = exact.step(token), rounded.step(token)
        assert b.dtype == torch.float32
        error = (a - b).norm() / a.norm()
        assert 0 < error < 0.08  # 8 bits of mantissa, magnified by a guidance of 3


# Training


@pytest.mark.parametrize("config", [OURS, CLOCKED], ids=["no clock", "clock"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_weight_gets_a_gradient(dtype, config):
    model, condition = build(config), with_clock(some_condition(2), some_clock(2, 11))
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        embeds = model.embed_condition(condition, some_tokens(2, 10), torch.tensor([False, True]))
        logits = model(embeds)
    logits.float().log_softmax(-1)[..., 0].mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.inference_mode()
def test_condition_dropout_is_the_negative_row():
    """A dropped piece in a training batch is exactly what guidance later uses; its neighbour is untouched."""
    model, condition, audio = build(OURS), some_condition(2), some_tokens(2, 4)
    plain = model.embed_condition(condition, audio)
    dropped = model.embed_condition(condition, audio, torch.tensor([False, True]))
    assert torch.equal(dropped[0], plain[0])
    assert torch.count_nonzero(dropped[1, 1:3]) == 0  # times
    assert torch.equal(dropped[1, 3], model.chorus_embedding.weight[OURS.n_sections])
    assert torch.equal(dropped[1, 4:11], model.text_embedding.weight[0].expand(7, -1))
    assert torch.equal(dropped[1, 11:], plain[1, 11:])  # task, audio


@torch.inference_mode()
def test_no_frame_depends_on_the_future():
    model, embeds = build(TINY), torch.randn(1, 20, 32)
    changed = embeds.clone()
    changed[:, 12:] += 1
    assert torch.equal(model(embeds)[:, :12], model(changed)[:, :12])


def test_likelihood_is_that_of_each_token_after_those_before():
    model = build(CLOCKED)
    audio, condition = some_tokens(2, 9), with_clock(some_condition(2), some_clock(2, 10))
    generation = Decoder(model, torch.float32).start(condition, max_tokens=9, guidance=1.0)
    steps = [generation.step(None if i == 0 else audio[:, i - 1]).log_softmax(-1) for i in range(9)]
    expected = torch.stack([step.gather(1, audio[:, i : i + 1])[:, 0] for i, step in enumerate(steps)], 1).mean(1)
    torch.testing.assert_close(model.likelihood(condition, audio), expected, atol=1e-4, rtol=1e-4)
