"""A MusicGen of transformers' own classes at tiny size with seeded random weights, written as it is published."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["<pad>", "</s>", "<unk>", "techno", "dub", "124", "bpm", "jazz"]


def write_tiny_musicgen(directory: Path, channels: int = 1) -> Path:
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenForConditionalGeneration,
        PreTrainedTokenizerFast,
        T5Config,
    )
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

    torch.manual_seed(0)
    text = T5Config(vocab_size=len(WORDS), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    audio = EncodecConfig(
        sampling_rate=32_000, num_filters=4, hidden_size=16, upsampling_ratios=[8, 5, 4, 4], codebook_size=32, codebook_dim=16,
        target_bandwidths=[1.0], num_lstm_layers=1, use_causal_conv=False, norm_type="weight_norm",
    )  # fmt: skip
    decoder = MusicgenDecoderConfig(
        vocab_size=32, max_position_embeddings=256, num_hidden_layers=2, ffn_dim=32, num_attention_heads=2, hidden_size=16,
        num_codebooks=4 * channels, audio_channels=channels, pad_token_id=32, bos_token_id=32,
    )  # fmt: skip
    config = MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=audio.to_dict(), decoder=decoder.to_dict())
    model = MusicgenForConditionalGeneration(config)
    with torch.no_grad():
        for head in model.decoder.lm_heads:
            head.weight.normal_(0, 3)  # so that the likeliest token stands apart
        for layer in model.audio_encoder.quantizer.layers:
            layer.codebook.embed.normal_(0, 1)  # which is zero at first: every code would sound alike
    model.generation_config.guidance_scale, model.generation_config.top_k = 3.0, 20
    model.generation_config.decoder_start_token_id = model.generation_config.pad_token_id = 32
    model.generation_config.do_sample = True
    model.save_pretrained(directory)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(directory)
    return directory
