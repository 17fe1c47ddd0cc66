"""Measuring products on a GPU: plain, grouped, one expert, convolutions.

Weights rotate, so that L2 does not hold them; the other operand and the result stay where they
are. Operands are random normal numbers (zeros run faster than data does). Layout "linear" is
that of `torch.nn.Linear` (w stored [n, k]), "plain" w stored [k, n]. fp8 is e4m3 by e4m3 to bf16,
one scale a tensor, fast accumulation; int8 gives int32; tf32 are 32-bit floats rounded by the
matrix units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import GraphTimer, rotation

__all__ = ["ProductBench", "rows_per_expert"]

SEED = 7  # of the operands


def rows_per_expert(rows: int, experts: int, skew: str) -> list[int]:
    """How `rows` fall on experts: "even", or "zipf" in proportion to 1, 1/2, 1/3 ...

    >>> rows_per_expert(10, 4, "even"), rows_per_expert(25, 4, "zipf")
    ([3, 3, 2, 2], [12, 6, 4, 3])
    """
    weights = [1 / (place + 1) if skew == "zipf" else 1.0 for place in range(experts)]
    whole = sum(weights)
    counts = [int(rows * weight / whole) for weight in weights]
    for place in range(rows - sum(counts)):
        counts[place % experts] += 1
    return counts


class ProductBench:
    """Measures the tables `gemm`, `grouped`, `expert` and `conv`."""

    def __init__(self, torch: Any, timer: GraphTimer) -> None:
        self.torch, self.timer = torch, timer
        self.l2 = int(torch.cuda.get_device_properties(0).L2_cache_size)
        self.kept: tuple[tuple[Any, ...], Any] = ((), None)
        self.random = torch.Generator(device="cuda").manual_seed(SEED)
        torch.set_float32_matmul_precision("high")  # tf32 for the 32-bit products

    def gemm(self, point: Point) -> dict[str, float]:
        m, n, k = point.numbers()
        dtype, layout = str(point["dtype"]), str(point["layout"])
        w = self._weights(dtype, layout, n, k)
        x = self._operand(dtype, m, k)
        return self.timer(self._product(dtype, x, w), len(w))

    def _product(self, dtype: str, x: Any, w: Any) -> Callable[[int], object]:
        torch = self.torch
        if dtype == "int8":
            return lambda i: torch._int_mm(x, w[i])
        if dtype == "fp8":
            one = torch.ones((), device="cuda")
            return lambda i: torch._scaled_mm(x, w[i], one, one, out_dtype=torch.bfloat16,
                                              use_fast_accum=True)
        return lambda i: torch.mm(x, w[i])

    def _weights(self, dtype: str, layout: str, n: int, k: int) -> list[Any]:
        """Sets of w[k, n]; the last call's are kept, since points come shape by shape."""
        key = (dtype, layout, n, k)
        if self.kept[0] != key:
            self.kept = ((), None)
            width = {"fp8": 1, "int8": 1, "tf32": 4}.get(dtype, 2)
            sets = range(rotation(self.l2, n * k * width))
            made = [self._operand(dtype, *((k, n) if layout == "plain" else (n, k)))
                    for _ in sets]
            self.kept = key, made if layout == "plain" else [w.t() for w in made]
        found: list[Any] = self.kept[1]
        return found

    def _operand(self, dtype: str, *shape: int) -> Any:
        torch = self.torch
        if dtype == "int8":
            return torch.randint(-128, 128, shape, dtype=torch.int8, device="cuda",
                                 generator=self.random)
        kind = {"fp16": torch.float16, "tf32": torch.float32}.get(dtype, torch.bfloat16)
        made = torch.randn(shape, dtype=kind, device="cuda", generator=self.random)
        return made.to(torch.float8_e4m3fn) if dtype == "fp8" else made

    def grouped(self, point: Point) -> dict[str, float]:
        torch = self.torch
        experts, n, k, rows = point.numbers()
        key = ("grouped", experts, n, k)
        if self.kept[0] != key:
            self.kept = ((), None)
            sets = range(rotation(self.l2, 2 * experts * n * k))
            self.kept = key, [self._operand("bf16", experts, n, k).transpose(1, 2) for _ in sets]
        w = self.kept[1]
        x = self._operand("bf16", rows, k)
        counts = rows_per_expert(rows, experts, str(point["skew"]))
        ends = torch.tensor(counts, device="cuda").cumsum(0).to(torch.int32)
        return self.timer(lambda i: torch._grouped_mm(x, w[i], offs=ends), len(w))

    def expert(self, point: Point) -> dict[str, float]:
        hidden, ffn, tokens = point.numbers()
        torch, silu = self.torch, self.torch.nn.functional.silu
        key = ("expert", hidden, ffn)
        if self.kept[0] != key:
            self.kept = ((), None)
            sets = range(rotation(self.l2, 6 * hidden * ffn))
            self.kept = key, [(self._operand("bf16", 2 * ffn, hidden).t(),
                               self._operand("bf16", hidden, ffn).t()) for _ in sets]
        weights = self.kept[1]
        x = self._operand("bf16", tokens, hidden)

        def step(i: int) -> object:
            into, out = weights[i]
            gate, up = torch.mm(x, into).chunk(2, dim=-1)
            return torch.mm(silu(gate) * up, out)
        return self.timer(step, len(weights))

    def conv(self, point: Point) -> dict[str, float]:
        """bf16, channels last, padded by half the kernel; PyTorch's choice of algorithm."""
        torch = self.torch
        batch, inputs, outputs, size, kernel, stride = point.numbers()
        last = torch.channels_last
        x = self._operand("bf16", batch, inputs, size, size).to(memory_format=last)
        shape = (outputs, inputs, kernel, kernel)
        sets = rotation(self.l2, 2 * outputs * inputs * kernel * kernel)
        w = [self._operand("bf16", *shape).to(memory_format=last) for _ in range(min(sets, 64))]
        pad = kernel // 2
        if point["direction"] == "forward":
            return self.timer(lambda i: torch.nn.functional.conv2d(
                x, w[i], stride=stride, padding=pad), len(w))
        y = torch.nn.functional.conv2d(x, w[0], stride=stride, padding=pad)
        grad = self._operand("bf16", *y.shape).to(memory_format=last)
        mask = [point["direction"] == "backward_input", point["direction"] == "backward_weight",
                False]
        return self.timer(lambda i: torch.ops.aten.convolution_backward(
            grad, x, w[i], None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, mask), len(w))
