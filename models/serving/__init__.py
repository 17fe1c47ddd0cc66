"""Serving: a continuous-batching engine, and what every serving system shares.

`MODEL` is an engine like vLLM's V1: chunked prefill, a paged KV cache, preemption by recomputation.
Shared with other systems: requests, admission by free KV blocks, snapshots, windows, metrics.
`rate_sweep` and `saturation` drive any system of the registry that replays requests.
"""

from __future__ import annotations

from rackwright.models.registry import Model
from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.rates import RatePoint, Saturation, Sweep, rate_sweep, saturation
from rackwright.models.serving.report import batch_histogram, series
from rackwright.models.serving.workload import prepare, replay
from rackwright.traces import read_requests

__all__ = ["MODEL", "RatePoint", "Saturation", "ServingOptions", "Sweep", "batch_histogram",
           "prepare", "rate_sweep", "replay", "saturation", "series"]

MODEL = Model(
    name="serving",
    title="Serving: continuous batching with chunked prefill and a paged KV cache",
    options=ServingOptions,
    replay=replay,
    read_trace=read_requests,
    baselines={"synchronous": {"async_scheduling": False},
               "unbatched": {"max_num_seqs": 1}},
    headline=("throughput_steady_tokens_per_s", "throughput_tokens_per_s", "ttft_p50_s",
              "ttft_p99_s", "tpot_mean_s", "itl_p99_s", "latency_p50_s",
              "energy_gpu_per_token_j"),
    sample_topology="dgx-h100",
    sample_trace="requests_medium",
    captions={
        "serving": "one engine like vLLM's V1 on the first GPUs; host times are assumed",
        "synchronous": "the same with each step prepared when the last has ended",
        "unbatched": "the same with one request at a time"},
)
