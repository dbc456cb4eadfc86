"""The embedded model's dimensions: the released architecture, small enough for two laptop cores and 40 MB."""

from engine.config import FlowConfig, HiFiCodecConfig, LanguageModelConfig, ModelConfig, WavTokenizerConfig

SKETCH = ModelConfig(
    name="sketch",
    wavtokenizer=WavTokenizerConfig(
        sample_rate=24_000, ratios=(6, 5, 4, 4), n_filters=16, dimension=64, lstm_layers=0, encoder_blocks=4, codebook_size=2048,
        dim=320, intermediate_dim=960, num_layers=8, adanorm_num_embeddings=1, pos_net=False,
    ),
    language_model=LanguageModelConfig(
        text_vocab_size=512, audio_vocab_size=2048, hidden_size=256, intermediate_size=640, num_hidden_layers=6,
        num_attention_heads=4, num_key_value_heads=2, rope_theta=1e4, negative="null",
    ),
    flow=FlowConfig(
        token_vocab_size=2048, input_size=128, width=128, encoder_layers=3, encoder_heads=4, encoder_ffn=256, regulator_blocks=2,
        channels=(128, 128), transformer_blocks=1, mid_blocks=2, attention_heads=4, attention_head_dim=32,
    ),
    hifi_codec=HiFiCodecConfig(
        sampling_rate=48_000, upsample_rates=(8, 5, 4, 3), upsample_kernel_sizes=(16, 11, 8, 7), upsample_initial_channel=256,
        resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),), encoder_channels=8, latent_dim=128, n_codes=512, frame_blocks=6,
    ),
    max_prompt_s=10.0,
    max_tokens=768,
    bar_step=2,
)  # fmt: skip
