"""`engine.models.generation.Network` run by ONNX Runtime: one call a step, nothing of Python between layers.

A small model's step is then three times as fast, most of which was the cost of calls, and differs by rounding alone. In eight
bits a large model reads a quarter of the bytes. Where weights have eight bits to begin with, as `sketch`'s, `eight_bit_step`
takes the steps, and ONNX Runtime what is read at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from engine.acceleration.eight_bit_step import EightBitStep, EightBitWeights, eight_bit_weights
from engine.acceleration.side_by_side import side_by_side
from engine.acceleration.step_graph import StepGraph, step_graph
from engine.config import LanguageModelConfig
from engine.models.cache import KVCache
from engine.models.language_model import LanguageModel, rope_tables

HEAD_STEP = 16  # heads are a multiple of it wide
EXACT, NEAR = 1e-3, 0.2  # of the logits' spread: by how much they may differ from the model's, in float32 and in eight bits
READ_AT_ONCE = 512  # positions: attention keeps the scores of as many
KINDS = {torch.float32: np.float32, torch.int32: np.int32, torch.int64: np.int64}


def compile_network(model: LanguageModel, *, threads: int, eight_bits: bool, cores: int = 1) -> CompiledNetwork | None:
    """None for a model it cannot run. Raises RuntimeError where it computes something else than the model does."""
    if model.config.head_dim % HEAD_STEP:
        return None
    exact = eight_bit_weights(model, cores)
    eight_bits = eight_bits and exact is None  # nothing to gain by rounding activations too
    network = CompiledNetwork(model, threads=threads, eight_bits=eight_bits, exact=exact)
    if not (error := network.error(model)) < (NEAR if eight_bits else EXACT):
        raise RuntimeError(f"its logits are off by {error:.2g} of their spread")
    return network


class CompiledNetwork:
    """Immutable but for a binding for each cache that is in use. float32, CPU."""

    dtype = torch.float32

    def __init__(
        self, model: LanguageModel, *, threads: int, eight_bits: bool = False, exact: EightBitWeights | None = None
    ) -> None:
        """exact: the model's own weights, where they have eight bits."""
        self.config, self.eight_bits, self._threads, self._exact = model.config, eight_bits, threads, exact
        with torch.inference_mode():
            self._session = _session(step_graph(model, eight_bits=eight_bits), threads)
        self._steps: weakref.WeakKeyDictionary[KVCache, _Step | EightBitStep] = weakref.WeakKeyDictionary()

    @property
    def description(self) -> str:
        return "numba in float32" if self._exact else f"ONNX Runtime in {'eight bits' if self.eight_bits else 'float32'}"

    @property
    def rows_apart(self) -> bool:
        """Whether a step's work is each row's own, as where weights are read from the processor's cache."""
        return self._exact is not None

    def read(self, x: Tensor, cache: KVCache, row: int) -> Tensor:
        first = cache.filled - x.shape[1]

        @torch.inference_mode()
        def read(number: int, own: Tensor) -> Tensor:
            # Room of its own, as a row that begins late has none that is in one piece.
            room = [torch.zeros_like(kept[:, :1, :, : x.shape[1]]).contiguous() for kept in cache.layers]
            *_, last = self._pieces(own, room, first, 0, None, -1)
            for kept, filled in zip(cache.layers, room, strict=True):
                kept[:, number : number + 1, :, first : cache.filled] = filled
            return last[:, -1]

        return self._each_row([partial(read, number, own) for number, own in enumerate(torch.split(x, 1), row)])

    def step(self, x: Tensor, cache: KVCache) -> Tensor:
        if (step := self._steps.get(cache)) is None:
            step = self._exact.step(cache) if self._exact else _Step(self._session, self.config, cache)
            self._steps[cache] = step
        logits = step(x, cache.filled)
        cache.filled += 1
        return logits

    def follow(self, x: Tensor, cache: KVCache) -> Tensor:
        start, end = cache.filled, cache.filled + x.shape[1]

        @torch.inference_mode()
        def follow(number: int, own: Tensor) -> Tensor:
            room = [kept[:, number : number + 1, :, :end].contiguous() for kept in cache.layers]
            mask = None if cache.mask is None else cache.mask[number : number + 1, ..., :end]
            return torch.cat(list(self._pieces(own, room, 0, start, mask, 0)), dim=1)

        return self._each_row([partial(follow, number, own) for number, own in enumerate(torch.split(x, 1))])

    def _each_row(self, calls: list[Callable[[], Tensor]]) -> Tensor:
        """What they return of each row, as one. A session of one thread leaves the processor's other cores to other rows."""
        return torch.cat(side_by_side(calls) if self._threads == 1 else [call() for call in calls])

    @torch.inference_mode()
    def error(self, model: LanguageModel) -> float:
        """By how much the logits differ from the model's own, as a share of their spread, at a prompt and a step behind it."""
        embedded = model.speech_embedding.weight[None, :4].float()
        expected = model(embedded)[0, -2:]
        cache = KVCache(self.config, [3], [1], 4, self.dtype, embedded.device)
        found = torch.cat([self.read(embedded[:, :3], cache, 0), self.step(embedded[:, 3], cache)])
        return float((found - expected).std() / expected.std())

    def _pieces(
        self, x: Tensor, room: list[Tensor], first: int, start: int, mask: Tensor | None, wanted: int
    ) -> Iterator[Tensor]:  # fmt: skip
        """x [1, S, H] from `start` of the room on, READ_AT_ONCE positions at a time → logits of the `wanted` ones [1, …, V].

        first: the position that the room begins with.
        """
        rope = _rope(self.config, first, first + room[0].shape[3])
        for piece in torch.split(x, READ_AT_ONCE, dim=1):
            end = start + piece.shape[1]
            bias = torch.zeros(1, 1, piece.shape[1], end)
            if mask is not None:
                bias += mask[..., :end]
            logits = torch.empty(1, piece.shape[1] if wanted == 0 else 1, self.config.audio_vocab_size + 1)
            binding = _bound(self._session, room, rope)
            numbers = (torch.tensor([end - 1], dtype=torch.int32), torch.tensor([end], dtype=torch.int32), torch.tensor([wanted]))
            _give(binding, {"x": piece.contiguous(), "bias": bias, **dict(zip(("last", "total", "from"), numbers, strict=True))})
            _take(binding, "logits", logits)
            self._session.run_with_iobinding(binding)
            yield logits
            start = end


class _Step:
    """The session bound to a cache: one position of all rows a call."""

    def __init__(self, session: onnxruntime.InferenceSession, config: LanguageModelConfig, cache: KVCache) -> None:
        rows = cache.layers[0].shape[1]
        self._session, self._kept, self._rope = session, cache.layers, _rope(config, 0, cache.capacity)
        self._x, self._logits = torch.zeros(rows, 1, config.hidden_size), torch.zeros(rows, 1, config.audio_vocab_size + 1)
        self._last, self._total, self._from = (torch.zeros(n, dtype=torch.int32) for n in (rows, 1, 1))
        self._from = torch.tensor([-1])
        self._mask = None if cache.mask is None else cache.mask[:, 0, 0]
        self._bias = torch.zeros((1 if self._mask is None else rows) * cache.capacity)
        self._binding = _bound(session, self._kept, self._rope)
        _give(self._binding, {"x": self._x, "last": self._last, "total": self._total, "from": self._from})
        _take(self._binding, "logits", self._logits)

    def __call__(self, x: Tensor, start: int) -> Tensor:
        end = start + 1
        self._x[:, 0] = x
        self._last.fill_(start)
        self._total.fill_(end)
        bias = self._bias[:end]
        if self._mask is not None:
            bias = self._bias[: len(self._mask) * end]
            bias.view(-1, end).copy_(self._mask[:, :end])
        _give(self._binding, {"bias": bias.view(-1, 1, 1, end)})
        self._session.run_with_iobinding(self._binding)
        return self._logits[:, 0]


def _session(graph: StepGraph, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_mem_pattern = False  # one would be kept for every length
    options.log_severity_level = 3
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in graph.weights.values()]
    options.add_external_initializers(list(graph.weights), values)
    return onnxruntime.InferenceSession(graph.model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _rope(config: LanguageModelConfig, first: int, end: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of positions, [end - first, d/2] each."""
    half = config.head_dim // 2
    cos, sin = rope_tables(config, end, torch.device("cpu"))
    return cos[first:, :half].contiguous(), sin[first:, half:].contiguous()


def _bound(session: onnxruntime.InferenceSession, room: list[Tensor], rope: tuple[Tensor, Tensor]) -> onnxruntime.IOBinding:
    binding = session.io_binding()
    _give(binding, dict(zip(("cos", "sin"), rope, strict=True)))
    for number, layer in enumerate(room):
        for kind, values in zip(("key", "value"), layer, strict=True):
            _give(binding, {f"{kind}.{number}": values})
            _take(binding, f"new_{kind}.{number}", values)
    return binding


def _give(binding: onnxruntime.IOBinding, tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        assert tensor.is_contiguous(), f"{name} is not in one piece"
        binding.bind_input(name, "cpu", 0, KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())


def _take(binding: onnxruntime.IOBinding, name: str, tensor: Tensor) -> None:
    assert tensor.is_contiguous(), f"{name} is not in one piece"
    binding.bind_output(name, "cpu", 0, KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
