"""What a part's cost methods say of measured points: the operation's name, and the prediction.

Points that no method covers (fills, activations alone, pageable and two-way copies, launches) have
no prediction. Convolutions and grouped products are held against the product model that would
serve for them: a convolution as one product of its unfolded input (forward: rows are output
pixels; gradient of the input: rows are input pixels; of the weights: the pixels are summed over),
a grouped product as `grouped_seconds` without split k. An RMS norm and a softmax are held against
`norm_time`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rackwright.calibrate.measure_products import rows_per_expert
from rackwright.calibrate.tables import Point
from rackwright.devices import catalog
from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.gemm import grouped_seconds
from rackwright.devices.gpu.part import DTYPE_BYTES, Gpu

__all__ = ["BANDS", "operation", "predictions"]

BANDS: Mapping[str, str] = {
    "attention": "attention", "expert": "expert", "gemm": "gemm", "memory": "pieces",
    "pieces": "pieces"}
"""Tables and the calibration that a part states an uncertainty band of."""


def operation(point: Point) -> str:
    """The name under which a point's error is counted.

    >>> operation(Point("gemm", ("fp8", "linear", 1, 2, 3)))
    'gemm fp8'
    """
    if point.table == "gemm":
        return f"gemm {point['dtype']}" + (" plain" if point["layout"] == "plain" else "")
    if point.table == "attention":
        detail = point["cache"] if point["phase"] == "decode" else \
            "causal" if point["causal"] == "yes" else "full"
        return f"attention {point['phase']} {detail}"
    words = [str(value) for value in point.values if isinstance(value, str)]
    if point.table in ("conv", "pcie"):
        return " ".join((point.table, *words))
    return " ".join(words) if point.table == "pieces" else " ".join((point.table, *words))


def predictions(gpu: Gpu, points: Sequence[Point]) -> Floats:
    """Seconds (watts for `power`) of points of ONE table; NaN where no method says."""
    found = np.full(len(points), np.nan)
    if not points:
        return found
    predict = _PREDICT[points[0].table]
    kinds = np.array([operation(point) for point in points])
    for kind in np.unique(kinds):
        here = np.flatnonzero(kinds == kind)
        members = [points[int(i)] for i in here]
        columns = np.array([point.numbers() for point in members], np.float64).T
        found[here] = predict(gpu, members[0], columns)
    return found


def _gemm(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    dtype = str(first["dtype"])
    if dtype not in gpu.dtypes:
        return np.nan
    m, n, k = columns
    return np.asarray(gpu.gemm_time(m, n, k, dtype))


def _attention(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    causal = first["phase"] == "decode" or first["causal"] == "yes"
    batch, heads, kv_heads, head_dim, q_len, kv_len = columns
    return np.asarray(gpu.attention_time(batch, heads, kv_heads, head_dim, q_len, kv_len,
                                         causal))


def _expert(gpu: Gpu, _: Point, columns: Floats) -> Floats:
    hidden, ffn, tokens = columns
    return np.asarray(gpu.expert_time(tokens, hidden, ffn))


def _grouped(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    peak, width = gpu.peak_flops("bf16"), DTYPE_BYTES["bf16"]
    return np.array([float(grouped_seconds(
        gpu, peak, width,
        np.array(rows_per_expert(int(rows), int(experts), str(first["skew"])), np.float64),
        np.asarray(n), np.asarray(k), (1,))) for experts, n, k, rows in columns.T])


def _pieces(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    methods: dict[str, Callable[..., object]] = {
        "add": gpu.add_time, "layer_norm": gpu.norm_time, "rms_norm": gpu.norm_time,
        "silu_mul": gpu.silu_mul_time, "softmax": gpu.norm_time}
    method = methods.get(str(first["op"]))
    return np.asarray(method(*columns), np.float64) if method else np.nan


def _memory(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    if first["op"] == "copy":
        return np.asarray(gpu.copy_time(columns[0]))
    if first["op"] == "scale_inplace":
        return np.asarray(gpu.in_place_time(columns[0]))
    return np.nan


def _conv(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    batch, inputs, outputs, size, kernel, stride = columns
    result = np.ceil(size / stride)  # padded by half the kernel
    window, pixels = kernel ** 2, batch * result ** 2
    if first["direction"] == "forward":
        return np.asarray(gpu.gemm_time(pixels, outputs, inputs * window))
    if first["direction"] == "backward_weight":
        return np.asarray(gpu.gemm_time(outputs, inputs * window, pixels))
    taps = np.ceil(window / stride ** 2)  # of the kernel, that reach an input pixel on average
    return np.asarray(gpu.gemm_time(batch * size ** 2, inputs, outputs * taps))


def _pcie(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    if first["host_memory"] != "pinned" or first["direction"] == "both" or not gpu.pcie:
        return np.nan
    return np.asarray(catalog.pcie(gpu.pcie).transfer_time(columns[0], str(first["direction"])))


def _power(gpu: Gpu, first: Point, _: Floats) -> Floats | float:
    watts = {"copy": gpu.copy_watts, "gemm_bf16": gpu.matrix_watts, "idle": gpu.idle_watts}
    return watts.get(str(first["load"])) or np.nan


def _nothing(gpu: Gpu, first: Point, columns: Floats) -> float:
    return np.nan


_PREDICT: Mapping[str, Callable[[Gpu, Point, Floats], Floats | float]] = {
    "attention": _attention, "conv": _conv, "expert": _expert, "gemm": _gemm,
    "grouped": _grouped, "launch": _nothing, "memory": _memory, "pcie": _pcie,
    "pieces": _pieces, "power": _power}
