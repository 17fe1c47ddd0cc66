"""What is fitted to which measurements: the operations of `fitting`, for GPUs and PCIe.

The files are those of a measured folder (`h100_x1/`): columns as in its CSV heads, times in us.
Other parts measured the same way are fitted with the same operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rackwright.devices.fitting import Operation, Rows
from rackwright.devices.gpu.part import Gpu
from rackwright.devices.pcie.part import Pcie

__all__ = ["GPU_OPERATIONS", "PCIE_COPY"]


def _gemm(gpu: Gpu, rows: Rows) -> Any:
    return gpu.gemm_time(rows["m"], rows["n"], rows["k"])


def _attention(gpu: Gpu, rows: Rows) -> Any:
    return gpu.attention_time(rows["batch"], rows["heads"], rows["kv_heads"], rows["head_dim"],
                              rows["q_len"], rows["kv_len"])


def _expert(gpu: Gpu, rows: Rows) -> Any:
    return gpu.expert_time(rows["tokens"], rows["hidden"], rows["ffn"])


def _pieces(gpu: Gpu, rows: Rows) -> Any:
    by_bytes = {"copy": gpu.copy_time, "scale_inplace": gpu.in_place_time}
    by_rows = {"add": gpu.add_time, "layer_norm": gpu.norm_time, "silu_mul": gpu.silu_mul_time}
    time = np.full(len(rows["op"]), np.nan)
    for name, method in by_bytes.items():
        here = rows["op"] == name
        time[here] = method(rows["bytes"][here])
    for name, piece in by_rows.items():
        here = rows["op"] == name
        time[here] = piece(rows["tokens"][here], rows["dim"][here])
    return time


def _pcie(pcie: Pcie, rows: Rows) -> Any:
    return np.where(rows["direction"] == "h2d", pcie.transfer_time(rows["bytes"], "h2d"),
                    pcie.transfer_time(rows["bytes"], "d2h"))


def _one_way_pinned(row: Mapping[str, str]) -> bool:
    return row["host_memory"] == "pinned" and row["direction"] in ("h2d", "d2h")


GPU_OPERATIONS: Mapping[str, Operation] = {
    "gemm": Operation("gemm", {
        "floor_time": 3.2e-6, "math_share": 0.84, "memory_share": 0.88, "load_per_clock": 90.0,
        "prologue_clocks": 2000.0, "clock_loss": 0.2, "clock_time": 3e-4},
        ("gemm.csv",), _gemm, ("n", "k")),
    "pieces": Operation("pieces", {
        "floor_time": 1.4e-6, "memory_share": 0.9, "l2_per_clock": 25.0, "l2_reach": 0.8,
        "large_copy_share": 0.73, "norm_row_time": 1e-9, "norm_share": 0.65},
        ("memory.csv", "pieces.csv"), _pieces, ("op", "bytes", "tokens", "dim")),
    "attention": Operation("attention", {
        "floor_time": 3.6e-6, "math_share": 0.65, "block_clocks": 4000.0, "tail_share": 0.4,
        "memory_share": 0.93, "wave_time": 4e-7, "split_time": 2e-6, "stream_per_clock": 25.0},
        ("attention.csv",), _attention, ("batch", "q_len", "kv_len")),
    "expert": Operation("expert", {"strided_factor": 1.5, "gap_time": 2e-6},
                        ("moe_expert.csv",), _expert, ("tokens",)),
}
"""In the order of fitting: attention uses the L2 of `pieces`, `expert` the products and pieces."""

PCIE_COPY = Operation("copy", {
    "link_share": 0.95, "h2d_floor_time": 3.7e-6, "h2d_setup_time": 2.5e-6,
    "d2h_floor_time": 3.5e-6, "d2h_setup_time": 1.5e-6},
    ("pcie.csv",), _pcie, ("bytes",), _one_way_pinned)
