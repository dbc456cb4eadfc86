"""Streamed equals whole: where networks look a bounded way exactly, elsewhere within a stated distance."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.acceleration import choose_runtime, prepare
from engine.checkpoints.checkpoint import load_checkpoint
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer, StreamingDecoder
from tests import seams
from tests.tiny_model import TINY, write_tiny_model

TOKENS = torch.randint(0, 32, (330,), generator=torch.Generator().manual_seed(3)).tolist()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(load_checkpoint(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")), choose_runtime("cpu"))


def streamed(renderer, tokens, **options):
    decoder = StreamingDecoder(renderer, ChunkPlan(first_s=0.3, longest_s=1.5), **options)
    chunks = [chunk for token in tokens if (chunk := decoder.push(token)) is not None]
    return [*chunks, *decoder.finish()]


def test_fast_path_streamed_equals_whole(prepared):
    whole = prepared.checkpoint.wavtokenizer.decode(torch.tensor([TOKENS]))[0].numpy()
    chunks = streamed(FastRenderer(prepared), TOKENS)
    assert len(chunks) > 3
    np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-5)


def test_fast_path_with_global_attention_stays_near_and_joins_without_clicks(tmp_path):
    """The released decoder attends to the whole piece: windows cannot be exact, but no join may stand out."""
    config = dataclasses.replace(TINY.wavtokenizer, pos_net=True, spectral=None, n_filters=2, lstm_layers=0)
    prepared = prepare(load_checkpoint(write_tiny_model(tmp_path / "model", wavtokenizer=config)), choose_runtime("cpu"))
    whole = prepared.checkpoint.wavtokenizer.decode(torch.tensor([TOKENS]))[0].numpy()
    chunks = streamed(FastRenderer(prepared), TOKENS)
    audio = np.concatenate(chunks)
    assert audio.shape == whole.shape
    steps = np.abs(np.diff(audio))
    joins = np.cumsum([len(chunk) for chunk in chunks])[:-1]
    assert steps[joins - 1].max() <= steps.max() and np.corrcoef(audio, whole)[0, 1] > 0.95


def test_full_path_has_every_frame_once_and_stays_near_whole(prepared):
    chunks = streamed(FullRenderer(prepared, seed=5), TOKENS)
    audio = np.concatenate(chunks)
    renderer = FullRenderer(prepared, seed=5)
    whole = renderer.render(TOKENS, 0, len(TOKENS), ended=True)
    assert len(chunks) > 3 and audio.shape == whole.shape
    # Attention and group normalisation see the whole window, so equality is out of reach; same noise keeps them together.
    assert seams.correlation(audio, whole) > 0.99  # measured 0.9994; other noise: 0.64


def test_joins_of_the_flow_do_not_stand_out(tmp_path):
    """Measured over six draws: difference -18.6 to -21.1 dB, excess to 6.1 dB, level within 0.06 dB, clicks -1.3 dB and less but
    for one of 2.2 dB; with this seed -21.0, 0.5, 0.02 and -1.9 dB."""
    prepared = prepare(load_checkpoint(write_tiny_model(tmp_path / "model")), choose_runtime("cpu"))
    last = prepared.checkpoint.flow.decoder.estimator.final_proj
    with torch.no_grad():  # random networks say little: here they outweigh the noise, which all windows share
        last.weight *= 10
    renderer = FullRenderer(prepared, seed=5)
    chunks = streamed(renderer, TOKENS)
    joins, rate, audio = seams.flow_joins(renderer, chunks), renderer.samplerate, np.concatenate(chunks)
    whole = FullRenderer(prepared, seed=5).render(TOKENS, 0, len(TOKENS), ended=True)
    assert len(joins) == len(chunks) - 1 > 3
    assert seams.difference_db(audio, whole) < -15
    assert seams.join_excess_db(audio, whole, joins, rate) < 6
    assert seams.join_excess_of_music_db(audio, whole, joins, rate)[0] < 3.2  # 0.9; 95 of 100 places stay below 3.2
    assert abs(seams.join_level_db(audio, whole, joins, rate, FullRenderer.CROSSFADE_S)) < 0.1
    assert seams.click_db(audio, joins, rate) < 0.5


def test_full_path_vocoder_joins_are_exact(prepared):
    """What went out is what one pass of the vocoder over the joined latents gives: seams can only come from the latents."""
    renderer = FullRenderer(prepared, seed=5)
    seen = []

    def record(tokens, needed, *, ended, solve=renderer._solve):
        result = solve(tokens, needed, ended=ended)
        seen.append((renderer._stream.first, renderer._stream.final, renderer._stream.latents.clone()))
        return result

    renderer._solve = record
    audio = np.concatenate(streamed(renderer, TOKENS))
    latents = torch.full((1, TINY.hifi_codec.latent_dim, 2 * len(TOKENS)), torch.nan)
    for first, final, part in seen:
        known = latents[..., first:final]
        fresh = part[..., : final - first]
        agreed = known.isnan() | (known == fresh)
        assert agreed.all(), "latents that had gone out were changed"
        latents[..., first:final] = fresh
    whole = prepared.checkpoint.hifi_codec.decode_features(latents)[0].numpy()
    np.testing.assert_allclose(audio, whole, atol=1e-5)
    assert prepared.checkpoint.hifi_codec.context > 2


def test_noise_belongs_to_frames_not_to_windows(prepared):
    renderer = FullRenderer(prepared, seed=9)
    torch.testing.assert_close(renderer.noise(100, 300)[..., 50:90], renderer.noise(150, 190))
    assert not torch.equal(renderer.noise(0, 64), FullRenderer(prepared, seed=10).noise(0, 64))


def test_what_is_known_from_the_start_comes_with_the_first_chunk(prepared):
    whole = prepared.checkpoint.wavtokenizer.decode(torch.tensor([TOKENS]))[0].numpy()
    chunks = streamed(FastRenderer(prepared), TOKENS[100:], lead=TOKENS[:100])
    assert len(chunks[0]) == (100 + 15) * 480
    np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-5)


def test_cancel_stops_between_solver_steps(prepared):
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 2

    assert FullRenderer(prepared, seed=1, cancelled=cancelled).render(TOKENS, 0, 50, ended=False) is None
    assert len(asked) == 3


def test_chunks_grow_to_the_longest():
    sizes = ChunkPlan(first_s=0.5, longest_s=4.0).sizes(50)
    assert [next(sizes) for _ in range(6)] == [25, 50, 100, 200, 200, 200]


def test_a_stroke_on_a_join_is_not_taken_for_the_join():
    """The difference is a hundredth of the music wherever one looks: where the music is loud, it is too."""
    rate, join = 1000, 3000
    music = np.random.default_rng(0).standard_normal(6000) * np.where(abs(np.arange(6000) - join) < 50, 10.0, 1.0)
    assert seams.join_excess_db(music * 1.01, music, np.array([join]), rate) > 15
    worst, usual = seams.join_excess_of_music_db(music * 1.01, music, np.array([join]), rate)
    assert abs(worst) < 0.1 and abs(usual) < 0.1
    broken = music * np.where(abs(np.arange(6000) - join) < 50, 1.1, 1.01)
    assert seams.join_excess_of_music_db(broken, music, np.array([join]), rate)[0] == pytest.approx(20, abs=0.5)
