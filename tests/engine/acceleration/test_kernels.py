"""Each kernel against the same in numpy or torch, for numbers of rows, heads and outputs that no block divides."""

import importlib.util
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose

from engine.acceleration import kernels

RNG = np.random.default_rng(0)


def some(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("outs", [1, 4, 7])
def test_a_product_is_that_of_codes_times_scale(rows, outs):
    x, codes, scales, bias = some(rows, 40), RNG.integers(-127, 128, (outs, 40)).astype(np.int8), some(outs), some(outs)
    out = np.full((rows, outs), np.nan, np.float32)
    kernels.linear(x, codes, scales, bias, out)
    assert_allclose(out, x.astype(np.float64) @ codes.T * scales + bias, rtol=1e-4, atol=2e-4)
    alone = np.empty((1, outs), np.float32)
    kernels.linear(x[-1:], codes, scales, bias, alone)
    assert (out[-1:] == alone).all()  # whatever else is in its batch


def test_the_norm_and_the_gate_are_torchs():
    x, weight, out = some(3, 40), some(40), np.empty((3, 40), np.float32)
    kernels.rms_norm(x, weight, np.float32(1e-6), out)
    assert_allclose(out, F.rms_norm(torch.from_numpy(x), (40,), torch.from_numpy(weight), 1e-6), rtol=1e-5, atol=1e-6)
    both, out = some(2, 14), np.empty((2, 7), np.float32)
    both[0, :4] = (-200, 200, -88, 88)  # where e to it is out of float32's range
    kernels.swiglu(both, out)
    gate, up = torch.from_numpy(both).chunk(2, dim=-1)
    assert_allclose(out, F.silu(gate) * up, rtol=1e-5, atol=1e-6)


def test_the_exponential_is_right_to_seven_digits_and_ends_at_the_smallest_normal_number():
    x = np.concatenate([np.linspace(-87, 88, 5001), [0.0, -0.0]]).astype(np.float32)
    assert_allclose([kernels._exp(value) for value in x], np.exp(x.astype(np.float64)), rtol=4e-7)
    assert kernels._exp(np.float32(0)) == 1 and 0 <= kernels._exp(np.float32(-np.inf)) < 2e-38


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (3, 1), (2, 2)], ids=["pairs", "an odd group", "no groups"])
@pytest.mark.parametrize("at", [0, 5, 7, 12])
def test_attention_is_torchs_over_what_each_row_may_see(heads, kv_heads, at):
    rows, d, capacity, begins = 2, 8, 14, np.array([0, min(3, at)])
    qkv, cache = some(rows, (heads + 2 * kv_heads) * d), some(2, rows, kv_heads, capacity, d)
    angles = some(d // 2)
    cos, sin = np.cos(angles), np.sin(angles)

    def rotated(x):
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    q, k, v = np.split(qkv.reshape(rows, -1, d), [heads, heads + kv_heads], axis=1)
    expected = cache.copy()
    expected[0, :, :, at], expected[1, :, :, at] = rotated(k), v
    mask = torch.from_numpy((np.arange(at + 1) >= begins[:, None])[:, None, None])
    seen = torch.from_numpy(expected[:, :, :, : at + 1])
    attended = F.scaled_dot_product_attention(torch.from_numpy(rotated(q))[:, :, None], *seen, attn_mask=mask, enable_gqa=True)
    out = np.empty((rows, heads * d), np.float32)
    room = (np.empty((2, capacity), np.float32), np.empty((2, d), np.float32))
    kernels.attend(qkv, heads, cos, sin, cache, begins, 0, at, out, *room)
    assert_allclose(out, attended.flatten(1), rtol=1e-5, atol=1e-5)
    assert_allclose(cache, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture
def doubled(tmp_path, monkeypatch):
    """Loads a module with one compiled function, as a new process would; numba may keep it in the module's folder alone."""
    (nowhere := tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere / "cache"))
    monkeypatch.setattr(kernels, "_not_kept", [])
    (source := tmp_path / "doubled.py").write_text(
        "from engine.acceleration.kernels import _compiled\n@_compiled('float32(float32)')\ndef doubled(x):\n    return x + x\n"
    )
    return lambda: loaded(source).doubled


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kept", ["nbi", "nbc"])
def test_a_damaged_cache_is_written_anew(doubled, tmp_path, kept):
    assert doubled()(2) == 4
    (damaged,) = tmp_path.rglob(f"*.{kept}")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    assert doubled()(2) == 4 and not kernels._not_kept
    again = doubled()
    assert again(2) == 4 and sum(again.stats.cache_hits.values()) == 1


def test_where_nothing_can_be_kept_each_process_compiles(doubled, tmp_path):
    (tmp_path / "__pycache__").touch()
    assert doubled()(2) == 4
    assert "no locator available" in kernels._not_kept[0]


def test_what_numba_may_not_compile_is_not_run_by_python(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    with pytest.raises(ImportError, match="NUMBA_DISABLE_JIT is set"):
        loaded(Path(kernels.__file__))
