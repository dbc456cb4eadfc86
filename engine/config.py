"""What a model is made of: one frozen dataclass per network, plus `ModelConfig` that joins them.

Defaults are the released InspireMusic checkpoints' sizes (0.5B for the language model). The embedded
model uses the same classes with other numbers; fields marked "ours" are off (0 or False) in a released model.
Widths are channels, rates are Hz.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from engine.api import ModelError

NEGATIVE_BRANCHES = ("noise", "null")  # see `engine.models.guidance`


@dataclass(frozen=True)
class SpectralConfig:
    """Insides of a codec that only `sketch` has: ConvNeXt blocks at frame rate between two spectral views and a bank of tones and
    noise, see `engine.models.sketch`.
    """

    blocks: int
    noise_steps: int = 4  # a frame, in which the noise has its levels
    highest_tone: float = 4_200.0  # Hz; what is above is noise


@dataclass(frozen=True)
class WavTokenizerConfig:
    """24 kHz mono audio ↔ one token stream. `ratios` as published: the encoder applies them reversed."""

    sample_rate: int = 24_000
    ratios: tuple[int, ...] = (8, 5, 4, 2)
    n_filters: int = 32
    dimension: int = 512  # width of encoder output and codebook vectors
    kernel_size: int = 7
    residual_kernel_size: int = 3
    last_kernel_size: int = 7
    compress: int = 2
    lstm_layers: int = 2
    # Ours, in place of SEANet and the inverse STFT; None as released. `blocks` are the encoder's, behind each view.
    spectral: SpectralConfig | None = None
    codebook_size: int = 4096
    dim: int = 768
    intermediate_dim: int = 2304
    num_layers: int = 12
    adanorm_num_embeddings: int = 4
    pos_net: bool = True  # False is ours: without it the decoder is local in time and streams exactly

    @property
    def hop_length(self) -> int:
        return math.prod(self.ratios)

    @property
    def n_fft(self) -> int:
        return 4 * self.hop_length

    @property
    def frame_rate(self) -> float:
        return self.sample_rate / self.hop_length


@dataclass(frozen=True)
class LanguageModelConfig:
    """Qwen2 backbone with the music model's own tables and head. Audio tokens 0..audio_vocab_size-1, stop = audio_vocab_size."""

    text_vocab_size: int = 151_936
    audio_vocab_size: int = 4096
    hidden_size: int = 896
    intermediate_size: int = 4864
    num_hidden_layers: int = 24
    num_attention_heads: int = 14
    num_key_value_heads: int = 2
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    n_sections: int = 5
    # Guidance's negative row. "noise": as released (uniform noise for times and label, text ids 0, prompt audio token 0).
    # "null", ours: times zero, label row `n_sections` (one extra row), text ids 0, prompt audio kept; as it was trained.
    negative: str = "noise"
    clocks_per_bar: int = 0  # ours: rows for a frame's place in its bar, 24 to a quarter note; 0: no musical time
    bars_per_phrase: int = 0  # ours: rows for the bar's place in its phrase
    n_scales: int = 0  # ours: rows for how much likelier each token is in a scale, one from each pitch class; 0: no scale bias

    def __post_init__(self) -> None:
        if self.negative not in NEGATIVE_BRANCHES:
            raise ModelError(f"language_model: negative is {self.negative!r}: allowed are {', '.join(NEGATIVE_BRANCHES)}")

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def stop_token(self) -> int:
        return self.audio_vocab_size


@dataclass(frozen=True)
class FlowConfig:
    """Tokens → codec latents by flow matching (SRFM). `width` of the encoder = latent width."""

    token_vocab_size: int = 4096
    input_size: int = 256
    width: int = 512
    encoder_layers: int = 3
    encoder_heads: int = 4
    encoder_ffn: int = 1024
    encoder_proj_size: int = 80  # a projection in flow.pt that nothing uses
    regulator_blocks: int = 4
    channels: tuple[int, ...] = (256, 256)
    transformer_blocks: int = 4  # after each residual block
    mid_blocks: int = 8
    attention_heads: int = 8
    attention_head_dim: int = 64
    frames_per_token: int = 2  # 2: latents at twice the token rate (48 kHz models); 1: 24 kHz models
    steps: int = 10
    guidance_rate: float = 0.7


@dataclass(frozen=True)
class HiFiCodecConfig:
    """Latents ↔ waveform. Field names are those of the released music_tokenizer/config.json where it has them."""

    sampling_rate: int = 48_000
    upsample_rates: tuple[int, ...] = (8, 5, 4, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 11, 8, 4)
    upsample_initial_channel: int = 512
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    encoder_channels: int = 32  # after the encoder's first convolution; doubled at each stage
    latent_dim: int = 512
    n_code_groups: int = 2
    n_residual_levels: int = 2
    n_codes: int = 1024
    # Ours, in place of both halves; None as released. `blocks` are the generator's; the encoder has half of them a view.
    spectral: SpectralConfig | None = None

    @property
    def hop_length(self) -> int:
        return math.prod(self.upsample_rates)

    @property
    def frame_rate(self) -> float:
        return self.sampling_rate / self.hop_length


@dataclass(frozen=True)
class StyleWords:
    """A style in the words of a model that has learnt it: what a piece of it may have."""

    names: tuple[str, ...]
    modes: tuple[str, ...] = ("minor", "major")
    moods: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()  # of each pitched part the instruments that may play it


@dataclass(frozen=True)
class ModelConfig:
    """One complete model. Written as `model.json` in our layout; derived from the released files otherwise."""

    name: str = "sketch"
    wavtokenizer: WavTokenizerConfig = field(default_factory=WavTokenizerConfig)
    language_model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    flow: FlowConfig | None = field(default_factory=FlowConfig)
    hifi_codec: HiFiCodecConfig | None = field(default_factory=HiFiCodecConfig)
    # How the model is sampled unless a request says otherwise; the released models' recommended values.
    guidance: float = 3.0
    clip_guidance: float = 3.0  # likewise where a clip is continued
    top_k: int = 350
    temperature: float = 1.0
    context_s: float = 5.0  # of a clip, that the model reads unless a request says otherwise
    max_prompt_s: float = 30.0  # the longest audio prompt the language model saw in training
    # Audio tokens, prompt included, the language model was trained to look back on; 0: as many as a piece has.
    max_tokens: int = 0
    # Ours: the tempi in bpm the model has words for; an asked tempo is written as the nearest. Empty: any.
    tempo_words: tuple[int, ...] = ()
    # Ours: RMS level in dBFS of what the model was trained on; a clip is brought to it before it is encoded. None: as it is.
    level_db: float | None = None
    # Ours: (word, bpm), the tempo where a request states none: of the first whose word is in the prompt; "" is in every one.
    usual_bpm: tuple[tuple[str, float], ...] = ()
    # Ours: width of the stereo that is made of what it plays in mono, 0 to 1, unless a request says otherwise.
    width: float = 0.0
    # Ours: the styles the model has learnt. What a prompt leaves open is drawn from them, from the seed. Empty: nothing is drawn.
    styles: tuple[StyleWords, ...] = ()
    # Ours: instruments a prompt can negate, "no drums", as captions in training did; each makes a negative prompt. Empty: none.
    negatable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.wavtokenizer.codebook_size != self.language_model.audio_vocab_size:
            raise ModelError(
                f"{self.name}: tokenizer has {self.wavtokenizer.codebook_size} codes but the language model "
                f"{self.language_model.audio_vocab_size}: the files belong to different models"
            )

    @property
    def token_rate(self) -> float:
        return self.wavtokenizer.frame_rate


NetworkConfig = WavTokenizerConfig | LanguageModelConfig | FlowConfig | HiFiCodecConfig
Configuration = TypeVar("Configuration", bound=ModelConfig | NetworkConfig | StyleWords)
# Of `ModelConfig`'s fields, those that are a network's own configuration.
PARTS: dict[str, type[NetworkConfig]] = {
    "wavtokenizer": WavTokenizerConfig,
    "language_model": LanguageModelConfig,
    "flow": FlowConfig,
    "hifi_codec": HiFiCodecConfig,
}


def load_model_config(path: Path) -> ModelConfig:
    """Reads `model.json`. Unknown keys and missing files raise ModelError."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from None
    return from_mapping(ModelConfig, values, str(path))


def from_mapping(cls: type[Configuration], values: object, where: str) -> Configuration:
    """A frozen configuration from plain data: nested, lists as tuples, unknown keys rejected."""
    fields = {f.name: f for f in dataclasses.fields(cls)}
    if not isinstance(values, dict):
        raise ModelError(f"{where}: {cls.__name__} must be a mapping, got {type(values).__name__}")
    if cls is ModelConfig:
        names = {key: name for name, key in FILE_KEYS.items()}
        values = {names.get(str(key), str(key)): value for key, value in values.items()}
    if cls in SPECTRAL_BLOCKS:
        values = _with_spectral(values, SPECTRAL_BLOCKS[cls])
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ModelError(f"{where}: unknown keys {', '.join(unknown)}; {cls.__name__} has {', '.join(fields)}")
    built: dict[str, Any] = {}
    for name, value in values.items():
        if name in PARTS and cls is ModelConfig and value is not None:
            value = from_mapping(PARTS[name], value, f"{where}, {name}")
        if name == "styles" and cls is ModelConfig:
            value = [from_mapping(StyleWords, style, f"{where}, {name}") for style in value]
        built[name] = _frozen(value)
    return cls(**built)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def to_mapping(config: ModelConfig) -> dict[str, Any]:
    """Plain data for `model.json`."""
    values = dataclasses.asdict(config)
    for name, blocks in (("wavtokenizer", SPECTRAL_BLOCKS[WavTokenizerConfig]), ("hifi_codec", SPECTRAL_BLOCKS[HiFiCodecConfig])):
        if (codec := values[name]) is not None and (spectral := codec.pop("spectral")) is not None:
            codec |= {blocks: spectral.pop("blocks")} | spectral
    return {FILE_KEYS.get(name, name): value for name, value in values.items()}


FILE_KEYS = {"negatable": "deniable"}  # fields of ModelConfig that `model.json` has under another name
# The key of `SpectralConfig.blocks` in `model.json`, where it stands beside the codec's other values; 0: there is none.
SPECTRAL_BLOCKS: dict[type, str] = {WavTokenizerConfig: "encoder_blocks", HiFiCodecConfig: "frame_blocks"}


def _with_spectral(values: dict[str, Any], blocks: str) -> dict[str, Any]:
    """A codec's values as `model.json` has them → as its configuration has them."""
    kept = {field.name: values[field.name] for field in dataclasses.fields(SpectralConfig)[1:] if field.name in values}
    spectral = SpectralConfig(values.get(blocks, 0), **kept)
    return {name: value for name, value in values.items() if name not in (blocks, *kept)} | {
        "spectral": spectral if spectral.blocks else None
    }
