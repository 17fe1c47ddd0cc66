"""What a part's cost methods say of measured points: the operation's name, and the prediction.

Points that no method covers (pageable copies both ways) have no prediction. Grouped products are
held against `grouped_seconds` without split k, two streams against the cycle-approximate GPU (the
first stream's time; `stream_works` has both).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from rackwright.calibrate import predict_collectives
from rackwright.calibrate.measure_products import rows_per_expert
from rackwright.calibrate.tables import Point
from rackwright.devices import catalog
from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.experts import grouped_seconds
from rackwright.devices.gpu.part import Gpu

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
                                         causal, cache=str(first["cache"])))


def _expert(gpu: Gpu, _: Point, columns: Floats) -> Floats:
    hidden, ffn, tokens = columns
    return np.asarray(gpu.expert_time(tokens, hidden, ffn))


def _grouped(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    experts, n, k, rows = columns
    counts = np.zeros((len(rows), int(experts.max())))
    for place, (some, of) in enumerate(zip(rows, experts, strict=True)):
        counts[place, :int(of)] = rows_per_expert(int(some), int(of), str(first["skew"]))
    return grouped_seconds(gpu, "bf16", counts, n, k)


def _pieces(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    methods: dict[str, Callable[..., object]] = {
        "add": gpu.add_time, "gelu": partial(gpu.activation_time, kind="gelu"),
        "layer_norm": gpu.norm_time, "relu": partial(gpu.activation_time, kind="relu"),
        "rms_norm": partial(gpu.norm_time, kind="rms"), "silu_mul": gpu.silu_mul_time,
        "softmax": gpu.softmax_time}
    return np.asarray(methods[str(first["op"])](*columns), np.float64)


def _memory(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    methods = {"copy": gpu.copy_time, "fill": gpu.fill_time, "scale_inplace": gpu.in_place_time}
    method = methods[str(first["op"])]
    return np.asarray(method(columns[0], cache=str(first["residence"])), np.float64)


def _conv(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    batch, inputs, outputs, size, kernel, stride = columns
    return np.asarray(gpu.conv_time(batch, inputs, outputs, size, size, kernel, stride,
                                    direction=str(first["direction"])))


def _streams(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    from rackwright.calibrate.stream_works import predict_streams  # loads the compiled model

    words = first.values[0], first.values[1], first.values[3]
    return np.array([predict_streams(gpu, Point("streams", (
        words[0], words[1], int(size), words[2], int(other))))[0] for size, other in columns.T])


def _pcie(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    direction, memory = str(first["direction"]), str(first["host_memory"])
    if not gpu.pcie or (direction, memory) == ("both", "pageable"):
        return np.nan
    part = catalog.pcie(gpu.pcie)
    return np.asarray(part.transfer_time(columns[0], direction, host_memory=memory))


def _power(gpu: Gpu, first: Point, _: Floats) -> float:
    return gpu.power_watts(1.0, str(first["load"]))


def _launch(gpu: Gpu, first: Point, _: Floats) -> float:
    return gpu.launch_time(str(first["kind"]))


_PREDICT: Mapping[str, Callable[[Gpu, Point, Floats], Floats | float]] = {
    "attention": _attention, "collectives": predict_collectives.collectives, "conv": _conv,
    "expert": _expert, "gemm": _gemm, "grouped": _grouped, "launch": _launch, "memory": _memory,
    "p2p": predict_collectives.p2p, "pcie": _pcie, "pcie_multi": predict_collectives.pcie_multi,
    "pieces": _pieces, "power": _power, "streams": _streams}
