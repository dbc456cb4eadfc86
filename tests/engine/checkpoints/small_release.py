"""A model in the released layout, built small, and ways to break it.

The golden weights where they fit together (their codebooks repeated to one size), and a seeded codec of the golden flow's width.
"""

import dataclasses
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file

from engine.checkpoints.inspiremusic import CODEC_NAMES
from engine.config import HiFiCodecConfig
from engine.models.hifi_codec import HiFiCodec

GOLDEN = Path(__file__).parents[2] / "golden"
N_TOKENS = 256  # the golden language model's; the other networks' tables are repeated to it
CODEC = HiFiCodecConfig(
    upsample_initial_channel=16, resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),), encoder_channels=2,
    latent_dim=64, n_codes=8,
)  # fmt: skip
QWEN = {
    "model_type": "qwen2", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": True, "vocab_size": 300,
}  # fmt: skip
MUSIC_YAML = """
__set_seed1: !apply:random.seed [1024]
__set_seed2: !apply:torch.manual_seed [1024]
sample_rate: 24000
target_sample_rate: 48000
llm_input_size: 64
basemodel_path: '../../pretrained_models/Small/'
llm: !new:inspiremusic.llm.llm.LLM
    llm_input_size: !ref <llm_input_size>
    sampling: !name:inspiremusic.utils.common.topk_sampling
        top_k: 350
flow: !new:inspiremusic.flow.flow.MaskedDiff
    input_size: 32
    output_size: 80
    vocab_size: 256
    encoder: !new:inspiremusic.transformer.encoder.ConformerEncoder
        output_size: !ref <llm_input_size>
        attention_heads: 4
        linear_units: 128
        num_blocks: 3
    decoder: !new:inspiremusic.flow.flow_matching.ConditionalCFM
        in_channels: 240
        cfm_params: !new:omegaconf.DictConfig
            content:
                inference_cfg_rate: 0.7
        estimator: !new:inspiremusic.flow.decoder.ConditionalDecoder
            channels: [32, 32]
            attention_head_dim: 24
            n_blocks: 2
            num_mid_blocks: 2
            num_heads: 2
allowed_special: 'all'
"""
WAVTOKENIZER_YAML = """
seed_everything: 3407
model:
  class_path: decoder.experiment.WavTokenizer
  init_args:
    sample_rate: 24000
    feature_extractor:
      class_path: decoder.feature_extractors.EncodecFeatures
      init_args: {encodec_model: encodec_24khz, num_quantizers: 1, dowmsamples: [8, 5, 4, 2], vq_bins: 256}
    backbone:
      class_path: decoder.models.VocosBackbone
      init_args: {input_channels: 32, dim: 64, intermediate_dim: 128, num_layers: 2, adanorm_num_embeddings: 4}
    head:
      class_path: decoder.heads.ISTFTHead
      init_args: {dim: 64, n_fft: 1280, hop_length: 320, padding: same}
"""


def write_small_release(root: Path) -> Path:
    (root / "music_tokenizer").mkdir(parents=True)
    (root / "wavtokenizer").mkdir()
    llm = load_file(GOLDEN / "llm.weights.safetensors")
    llm |= {f"llm.model.{tied}.weight": llm["text_embedding.weight"] for tied in ("lm_head", "model.embed_tokens")}
    flow = load_file(GOLDEN / "flow.weights.safetensors")
    flow["input_embedding.weight"] = flow["input_embedding.weight"].repeat(2, 1)
    tokenizer = load_file(GOLDEN / "wavtokenizer.weights.safetensors")
    for name in ("embed", "embed_avg", "cluster_size"):
        key = f"feature_extractor.encodec.quantizer.vq.layers.0._codebook.{name}"
        tokenizer[key] = torch.cat([tokenizer[key]] * 4)
    tokenizer["multiperioddisc.discriminators.0.conv.weight"] = torch.zeros(3)
    torch.manual_seed(0)
    codec = HiFiCodec(CODEC).state_dict()
    parts = {part: {} for part in ("generator", "encoder", "quantizer")}
    for key, tensor in codec.items():
        part, rest = key.split(".", 1)
        parts[part][rest] = tensor
    assert llm["speech_embedding.weight"].shape[0] == flow["input_embedding.weight"].shape[0] == N_TOKENS

    torch.save(llm, root / "llm.pt")
    torch.save(flow, root / "flow.pt")
    torch.save({"state_dict": tokenizer, "epoch": 3, "global_step": 7}, root / "wavtokenizer/model.pt")
    torch.save({**parts, "steps": 5}, root / "music_tokenizer/model.pt")
    (root / "inspiremusic.yaml").write_text(MUSIC_YAML)
    (root / "wavtokenizer/config.yaml").write_text(WAVTOKENIZER_YAML)
    (root / "config.json").write_text(json.dumps(QWEN))
    released_fields = {k: v for k, v in dataclasses.asdict(CODEC).items() if k in CODEC_NAMES}
    (root / "music_tokenizer/config.json").write_text(json.dumps({"resblock": "1", "batch_size": 40, **released_fields}))
    (root / "tokenizer.json").write_text("{}")
    return root


def cut(file: str):
    def damage(root: Path) -> None:
        os.truncate(root / file, (root / file).stat().st_size // 2)

    return damage


def without(file: str):
    return lambda root: (root / file).unlink()


def text(file: str, old: str, new: str):
    def edit(root: Path) -> None:
        content = (root / file).read_text()
        assert old in content
        (root / file).write_text(content.replace(old, new))

    return edit
