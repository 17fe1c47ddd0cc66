"""The serving engine: what simulates the rows of its targets.toml.

Published rows are runs of vLLM on one GPU. Older versions than v0.14 schedule synchronously. What a
row leaves open (lengths of prompts, the version) is said in its configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rackwright import run, topologies
from rackwright.models.llm import shape
from rackwright.models.serving import ServingOptions, prepare
from rackwright.models.serving.layers import chunk_time, decode_time, head_time, linear_time
from rackwright.reproduce.context import Context
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests
from rackwright.units import exact_time

__all__ = ["SIMULATIONS"]

Measure = Callable[[Context], float]
DEFAULTS = ServingOptions()
GAP, HOST, EACH = (DEFAULTS.async_gap_time, DEFAULTS.step_host_time, DEFAULTS.sequence_host_time)


def machine(context: Context, gpu: str = "h100-sxm") -> Fabric:
    return context.once(("machine", gpu),
                        lambda: topologies.compile(topologies.dgx(gpu, hosts=1)))


def alike(count: int, prompt: int, answer: int) -> RequestTrace:
    """Equal requests, all at once."""
    return RequestTrace(np.zeros(count), np.full(count, prompt), np.full(count, answer), "alike",
                        "equal requests")


def metrics(context: Context, trace: RequestTrace, gpu: str = "h100-sxm", **settings: Any
            ) -> Mapping[str, float]:
    """Every metric of a replay."""
    return run.replay("serving", machine(context, gpu), trace, timeline_spans=0,
                      **{**host_times(context), **settings}).metrics


def host_times(context: Context) -> dict[str, str]:
    """Assumed and fitted times; bands: the sources in models/serving/parameters.py."""
    times = {"step_host_time": context.parameter("step_host_time", HOST, 0.18e-3, 1.5e-3),
             "sequence_host_time": context.parameter("sequence_host_time", EACH, 0.0, 12.7e-6),
             "async_gap_time": context.parameter("async_gap_time", GAP, 150e-6, 170e-6),
             "frontend_time": context.parameter("frontend_time", DEFAULTS.frontend_time)}
    return {name: exact_time(time) for name, time in times.items()}


def decode_step(context: Context, rows: int, tokens: int) -> float:
    """Seconds of the GPU for a step of decodes of llama-3-8b, by the device models."""
    gpu: Any = machine(context).device("h0/gpu0")
    model, n, y = shape("llama-3-8b"), np.array(rows), np.array(tokens)
    return float(linear_time(gpu, model, 1, n) + head_time(gpu, model, 1, n, False)
                 + model.blocks * decode_time(gpu, model, 1, n, y))


def one_request(context: Context) -> float:
    """Latency of a request alone over its closed form."""
    gpu: Any = machine(context).device("h0/gpu0")
    model, n = shape("llama-3-8b"), np.array(1000)
    # nothing runs before its first step, so that one's host time is not hidden
    first = DEFAULTS.frontend_time + HOST + EACH + float(
        linear_time(gpu, model, 1, n) + head_time(gpu, model, 1, np.array(1), False)
        + model.blocks * chunk_time(gpu, model, 1, n, np.array(0)))
    rest = sum(GAP + decode_step(context, 1, tokens) for tokens in range(1001, 1064))
    return metrics(context, alike(1, 1000, 64))["latency_mean_s"] / (first + rest)


def saturated(context: Context) -> float:
    """Tokens/s of a closed loop over clients by step time."""
    found = metrics(context, alike(256, 32, 400), concurrency=32, frontend_time="0us")
    step = GAP + decode_step(context, 32, 232)
    return found["throughput_steady_tokens_per_s"] * step / 32


def little(context: Context) -> float:
    trace = generate_requests(20.0, 30.0, seed=1, input_tokens=Uniform(50, 1000),
                              output_tokens=Uniform(50, 200))
    found = metrics(context, trace, frontend_time="0us")
    served = found["latency_mean_s"] - found["admission_wait_mean_s"]
    return found["running_mean"] / (len(trace) / found["makespan_s"] * served)


def full_cache(context: Context) -> float:
    """Most requests running over what the pages would hold of finished ones."""
    trace, share = alike(400, 256, 256), 0.262
    options = ServingOptions.checked({"gpu_memory_utilization": share})
    placed = prepare(machine(context), trace, options)[1]
    most = placed.pages // placed.pages_of(512, 16)
    return metrics(context, trace, gpu_memory_utilization=share)["running_max"] / most


def on_a100(metric: str, prompt: int) -> Measure:
    """One request of a mixture of experts, of a version that schedules synchronously."""
    return lambda context: metrics(context, alike(1, prompt, 128), "a100-sxm-80",
                                   model="qwen3-30b-a3b", async_scheduling=False)[metric]


def on_h100(metric: str, clients: int) -> Measure:
    return lambda context: metrics(context, alike(12 * clients, 100, 100),
                                   concurrency=clients)[metric]


def sweep(context: Context, clients: int) -> float:
    """Tokens/s of `clients` that ask 20 times each, as in the published sweep."""
    return metrics(context, alike(20 * clients, 1024, 128), "a100-sxm-40",
                   concurrency=clients)["throughput_tokens_per_s"]


SIMULATIONS: Mapping[str, Measure] = {
    "serving-1": one_request,
    "serving-2": saturated,
    "serving-3": little,
    "serving-4": full_cache,
    **{f"serving-5/{prompt} tokens": on_a100("tpot_mean_s", prompt)
       for prompt in (128, 1024, 8192)},
    **{f"serving-6/{prompt} tokens": on_a100("ttft_mean_s", prompt) for prompt in (128, 1024)},
    "serving-7/1 client": on_h100("tpot_p50_s", 1),
    "serving-7/4 clients": on_h100("tpot_p50_s", 4),
    "serving-8": on_h100("ttft_p50_s", 1),
    "serving-9": lambda context: sweep(context, 1),
    "serving-10": lambda context: sweep(context, 8) / sweep(context, 1),
}
