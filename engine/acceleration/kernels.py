"""The arithmetic of one layer of a decode step, with weights in eight bits and all else in float32; compiled by numba.

That takes some seconds the first time it is imported on a machine; from then on it is read from numba's cache. Where that cannot
be, each import compiles. No function allocates or holds Python's lock, and what a row gets does not depend on the others of its
batch. Shapes: H hidden, d head width; weights are int8 [out, in] with a scale and a bias for each output.

Loops run over `len` of a slice, not from one position to another: a compiler vectorises only what cannot be a negative index.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

if vars(config)["DISABLE_JIT"]:  # its decorators then give Python's functions back, a thousand times as slow
    raise ImportError("NUMBA_DISABLE_JIT is set")

Floats = NDArray[np.float32]
Codes = NDArray[np.int8]
Places = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., object])

ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-87)  # e to the lowest is the smallest normal number
LOG2_E, LN2_HIGH, LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
# (e^x - 1 - x) / x² for |x| ≤ ln 2 / 2, the highest power first: Cephes' coefficients, off by 3e-7 at most.
E5, E4, E3, E2, E1, E0 = (
    np.float32(c) for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)

VECTOR, MATRIX, CACHE, PLACES = "float32[::1]", "float32[:,::1]", "float32[:,:,:,:,::1]", "int64[::1]"
LINEAR = f"int8[:,::1], {VECTOR}, {VECTOR}"

_not_kept: list[str] = []  # why, for each function that is compiled for this process alone


def _compiled(signature: str) -> Callable[[Function], Function]:
    """fastmath: sums in the order that suits the processor, the same in every call; infinity and NaN stay what they are."""
    fast: Any = partial(njit, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", nogil=True)

    def compiled(function: Function) -> Function:
        why = ""
        for first in (True, False):
            try:
                if not first:  # what is kept may be damaged
                    fast(cache=True)(function)._cache.flush()
                return cast("Function", fast(signature, cache=True)(function))
            except Exception as error:  # no folder that it may write to, a full disk
                why = f"{type(error).__name__}: {error}"
        _not_kept.append(why)
        return cast("Function", fast(signature)(function))

    return compiled


@_compiled("float32(float32)")
def _exp(x: np.float32) -> np.float32:
    """e to x, x ≤ 88; without a call, so that a loop over it is vectorised."""
    x = max(x, LOWEST)
    whole = np.floor(x * LOG2_E + E0)
    x = x - whole * LN2_HIGH - whole * LN2_LOW
    y = ((((E5 * x + E4) * x + E3) * x + E2) * x + E1) * x + E0
    power = np.int32((np.int32(whole) + 127) << 23).view(np.float32)
    return np.float32((y * x * x + x + ONE) * power)


@_compiled(f"void({MATRIX}, {LINEAR}, {MATRIX})")
def linear(x: Floats, codes: Codes, scales: Floats, bias: Floats, out: Floats) -> None:
    """x [rows, in] → out [rows, outs]. Two rows and four outputs at a time; beyond the last, the last once more."""
    last_row, last = len(x) - 1, len(codes) - 1
    for row in range(0, len(x), 2):
        next_row = min(row + 1, last_row)
        p, q = x[row], x[next_row]
        for n0 in range(0, len(codes), 4):
            n1, n2, n3 = min(n0 + 1, last), min(n0 + 2, last), min(n0 + 3, last)
            w0, w1, w2, w3 = codes[n0], codes[n1], codes[n2], codes[n3]
            p0 = p1 = p2 = p3 = q0 = q1 = q2 = q3 = ZERO
            for k in range(len(p)):
                a, b, c, d = np.float32(w0[k]), np.float32(w1[k]), np.float32(w2[k]), np.float32(w3[k])
                p0 += p[k] * a
                p1 += p[k] * b
                p2 += p[k] * c
                p3 += p[k] * d
                q0 += q[k] * a
                q1 += q[k] * b
                q2 += q[k] * c
                q3 += q[k] * d
            out[row, n3], out[next_row, n3] = p3 * scales[n3] + bias[n3], q3 * scales[n3] + bias[n3]
            out[row, n2], out[next_row, n2] = p2 * scales[n2] + bias[n2], q2 * scales[n2] + bias[n2]
            out[row, n1], out[next_row, n1] = p1 * scales[n1] + bias[n1], q1 * scales[n1] + bias[n1]
            out[row, n0], out[next_row, n0] = p0 * scales[n0] + bias[n0], q0 * scales[n0] + bias[n0]


@_compiled(f"void({MATRIX}, {VECTOR}, float32, {MATRIX})")
def rms_norm(x: Floats, weight: Floats, eps: np.float32, out: Floats) -> None:
    """x [rows, H] → out [rows, H]"""
    for row in range(len(x)):
        own, normed = x[row], out[row]
        total = ZERO
        for k in range(len(own)):
            total += own[k] * own[k]
        scale = ONE / np.sqrt(total / np.float32(len(own)) + eps)
        for k in range(len(own)):
            normed[k] = own[k] * scale * weight[k]


@_compiled(f"void({MATRIX}, {MATRIX})")
def swiglu(both: Floats, out: Floats) -> None:
    """Gate and up side by side, [rows, 2 · width] → silu(gate) · up, out [rows, width]"""
    for row in range(len(out)):
        product = out[row]
        gate, up = both[row, : len(product)], both[row, len(product) :]
        for i in range(len(product)):
            product[i] = gate[i] / (ONE + _exp(min(-gate[i], -LOWEST))) * up[i]


@_compiled(f"void({VECTOR}, {VECTOR}, {VECTOR})")
def _rotate(head: Floats, cos: Floats, sin: Floats) -> None:
    """Rotary position of one head [d], pairs (i, i + d/2), in place."""
    first, second = head[: len(cos)], head[len(cos) :]
    for i in range(len(cos)):
        a, b = first[i], second[i]
        first[i], second[i] = a * cos[i] - b * sin[i], b * cos[i] + a * sin[i]


@_compiled(f"float32({VECTOR})")
def _exponents(scores: Floats) -> np.float32:
    """Softmax but for its division: e to the distance from the largest, in place → their sum."""
    largest = scores[0]
    for t in range(len(scores)):
        largest = max(largest, scores[t])
    for t in range(len(scores)):
        scores[t] = _exp(scores[t] - largest)
    total = ZERO
    for t in range(len(scores)):
        total += scores[t]
    return total


@_compiled(f"void({VECTOR}, {VECTOR}, {MATRIX}, float32, {VECTOR}, {VECTOR})")
def _scores(q: Floats, p: Floats, keys: Floats, scale: np.float32, one: Floats, other: Floats) -> None:
    """Products of two heads' queries [d] with keys [T, d] → one and other [T]. Two positions at a time, one of each half: keys
    that do not fit the processor's cache come sooner from two places of memory side by side than from one after the other.
    """
    last, half = len(one) - 1, (len(one) + 1) // 2
    for t in range(half):
        u = min(t + half, last)
        key, next_key = keys[t], keys[u]
        a = b = c = d = ZERO
        for i in range(len(q)):
            a += q[i] * key[i]
            b += p[i] * key[i]
            c += q[i] * next_key[i]
            d += p[i] * next_key[i]
        one[u], other[u] = c * scale, d * scale
        one[t], other[t] = a * scale, b * scale


@_compiled(f"void({VECTOR}, {VECTOR}, {MATRIX}, {VECTOR}, {VECTOR})")
def _weighted(one: Floats, other: Floats, values: Floats, first: Floats, second: Floats) -> None:
    """Sums of values [T, d] by two heads' weights [T] → first and second [d]. Four positions at a time."""
    first[:] = ZERO
    second[:] = ZERO
    whole = len(one) - len(one) % 4
    for t in range(0, whole, 4):
        a, b, c, d = one[t], one[t + 1], one[t + 2], one[t + 3]
        e, f, g, h = other[t], other[t + 1], other[t + 2], other[t + 3]
        v0, v1, v2, v3 = values[t], values[t + 1], values[t + 2], values[t + 3]
        for i in range(len(first)):
            first[i] += a * v0[i] + b * v1[i] + c * v2[i] + d * v3[i]
            second[i] += e * v0[i] + f * v1[i] + g * v2[i] + h * v3[i]
    for t in range(whole, len(one)):
        v0 = values[t]
        for i in range(len(first)):
            first[i] += one[t] * v0[i]
            second[i] += other[t] * v0[i]


@_compiled(f"void({MATRIX}, int64, {VECTOR}, {VECTOR}, {CACHE}, {PLACES}, int64, int64, {MATRIX}, {MATRIX}, {MATRIX})")
def attend(
    qkv: Floats, heads: int, cos: Floats, sin: Floats, cache: Floats, begins: Places, first: int, at: int, out: Floats,
    scores: Floats, sums: Floats,
) -> None:  # fmt: skip
    """One position's queries, keys and values, qkv [rows, (heads + 2 · kv heads) · d] → out [rows, heads · d].

    The rows are those of the cache from `first` on. Keys and values go into cache [2, all rows, kv heads, capacity, d] at `at`; a
    row sees those from `begins` [all rows] on. cos, sin: [d/2], of this position. Two heads of a group at a time, as they see the
    same keys. scores [2, capacity], sums [2, d]: room to work in.
    """
    kv_heads, width = cache.shape[2], cache.shape[4]
    group, scale = heads // kv_heads, ONE / np.sqrt(np.float32(width))
    for row in range(len(qkv)):
        own, attended, begin = qkv[row], out[row], begins[first + row]
        for head in range(heads + kv_heads):
            _rotate(own[head * width : (head + 1) * width], cos, sin)
        one, other = scores[0, : at + 1 - begin], scores[1, : at + 1 - begin]
        for kv in range(kv_heads):
            keys, values = cache[0, first + row, kv], cache[1, first + row, kv]
            keys[at] = own[(heads + kv) * width : (heads + kv + 1) * width]
            values[at] = own[(heads + kv_heads + kv) * width : (heads + kv_heads + kv + 1) * width]
            keys, values = keys[begin : at + 1], values[begin : at + 1]
            for head in range(kv * group, (kv + 1) * group, 2):
                next_head = min(head + 1, (kv + 1) * group - 1)
                q, p = own[head * width : (head + 1) * width], own[next_head * width : (next_head + 1) * width]
                _scores(q, p, keys, scale, one, other)
                share, next_share = ONE / _exponents(one), ONE / _exponents(other)
                _weighted(one, other, values, sums[0], sums[1])
                for i in range(width):
                    attended[next_head * width + i] = sums[1, i] * next_share
                    attended[head * width + i] = sums[0, i] * share


@_compiled(f"void({MATRIX}, {MATRIX})")
def add(x: Floats, more: Floats) -> None:
    """x += more, [rows, H] both."""
    for row in range(len(x)):
        own, added = x[row], more[row]
        for i in range(len(own)):
            own[i] += added[i]


@_compiled(
    f"void({MATRIX}, {VECTOR}, {LINEAR}, {LINEAR}, {VECTOR}, {LINEAR}, {LINEAR}, float32, int64, {VECTOR}, {VECTOR}, {CACHE}, "
    f"{PLACES}, int64, int64, {MATRIX}, {MATRIX}, {MATRIX}, {MATRIX}, {MATRIX}, {MATRIX}, {MATRIX})"
)
def layer(
    x: Floats, before: Floats, qkv_codes: Codes, qkv_scales: Floats, qkv_bias: Floats, o_codes: Codes, o_scales: Floats,
    o_bias: Floats, after: Floats, gate_codes: Codes, gate_scales: Floats, gate_bias: Floats, down_codes: Codes,
    down_scales: Floats, down_bias: Floats, eps: np.float32, heads: int, cos: Floats, sin: Floats, cache: Floats, begins: Places,
    first: int, at: int, normed: Floats, qkv: Floats, attended: Floats, both: Floats, product: Floats, scores: Floats,
    sums: Floats,
) -> None:  # fmt: skip
    """The residual stream x [rows, H], in place. From `normed` on: room to work in, as wide as what its name says."""
    rms_norm(x, before, eps, normed)
    linear(normed, qkv_codes, qkv_scales, qkv_bias, qkv)
    attend(qkv, heads, cos, sin, cache, begins, first, at, attended, scores, sums)
    linear(attended, o_codes, o_scales, o_bias, normed)
    add(x, normed)
    rms_norm(x, after, eps, normed)
    linear(normed, gate_codes, gate_scales, gate_bias, both)
    swiglu(both, product)
    linear(product, down_codes, down_scales, down_bias, normed)
    add(x, normed)


if _not_kept:
    kept = "numba cannot keep what it compiles, so each start takes some seconds longer: %s"
    logging.getLogger(__name__).warning(kept, _not_kept[0])
