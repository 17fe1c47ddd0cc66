"""What is fitted to which measurements: the operations of `fitting`, for GPUs.

The files are those of a measured folder (`h100_x1/`): columns as in its CSV heads, times in us.
Other parts measured the same way are fitted with the same operations.

Left out: products, experts and grouped products, which are fitted to the tables of
`rackwright calibrate` (see `calibrate.refit`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from rackwright.devices.fitting import Operation, Rows
from rackwright.devices.gpu.part import Gpu

__all__ = ["GPU_OPERATIONS"]


def _attention(gpu: Gpu, rows: Rows) -> Any:
    """Older tables tell no causal from full and no cold from warm: causal, and warm."""
    names = ("batch", "heads", "kv_heads", "head_dim", "q_len", "kv_len")
    full = (np.asarray(rows.get("causal", "yes")) == "no") & (rows["q_len"] > 1)
    cold = np.asarray(rows.get("cache", "warm")) == "cold"
    time = np.full(len(rows["q_len"]), np.nan)
    for causal in (True, False):
        for cache in ("cold", "warm"):
            here = (full != causal) & (cold == (cache == "cold"))
            shape = {name: rows[name][here] for name in names}
            time[here] = gpu.attention_time(**shape, causal=causal, cache=cache)
    return time


def _pieces(gpu: Gpu, rows: Rows) -> Any:
    by_bytes = {"copy": gpu.copy_time, "fill": gpu.fill_time, "scale_inplace": gpu.in_place_time}
    by_rows: dict[str, Callable[..., Any]] = {
        "add": gpu.add_time, "gelu": partial(gpu.activation_time, kind="gelu"),
        "layer_norm": gpu.norm_time, "relu": partial(gpu.activation_time, kind="relu"),
        "rms_norm": partial(gpu.norm_time, kind="rms"), "silu_mul": gpu.silu_mul_time,
        "softmax": gpu.softmax_time}
    cold = np.asarray(rows.get("residence", "warm")) == "cold"
    time = np.full(len(rows["op"]), np.nan)
    for name, method in by_bytes.items():
        for cache in ("cold", "warm"):
            here = (rows["op"] == name) & (cold == (cache == "cold"))
            if here.any():
                time[here] = method(rows["bytes"][here], cache=cache)
    for name, piece in by_rows.items():
        here = rows["op"] == name
        if here.any():
            time[here] = piece(rows["tokens"][here], rows["dim"][here])
    return time


GPU_OPERATIONS: Mapping[str, Operation] = {
    "pieces": Operation("pieces", {
        "floor_time": 1.2e-06, "ramp_time": 8e-08, "memory_time": 4.5e-07,
        "fill_floor_time": 1e-06, "fill_memory_time": 1.3e-07, "special_time": 2e-07,
        "memory_share": 0.9, "fill_share": 0.96, "l2_reach": 0.76, "read_per_clock": 25.3,
        "write_per_clock": 13.5, "in_place_per_clock": 20.7, "aliased_per_clock": 6.7,
        "gelu_per_clock": 3.66, "silu_per_clock": 4.0, "layer_norm_start_clocks": 1900.0,
        "layer_norm_clocks": 2.0, "rms_norm_start_clocks": 700.0, "rms_norm_clocks": 1.37,
        "norm_rows": 6.5, "norm_reach": 4600.0, "softmax_row_clocks": 6.4,
        "softmax_row_rows": 14.0, "softmax_block_clocks": 0.76, "softmax_block_rows": 0.91},
        ("memory.csv", "pieces.csv"), _pieces, ("op", "bytes", "tokens", "dim")),
    "attention": Operation("attention", {
        "l2_reach": 0.9, "floor_time": 1.02e-06, "memory_share": 0.91, "memory_time": 8.5e-07,
        "start_clocks": 32.5, "key_clocks": 14.0, "walk_per_clock": 100.0, "exposed_share": 0.3,
        "split_time": 2.8e-06, "part_time": 8e-09, "prefill_floor_time": 3e-06,
        "wide_time": 1.05e-06, "math_share": 0.98, "softmax_clocks": 7.9, "block_clocks": 2590.0,
        "mask_clocks": 716.0, "tail_share": 0.58, "power_share": 0.495,
        "extend_floor_time": 5.1e-06, "extend_math_share": 0.39, "extend_softmax_clocks": 9.7,
        "extend_pair": 1.8, "extend_split_time": 3.8e-06, "join_bandwidth": 5.9e+12},
        ("attention.csv",), _attention, ("batch", "q_len", "kv_len")),
}
"""In the order of fitting: attention uses the L2 of `pieces`."""
