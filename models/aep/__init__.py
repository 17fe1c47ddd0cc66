"""AEP: asynchronous expert parallelism for serving mixture-of-experts models (arXiv 2505.08944)."""

from __future__ import annotations

from rackwright.models.aep.options import AepOptions
from rackwright.models.aep.parameters import FRAMEWORK_SETTINGS
from rackwright.models.aep.workload import replay
from rackwright.models.registry import Model
from rackwright.traces import read_requests

__all__ = ["MODEL", "AepOptions", "replay"]

MODEL = Model(
    name="aep",
    title="AEP: asynchronous expert parallelism (MoE serving, decode phase)",
    options=AepOptions,
    replay=replay,
    read_trace=read_requests,
    baselines={"ep_ideal": {"policy": "ep_ideal"},
               "ep_same_host": {"policy": "ep_same_host"},
               "ep_low_latency": {"policy": "ep_low_latency"},
               "ep_framework": {"policy": "ep_framework", **FRAMEWORK_SETTINGS}},
    headline=("throughput_steady_tokens_per_s", "throughput_tokens_per_s", "itl_mean_s",
              "itl_p99_s", "ttft_p50_s", "latency_p50_s", "energy_gpu_per_token_j"),
    sample_topology="dgx-a100",
    sample_trace="requests_short",
    captions={
        "aep": "half of the GPUs run attention, half experts; no barrier",
        "ep_ideal": "a barrier after every phase, on all GPUs, without any host cost",
        "ep_same_host": "the barrier with the host costs of AEP: only the barrier differs",
        "ep_low_latency": "the barrier with low-latency dispatch kernels and a framework's host "
                          "cost an iteration",
        "ep_framework": "the barrier with that host cost and a cap on running requests, fitted on "
                        "one published point (aep-1); the published gains are against such a "
                        "framework"},
)
