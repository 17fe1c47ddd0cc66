"""How long measured points would take at a part's datasheet peaks: what a roofline is drawn from.

Math is that of the textbook formula (a product of m x n x k takes 2 m n k flops), data every
operand and result of every kernel once. Both are divided by the part's own peaks, so a roofline
that was fitted on one part can be drawn for another. A table that is not known here but has a
column `bytes` moves these bytes, in units of 1 TB/s; any other has no roofline.

Leaves out: caches, re-reading, padding, launches: all that richer models are there for. Seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rackwright.calibrate.measure_products import rows_per_expert
from rackwright.calibrate.tables import TABLES, Point
from rackwright.devices import catalog
from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.part import DTYPE_BYTES, Gpu

__all__ = ["ideal_times"]

WIDTH = DTYPE_BYTES["bf16"]
UNIT_BANDWIDTH = 1e12  # bytes/s; a unit, not a measurement
OPERANDS = {"add": 3, "gelu": 2, "layer_norm": 2, "relu": 2, "rms_norm": 2, "silu_mul": 5,
            "softmax": 2}  # read and written, of tokens x dim; silu_mul is two kernels
Sizes = Mapping[str, Floats]
Times = tuple[Floats | float, Floats | float]


def ideal_times(gpu: Gpu, points: Sequence[Point]) -> Floats:
    """(math, data) seconds of points of ONE operation, shape (2, points); NaN where unknown.

    An operation is what `calibrate.predict.operation` tells apart: same table, same words.
    """
    found = np.full((2, len(points)), np.nan)
    if not points:
        return found
    first, keys = points[0], TABLES[points[0].table].keys
    sizes = {name: np.array([point[name] for point in points], np.float64)
             for name, words in keys.items() if not words}
    if first.table in _WORK:
        found[0], found[1] = _WORK[first.table](gpu, points, sizes)
    elif "bytes" in sizes:
        found[0], found[1] = 0.0, sizes["bytes"] / UNIT_BANDWIDTH
    return found


def _gemm(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    dtype = str(points[0]["dtype"])
    if dtype not in gpu.dtypes:
        return np.nan, np.nan
    m, n, k = of["m"], of["n"], of["k"]
    moved = DTYPE_BYTES[dtype] * (m * k + k * n + m * n)
    return 2 * m * n * k / gpu.peak_flops(dtype), moved / gpu.memory_bandwidth


def _attention(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    queries, keys = of["q_len"], of["kv_len"]
    pairs = queries * keys
    if points[0]["causal"] == "yes":
        pairs = pairs - queries * (queries - 1) / 2
    flops = 4 * of["batch"] * of["heads"] * of["head_dim"] * pairs
    rows = 2 * of["heads"] * queries + 2 * of["kv_heads"] * keys
    moved = WIDTH * of["batch"] * of["head_dim"] * rows
    return flops / gpu.peak_flops(), moved / gpu.memory_bandwidth


def _expert(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    hidden, ffn, tokens = of["hidden"], of["ffn"], of["tokens"]
    moved = WIDTH * (3 * hidden * ffn + tokens * (2 * hidden + 8 * ffn))
    return 6 * tokens * hidden * ffn / gpu.peak_flops(), moved / gpu.memory_bandwidth


def _grouped(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    n, k, rows = of["n"], of["k"], of["rows"]
    active = np.array([np.count_nonzero(rows_per_expert(
        point.number("rows"), point.number("experts"), str(point["skew"]))) for point in points])
    moved = WIDTH * (active * n * k + rows * (n + k))
    return 2 * rows * n * k / gpu.peak_flops(), moved / gpu.memory_bandwidth


def _pieces(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    moved = WIDTH * OPERANDS.get(str(points[0]["op"]), np.nan) * of["tokens"] * of["dim"]
    return 0.0, moved / gpu.memory_bandwidth


def _memory(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    ways = 1 if points[0]["op"] == "fill" else 2
    return 0.0, ways * of["bytes"] / gpu.memory_bandwidth


def _conv(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    inputs, outputs, taps = of["in_channels"], of["out_channels"], of["kernel"] ** 2
    pixels = of["batch"] * np.ceil(of["size"] / of["stride"]) ** 2
    moved = WIDTH * (of["batch"] * of["size"] ** 2 * inputs + pixels * outputs
                     + inputs * outputs * taps)
    flops = 2 * pixels * inputs * outputs * taps
    return flops / gpu.peak_flops(), moved / gpu.memory_bandwidth


def _pcie(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    if not gpu.pcie:
        return np.nan, np.nan
    return 0.0, of["bytes"] * 8 / catalog.pcie(gpu.pcie).rate_bps


def _collectives(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    """Bytes through one GPU's port in the best schedule without in-switch sums."""
    others, op = (of["gpus"] - 1) / of["gpus"], points[0]["op"]
    if op == "all_reduce":
        return _over_nvlink(gpu, of["bytes"] * 2 * others)
    return _over_nvlink(gpu, of["bytes"] * (1 if op in ("broadcast", "reduce") else others))


def _p2p(gpu: Gpu, points: Sequence[Point], of: Sizes) -> Times:
    """Bytes through the busiest port."""
    many = points[0]["pattern"] in ("incast", "outcast")
    return _over_nvlink(gpu, of["bytes"] * (of["gpus"] - 1 if many else 1))


def _over_nvlink(gpu: Gpu, nbytes: Floats) -> Times:
    if not gpu.nvlink:
        return np.nan, np.nan
    return 0.0, nbytes * 8 / catalog.link(gpu.nvlink).rate_bps


_WORK: Mapping[str, Callable[[Gpu, Sequence[Point], Sizes], Times]] = {
    "attention": _attention, "collectives": _collectives, "conv": _conv, "expert": _expert,
    "gemm": _gemm, "grouped": _grouped, "memory": _memory, "p2p": _p2p, "pcie": _pcie,
    "pcie_multi": _pcie, "pieces": _pieces}
