"""The embedded model's dimensions: the released architecture, small enough for two laptop cores and 40 MB."""

from engine.config import (
    FlowConfig,
    HiFiCodecConfig,
    LanguageModelConfig,
    ModelConfig,
    SpectralConfig,
    StyleWords,
    WavTokenizerConfig,
)
from engine.corpus.render import LEVEL_DB
from engine.corpus.styles import STYLES, Style
from engine.music.grid import BARS_PER_PHRASE, CLOCKS_PER_BEAT, MAX_BEATS_PER_BAR


def _words(style: Style) -> StyleWords:
    """What a piece of a style may have, in its captions' words."""
    parts = (part.instruments for part in (style.bass, style.chords, style.pad, style.lead) if part is not None)
    choices = tuple(part for part in parts if len(part) > 1)
    return StyleWords((style.name, *style.synonyms), style.modes, style.moods, choices)


SKETCH = ModelConfig(
    name="sketch",
    wavtokenizer=WavTokenizerConfig(
        sample_rate=24_000,
        ratios=(6, 5, 4, 4),
        dimension=64,
        spectral=SpectralConfig(blocks=3, noise_steps=8),
        codebook_size=2048,
        dim=256,
        intermediate_dim=768,
        num_layers=6,
        adanorm_num_embeddings=1,
        pos_net=False,
    ),
    language_model=LanguageModelConfig(
        text_vocab_size=512,
        audio_vocab_size=2048,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_theta=1e6,
        negative="null",
        clocks_per_bar=CLOCKS_PER_BEAT * MAX_BEATS_PER_BAR,
        bars_per_phrase=BARS_PER_PHRASE,
        n_scales=12,
    ),
    flow=FlowConfig(
        token_vocab_size=2048,
        input_size=128,
        width=128,
        encoder_layers=3,
        encoder_heads=4,
        encoder_ffn=256,
        regulator_blocks=2,
        channels=(128, 128),
        transformer_blocks=1,
        mid_blocks=2,
        attention_heads=4,
        attention_head_dim=32,
        frames_per_token=1,
    ),
    hifi_codec=HiFiCodecConfig(
        sampling_rate=48_000,
        upsample_rates=(8, 5, 6, 4),
        upsample_initial_channel=256,
        latent_dim=128,
        n_codes=512,
        n_residual_levels=8,
        spectral=SpectralConfig(blocks=6, noise_steps=8, highest_tone=11_400.0),
    ),
    guidance=6.0,
    clip_guidance=2.0,
    top_k=100,
    temperature=0.9,
    context_s=10.0,
    max_prompt_s=10.0,
    max_tokens=768,
    level_db=LEVEL_DB,
    usual_bpm=(*((word, sum(style.bpm) / 2) for style in STYLES for word in (style.name, *style.synonyms)), ("", 120.0)),
    width=1.0,
    styles=tuple(_words(style) for style in STYLES),
    negatable=("drums",),
)
