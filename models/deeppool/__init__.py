"""DeepPool: burst-parallel training with GPU multiplexing (arXiv 2112.10065)."""

from __future__ import annotations

from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.models.deeppool.workload import read_trace, replay
from rackwright.models.registry import Model

__all__ = ["MODEL", "DeeppoolOptions", "read_trace", "replay"]

MODEL = Model(
    name="deeppool",
    title="DeepPool: burst-parallel training, background work in the gaps (training)",
    options=DeeppoolOptions,
    replay=replay,
    read_trace=read_trace,
    baselines={name: {"variant": name} for name in (
        "data_parallel", "burst_parallel_alone", "dp_with_bg", "partitioned", "naive_sharing",
        "model_wide", "one_gpu")},
    headline=("cluster_throughput_gpus", "cluster_throughput_loaded_gpus", "iteration_s",
              "fg_speedup", "bg_speedup", "fg_slowdown"),
    sample_topology="dgx-a100",
    sample_trace="profile_vgg16",
    captions={
        "deeppool": "GPUs by layer, background work behind the gate; what sharing a GPU costs is a "
                    "stand-in on an A100, measured on an H100",
        "data_parallel": "every layer on all GPUs, nothing in the background",
        "burst_parallel_alone": "GPUs by layer, nothing in the background",
        "dp_with_bg": "every layer on all GPUs, background work behind the gate",
        "partitioned": "data parallel on half of the GPUs, background alone on the others",
        "naive_sharing": "GPUs by layer, background work without gate or priorities",
        "model_wide": "the best number of GPUs for the whole model, nothing in the background",
        "one_gpu": "one GPU for the foreground"},
)
