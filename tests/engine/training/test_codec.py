"""Codec training: codebooks that keep their codes alive, the spectral distance, and a smoke run of either codec."""


import pytest
import torch
import torch.nn.functional as F

from engine.models.sketch.spectral import C1, CHORDS, BandSpectrum, TonesAndNoise
from engine.training import codec as stage
from engine.training.codec import CodecTrainer, MovingAverageCodebook, ToneLoss, build, spectral_distance, train
from engine.training.pack import load_codec
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY

KINDS = ("wavtokenizer", "hifi_codec")


def clusters(count, dimension, each=64):
    generator = torch.Generator().manual_seed(0)
    centres = 5 * torch.randn(count, dimension, generator=generator)
    return centres, (centres[:, None] + 0.1 * torch.randn(count, each, dimension, generator=generator)).flatten(0, 1)


def test_codes_come_to_rest_on_the_clusters_and_dead_ones_revive():
    torch.manual_seed(0)
    centres, vectors = clusters(8, 4)
    codes = torch.full((8, 4), 100.0) + torch.arange(8)[:, None]  # far from everything: all but one would stay dead for ever
    book = MovingAverageCodebook(codes)
    book.started.fill_(1)
    first_uses = torch.cdist(vectors, codes).argmin(1).unique().numel()
    for _ in range(400):
        book.update(codes, vectors, torch.cdist(vectors, codes).argmin(1))
    assert first_uses == 1
    assert torch.cdist(vectors, codes).argmin(1).unique().numel() >= 7
    assert torch.cdist(vectors, codes).amin(1).mean() < 0.2 * torch.cdist(vectors, centres.mean(0, keepdim=True)).mean()


def test_the_first_batch_gives_the_first_codes():
    _, vectors = clusters(4, 4)
    codes = torch.zeros(16, 4)
    MovingAverageCodebook(codes).update(codes, vectors, torch.zeros(len(vectors), dtype=torch.long))
    assert torch.cdist(codes, vectors).amin(1).max() < 0.05


def test_spectral_distance_is_zero_for_the_same_and_a_gain_in_nepers():
    audio = torch.randn(2, 24_000, generator=torch.Generator().manual_seed(0))
    level, magnitude = spectral_distance(audio, audio, 24_000)
    assert level == 0 and magnitude == 0
    level, magnitude = spectral_distance(0.5 * audio, audio, 24_000)
    assert level.item() == pytest.approx(0.693, abs=0.01) and magnitude.item() == pytest.approx(0.5, abs=0.01)


def test_spectral_distance_ignores_phase_and_covers_every_range():
    """Partials that begin elsewhere are the same but for the mirrored ends; another note and a stroke of 10 ms are not."""
    t = torch.arange(48_000) / 24_000
    sounds = {
        name: sum(0.1 * torch.sin(2 * torch.pi * hz * t + phase) for hz, phase in zip(tones, phases, strict=True))[None]
        for name, tones, phases in (
            ("octaves", (110, 440, 1760), (0, 0, 0)), ("turned", (110, 440, 1760), (1, 2, 3)),
            ("semitone", (110, 466.2, 1760), (0, 0, 0)),
        )
    }  # fmt: skip
    sounds["stroke"] = sounds["octaves"].clone()
    sounds["stroke"][0, 24_000:24_240] += 0.3 * torch.randn(240, generator=torch.Generator().manual_seed(0))
    level, magnitude = zip(*(spectral_distance(sound, sounds["octaves"], 24_000) for sound in sounds.values()), strict=True)
    _, turned, semitone, stroke = level
    assert magnitude[1] < 0.2 * magnitude[2] and turned < 0.4 * semitone and turned < 0.4 * stroke


def test_the_distance_covers_soft_edges_and_rasping_within_a_frame():
    """Against how far one noise is from another that is alike."""
    rng = torch.Generator().manual_seed(0)
    strokes = torch.zeros(1, 48_000)
    strokes[:, ::6000] = 1
    t = torch.arange(3000) / 24_000
    edges = {name: torch.exp(-t / 0.03) * (t / rise_s).clamp(max=1) for name, rise_s in (("hard", 1e-6), ("soft", 0.012))}
    envelopes = {
        name: F.conv1d(F.pad(strokes[None], (2999, 0)), edge.flip(0)[None, None])[0].clamp(min=1e-3)
        for name, edge in edges.items()
    }
    envelopes["rasping"] = envelopes["hard"] * (1 + 0.8 * torch.cos(2 * torch.pi * 100 * torch.arange(48_000) / 24_000))

    def played(name):
        return 0.1 * torch.randn(8, 48_000, generator=rng) * envelopes[name]

    alike, soft, rasping = (
        spectral_distance(played(name), played("hard"), 24_000)[0].item() for name in ("hard", "soft", "rasping")
    )
    assert soft > 1.1 * alike and rasping > 1.15 * alike


def sine(tone, amplitude=0.2, frames=200):
    """At the pitch of this tone of the head's, 24 kHz. From its crest on, so that mirrored at its beginning it has no corner."""
    t = torch.arange(frames * 480, dtype=torch.float64) / 24_000
    return (amplitude * torch.cos(2 * torch.pi * C1 * 2 ** (tone / CHORDS.bands) * t)).float()[None]


def test_the_tone_loss_is_least_where_the_head_plays_the_tone():
    torch.manual_seed(0)
    head = TonesAndNoise(16, 24_000, 480, 8)
    target, tones = ToneLoss(head, 24_000), slice(0, head.TONE_STEPS * head.tones)
    head.out.weight.data.zero_()
    distances = {}
    for sounding in (84, 90):
        head.out.bias.data[tones] = -20.0
        head.out.bias.data[sounding : tones.stop : head.tones] = torch.tensor(0.2).log()
        with target.observing():
            head(torch.zeros(1, 200, 16))
        distances[sounding] = {tone: target(sine(tone)).item() for tone in (84, 90)}
    assert distances[84][84] < 0.8 * distances[84][90] and distances[90][90] < 0.8 * distances[90][84]


def test_the_tone_loss_alone_teaches_a_chord():
    torch.manual_seed(0)
    head, chord = TonesAndNoise(16, 24_000, 480, 8), (84, 92, 98)  # a major triad
    target, audio, x = ToneLoss(head, 24_000), sum(sine(tone) for tone in chord), torch.zeros(1, 200, 16)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.2)
    distances = []
    for _ in range(60):
        with target.observing():
            head(x)
        distances.append(target(audio))
        optimizer.zero_grad()
        distances[-1].backward()
        optimizer.step()
    assert distances[-1] < 0.2 * distances[0]
    with torch.no_grad():
        measured = BandSpectrum(CHORDS, 24_000, 480)(head(x))[0].mean(-1)
    peaks = ((measured[1:-1] > measured[:-2]) & (measured[1:-1] > measured[2:]) & (measured[1:-1] > 0.1)).nonzero().flatten() + 1
    assert tuple(peaks.tolist()) == chord


def test_the_tone_loss_covers_tones_above_the_chords():
    """Each of a head's that reaches 11.4 kHz has a band: the loss is least at its own, on both sides of the windows' border."""
    head = TonesAndNoise(16, 48_000, 960, 8, highest=11_400.0)
    target, tones = ToneLoss(head, 48_000), slice(0, head.TONE_STEPS * head.tones)
    t = torch.arange(100 * 960, dtype=torch.float64) / 48_000
    head.out.weight.data.zero_()
    for tone in (94, 97, 140, 195):
        audio = (0.2 * torch.cos(2 * torch.pi * C1 * 2 ** (tone / CHORDS.bands) * t)).float()[None]
        found = {}
        for sounding in (tone - 3, tone, tone + 3):
            head.out.bias.data[tones] = -20.0
            head.out.bias.data[sounding : tones.stop : head.tones] = torch.tensor(0.2).log()
            with target.observing():
                head(torch.zeros(1, 100, 16))
            found[sounding] = target(audio).item()
        assert min(found, key=found.get) == tone


def test_the_distance_hears_high_tones_where_the_decoder_has_some():
    """A semitone at 7 kHz: in the bands of the strokes it is next to nothing."""
    t = torch.arange(96_000) / 48_000
    noise = 1e-3 * torch.randn(1, 96_000, generator=torch.Generator().manual_seed(0))
    low, high = (noise + 0.05 * torch.sin(2 * torch.pi * hz * t) for hz in (6_800.0, 7_204.0))
    without, heard = (spectral_distance(low, high, 48_000, top)[0].item() for top in (0.0, 11_400.0))
    assert heard > 1.2 * without


@pytest.mark.parametrize("kind", KINDS)
def test_a_smoke_run_lowers_the_loss_and_resumes(kind, corpus, tmp_path, monkeypatch, one_second_a_step):
    monkeypatch.setattr(stage, "QUANTIZE_FROM", 20)
    monkeypatch.setattr(stage, "TONE_LOSS_STEPS", 50)
    options = {"batch": 2, "seconds": 0.2, "config": TINY, "lr": 6e-3, "matrix_lr": 1e-2}
    train(kind, corpus, tmp_path, minutes=100 / 60, **options)
    log = read_log(tmp_path)
    levels = [row["level"] for row in log if "level" in row]
    assert len(levels) == 2 and levels[1] < 0.8 * levels[0]
    assert next(row for row in log if "held_out_used" in row)["held_out_used"] > 1
    trainer = train(kind, corpus, tmp_path, minutes=104 / 60, **options)
    assert read_log(tmp_path)[-1]["step"] == 104
    loaded = load_codec(build(kind, TINY), tmp_path)
    for name, tensor in trainer.codec.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)


def test_the_48_khz_codec_is_trained_on_latents_as_they_are(corpus, tmp_path, one_second_a_step):
    """Its codes are fitted afterwards: until then they stay. Those of the token codec move."""
    for kind, moves in (("wavtokenizer", True), ("hifi_codec", False)):
        codec = build(kind, TINY)
        before = [codes.clone() for codes in codec.codebooks]
        train(kind, corpus, tmp_path / kind, minutes=3 / 60, batch=2, seconds=0.2, config=TINY, codec=codec)
        assert all(torch.equal(*pair) for pair in zip(before, codec.codebooks, strict=True)) != moves


def test_quantised_training_moves_codes_without_gradient():
    trainer = CodecTrainer(build("wavtokenizer", TINY)).train()
    audio = torch.randn(2, 9600, generator=torch.Generator().manual_seed(0))
    before = trainer.codec.codebook.clone()
    losses = trainer.loss(audio)
    losses["loss"].backward()
    assert not torch.equal(trainer.codec.codebook, before) and not trainer.codec.codebook.requires_grad
    encoder = trainer.codec.feature_extractor.encodec.encoder
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())  # straight through the codes


def test_each_views_codes_come_from_its_own_features():
    torch.manual_seed(0)
    trainer = CodecTrainer(build("wavtokenizer", TINY)).train()
    audio, half = torch.randn(2, 20 * 480), TINY.wavtokenizer.codebook_size // 2
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        features = trainer.codec.encode_features(audio).float()
    with torch.no_grad():
        trainer.loss(audio)
    views = [features[..., view::2].transpose(1, 2).flatten(0, 1) for view in (0, 1)]
    nearest = torch.stack([torch.cdist(trainer.codec.codebook, points).amin(1) for points in views])
    assert nearest[0, :half].max() < 0.05 and nearest[1, half:].max() < 0.05
    assert nearest[1, :half].min() > 0.05 and nearest[0, half:].min() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_tone_loss_counts_by_its_weight(kind):
    torch.manual_seed(0)
    trainer, audio = CodecTrainer(build(kind, TINY)).eval(), sine(84, frames=40)
    with torch.no_grad():
        plain, helped = (trainer.loss(audio, tone_weight=weight) for weight in (0.0, 0.5))
    assert helped["level"] == plain["level"]
    assert helped["loss"].item() == pytest.approx((plain["loss"] + 0.5 * trainer.tone_loss(audio)).item(), rel=1e-5)
    assert trainer.tone_loss(audio) > 0.1
