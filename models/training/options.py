"""Options of the replay of execution traces and of its baselines."""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Options, option

__all__ = ["TrainingOptions"]


class TrainingOptions(Options):
    """What a replay may change about a trace without touching it."""

    compute: Literal["recorded", "roofline"] = option(
        "recorded", "time of a compute node: as recorded, or the greater of its flops and its "
                    "bytes over what the GPU of its rank reaches")
    overlap: bool = option(True, "communication runs beside computation")
    network: Literal["fabric", "ideal"] = option(
        "fabric", "collectives and transfers cross the fabric, or take no time")
    all_gather_size: Literal["total", "per_rank"] = option(
        "total", "comm_size of an all_gather: the gathered output, or what one rank gives")
    in_switch: bool = option(True, "reduction inside switches that can (NCCL_NVLS_ENABLE)")
    compute_scale: float = option(1.0, "all compute times are multiplied by this", unit="1", gt=0,
                                  le=1e6)
    math_share: float = option(
        0.6, "of a GPU's peak, for `roofline` (stand-in, frozen 2026-11-22: large products reach "
             "0.7, small layers far less)", unit="1", gt=0, le=1)
    memory_share: float = option(
        0.85, "of a GPU's memory bandwidth, for `roofline` (stand-in, frozen 2026-11-22)",
        unit="1", gt=0, le=1)
