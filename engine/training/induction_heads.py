"""Initial weights of a small language model with induction heads, which large ones form only after billions of tokens.

An induction head attends to the last occurrence of the present token and predicts what followed it then (arXiv 2209.11895).
That helps most in music made of repeated bars, and a few million tokens are too few for it to form by itself, so its two parts
are written into the initial weights: in the first layer a head that carries each token to its successor, in the second one that
compares it with the present token and fetches what followed.

A caption is a few words before hundreds of tokens. A second head of the first layer attends to those words from every position,
so that their mean can be learnt from at once; it passes over dropped text and unknown words. All weights stay trainable.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.models.language_model import Attention, LanguageModel, Layer
from engine.models.sketch.language_model import SketchLanguageModel

LAG_SHARPNESS = 6.5  # length of each rotary pair of the first head's constant query and key
MATCH_SCORE = 14.0  # attention logit of a match in the second head
# Share of rotary pairs that rotate fast enough to separate positions a few bars apart (theta 1e6); the others compare tokens.
POSITION_FREE_FROM = 7 / 16
ASIDE = 0.3  # initial scale of words and musical time beside the tokens, so that they do not mask the present token
WORD_SCORE = 9.0  # attention logit of a word in the text head, where audio has about 0
EMPTY_WORDS = 2  # the first rows of the text table: dropped text, an unknown word


@torch.no_grad()
def initialize_induction_heads(model: LanguageModel, generator: torch.Generator) -> None:
    """Rewrites parts of layers 0 and 1, the text table and the head, in place. Needs two layers and two key heads."""
    config = model.config
    width, d = config.hidden_size, config.head_dim
    group = config.num_attention_heads // config.num_key_value_heads
    basis = torch.linalg.qr(torch.randn(width, width, generator=generator))[0].T  # rows: an orthonormal basis
    # A token is read by `identity`; its successor holds it in `carried`; `rest` is free for what is fetched.
    identity, carried, rest = basis[:d], basis[d : 2 * d], basis[2 * d :]
    pairs = torch.arange(round(POSITION_FREE_FROM * d / 2), d // 2)
    free = torch.cat([pairs, pairs + d // 2])

    embedding = model.speech_embedding.weight
    size = float(embedding.norm(dim=1).mean())
    first, second, *_ = layers = _layers(model)
    for layer in layers:  # every other part begins at zero: its noise would mask the two heads
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    if isinstance(model, SketchLanguageModel) and config.clocks_per_bar:
        for times in (model.clock_embedding, model.bar_embedding):
            times.weight *= ASIDE
    _previous_token_head(model, first.self_attn, identity, carried, size)
    _text_head(model, first.self_attn, rest, size, free)
    attention = second.self_attn
    mixer = torch.linalg.qr(torch.randn(d, d, generator=generator))[0][: len(free)]
    # After layer 0 the residual is the token's own embedding plus, as long, the carried one; normalised to length sqrt(width).
    part = math.sqrt(width / 2)
    scale = math.sqrt(MATCH_SCORE * math.sqrt(d) / (part * math.sqrt(d / width) * part * len(free) / d))
    for kv in range(config.num_key_value_heads):
        rows, head = slice(kv * d, (kv + 1) * d), kv * group
        query = slice(head * d, (head + 1) * d)
        attention.k_proj.weight[rows] = 0
        attention.k_proj.weight[rows][free] = scale * mixer @ carried
        attention.q_proj.weight[query] = 0
        attention.q_proj.weight[query][free] = scale * mixer @ identity
        fetched = rest[kv * len(rest) // config.num_key_value_heads :][:d]  # each fetches another part of the token
        attention.v_proj.weight[rows][: len(fetched)] = fetched
        attention.o_proj.weight[:, query][:, : len(fetched)] = 4 * size / part * fetched.T
    model.llm_decoder.weight[: config.audio_vocab_size] = embedding / embedding.norm(dim=1, keepdim=True)


def _layers(model: LanguageModel) -> list[Layer]:
    return [layer for layer in model.backbone.layers if isinstance(layer, Layer)]


def _previous_token_head(model: LanguageModel, attention: Attention, identity: Tensor, carried: Tensor, size: float) -> None:
    """Layer 0, head 0: constant query and key whose rotation agrees best one position apart; writes `identity` into `carried`."""
    config = model.config
    d = config.head_dim
    rates = config.rope_theta ** (-torch.arange(0, d, 2).float() / d)
    fast = (torch.arange(d // 2) < 16).float() * LAG_SHARPNESS
    attention.k_proj.weight[:d], attention.q_proj.weight[:d] = 0, 0
    attention.k_proj.bias[:d] = torch.cat([fast, torch.zeros(d // 2)])
    attention.q_proj.bias[:d] = torch.cat([fast * rates.cos(), -fast * rates.sin()])
    attention.v_proj.weight[:d] = identity
    attention.o_proj.weight[:, :d] = size / math.sqrt(config.hidden_size * d / config.hidden_size) * carried.T


def _text_head(model: LanguageModel, attention: Attention, rest: Tensor, size: float, free: Tensor) -> None:
    """Layer 0, the second key head's first query: a constant query that only words match; writes their mean.

    Words are marked by a direction of their own, the last of `rest`, as long as all else of the embedding.
    """
    config = model.config
    d, flag, table = config.head_dim, rest[-1], model.text_embedding.weight
    head = config.num_attention_heads // config.num_key_value_heads
    keys, query = slice(d, 2 * d), slice(head * d, (head + 1) * d)
    for words in (table[EMPTY_WORDS:], model.chorus_embedding.weight[: config.n_sections]):  # a section's label is a word, too
        words += torch.outer(size - words @ flag, flag)
    level = math.sqrt(config.hidden_size / 2)  # of the flag in a word, normalised
    sharpness = math.sqrt(WORD_SCORE * math.sqrt(d) / len(free))
    for projection in (attention.k_proj, attention.q_proj):
        rows = keys if projection is attention.k_proj else query
        projection.weight[rows] = 0
        projection.bias[rows] = 0
    attention.q_proj.bias[query][free] = sharpness
    attention.k_proj.weight[keys][free] = sharpness / level * flag.expand(len(free), -1)
    content = rest[: d] if len(rest) > d else rest[:-1]
    attention.v_proj.weight[keys][: len(content)] = content
    attention.o_proj.weight[:, query][:, : len(content)] = ASIDE * 4 * size / level * content.T
