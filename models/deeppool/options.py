"""Options of the DeepPool replay and of its baselines.

Defaults are the published code's where the fact is known (limit 2, pieces of half a millisecond,
one piece in flight), else stand-ins of ours, frozen on 2026-11-22: `parameters` says which.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from rackwright.models.options import Bandwidth, Bytes, Frequency, Options, Time, option

__all__ = ["DeeppoolOptions", "Settings", "Variant", "settings"]

Variant = Literal["burst_parallel", "burst_parallel_alone", "data_parallel", "dp_with_bg",
                  "partitioned", "naive_sharing", "model_wide", "one_gpu"]


class DeeppoolOptions(Options):
    """What can be varied about a replay."""

    variant: Variant = option(
        "burst_parallel",
        "the system (degrees by layer, background work behind the gate), or: burst_parallel_alone "
        "(no background), data_parallel (every layer on all GPUs, no background), dp_with_bg, "
        "partitioned (data parallel on some GPUs, background alone on the others), naive_sharing "
        "(the system without gate and priorities), model_wide (best degree for the whole model, no "
        "background), one_gpu")
    gpus: int = option(0, "GPUs of a foreground job, from the fabric's first on; 0: as many as the "
                          "fabric has. The planner uses powers of 2", unit="GPUs", ge=0)
    global_batch: int = option(32, "samples of an iteration, all GPUs together; jobs bring theirs",
                               unit="samples", ge=1, le=1 << 20)
    amplification_limit: float = option(
        2.0, "the most GPU time that a layer may take, over that on one GPU; 0: no limit",
        unit="1", ge=0)
    network: Literal["fabric", "flat"] = option(
        "fabric", "what transfers and gradients cost by: the fabric, or bandwidth and latency")
    bandwidth: Bandwidth = option("266GB/s", "of a GPU on the flat network, each way", gt=0)
    latency: Time = option("40us", "of a transfer on the flat network")
    gradients: Literal["library", "ring", "nic"] = option(
        "library", "who adds gradients up: what the collective library picks (flat network: a "
                   "ring), a ring, or the NICs, each GPU sending and receiving once")
    nic_adders: int = option(4, "blocks reduce_add of 16 lanes side by side in a NIC",
                             unit="blocks", ge=1, le=64)
    nic_clock: Frequency = option("250MHz", "clock of these blocks; none was placed", gt=0)
    sync: Literal["parameters", "code"] = option(
        "parameters", "gradients counted: all parameters, or as the published code does, which "
                      "leaves most of the convolutions out (flat network only)")
    bucket: Bytes = option("0B", "gradients that are summed together, beside the backward pass; 0: "
                                 "all at its end", ge=0)
    background: str = option("same", "the background training: same, a packaged profile or a file",
                             min_length=1)
    background_batch: int = option(16, "samples of a background step, on one GPU", unit="samples",
                                   ge=1, le=1 << 20)
    policy: Literal["newest", "artefact", "closed"] = option(
        "newest", "when a background piece may start: by the newest published code, by that of the "
                  "artefact, or only while the foreground does not run")
    gate: Literal["host", "nic"] = option(
        "host", "who keeps the averages: the host, in fine steps, or the NIC's block, in whole "
                "microseconds and 256ths")
    sharing: Literal["auto", "stand-in", "h100"] = option(
        "auto", "how foreground and background slow each other down: fg_slowdown and "
                "bg_busy_share, or measured pairs on an H100; auto: measured for H100 and H200")
    fg_slowdown: float = option(1.1, "stand-in: foreground beside a background piece", unit="1",
                                ge=1, le=100)
    bg_busy_share: float = option(0.3, "stand-in: background speed beside the foreground",
                                  unit="1", gt=0, le=1)
    bg_idle_share: float = option(0.9, "background speed on a GPU that the foreground leaves free",
                                  unit="1", gt=0, le=1)
    piece_time: Time = option("500us", "of a background piece, alone", gt=0)
    admission_time: Time = option("0s", "from the end of a piece until the gate is asked again")
    partition_gpus: int = option(0, "GPUs of the foreground in variant partitioned; 0: half",
                                 unit="GPUs", ge=0)
    iterations: int = option(120, "replayed", unit="iterations", ge=2, le=100_000)
    warm_iterations: int = option(40, "of them before the measured ones", unit="iterations", ge=1)
    job_gpus: int = option(8, "GPUs of every foreground job of a job trace", unit="GPUs", ge=1)
    profiles: str = option("packaged", "where a job trace's models are: packaged, or a folder of "
                                       "profiles named MODEL.*", min_length=1)
    memory_share: float = option(0.95, "share of a GPU's memory for both trainings", unit="1",
                                 gt=0, le=1)
    timeline_spans: int = option(20_000, "tasklets and pieces kept for the timeline",
                                 unit="spans", ge=0, le=5_000_000)


class Settings(NamedTuple):
    """What a variant makes of the options."""

    plan: Literal["burst", "data_parallel", "model_wide", "one_gpu"]
    background: bool
    gated: bool
    partitioned: bool


_SETTINGS = {
    "burst_parallel": Settings("burst", True, True, False),
    "burst_parallel_alone": Settings("burst", False, True, False),
    "data_parallel": Settings("data_parallel", False, True, False),
    "dp_with_bg": Settings("data_parallel", True, True, False),
    "partitioned": Settings("data_parallel", True, True, True),
    "naive_sharing": Settings("burst", True, False, False),
    "model_wide": Settings("model_wide", False, True, False),
    "one_gpu": Settings("one_gpu", False, True, False),
}


def settings(variant: str) -> Settings:
    """The settings of a variant."""
    return _SETTINGS[variant]
