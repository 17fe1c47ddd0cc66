"""Options of the serving engine.

Scheduler defaults are those of vLLM's engine V1 (read in v0.11): blocks of 16 tokens, 0.9 of the
memory, captured sizes 1, 2, 4, multiples of 8 below 256, multiples of 16 to
min(2 x max_num_seqs, 512). max_num_batched_tokens and max_num_seqs default by GPU there, and here
by `0`: 8,192 and 1,024 with 70 GiB of memory or more, except on an A100, else 2,048 and 256
(``vllm/engine/arg_utils.py``, API server). Asynchronous scheduling is the default as in v0.14
(vllm-project/vllm pull request 27614). Host times are not published for one version and machine:
see `parameters`.
"""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Bytes, Money, Options, Time, option

__all__ = ["ServingOptions"]


class ServingOptions(Options):
    """What can be varied about the serving engine."""

    model: str = option("llama-3-8b", "language model, by its name in models/llm/catalog")
    tensor_parallel: int = option(1, "GPUs of an engine, which share every layer: the first ones "
                                     "of the topology, in order", unit="GPUs", ge=1, le=1024)
    engines: int = option(1, "engines on GPUs of their own, behind a router that deals requests "
                             "out in turn", unit="engines", ge=1, le=1024)
    expert_parallel: bool = option(
        False, "whole experts on each GPU of the tensor group instead of a slice of every expert")
    top_k: int = option(0, "experts that a token visits in a block; 0: as the model does",
                        unit="experts", ge=0, le=4096)
    prefilled: bool = option(
        False, "prompts are computed elsewhere: a request arrives with its keys and values and "
               "computes its last prompt token only")
    concurrency: int = option(
        0, "closed loop: so many clients send the trace's requests, each the next one when its "
           "last has ended, and arrival times are not used; 0: open loop",
        unit="requests", ge=0)
    max_num_batched_tokens: int = option(0, "most tokens in a step; 0: vLLM's default for the GPU",
                                         unit="tokens", ge=0, le=1_048_576)
    max_num_seqs: int = option(0, "most requests running; 0: vLLM's default for the GPU",
                               unit="requests", ge=0, le=65_536)
    chunked_prefill: bool = option(
        True, "split prompts that do not fit into a step; off: they wait for a step of their own")
    block_tokens: int = option(16, "tokens in a block of the KV cache", unit="tokens", ge=1,
                               le=65_536)
    gpu_memory_utilization: float = option(0.9, "share of a GPU's memory for all of it", unit="1",
                                           gt=0, le=1)
    activation_memory: Bytes = option("2GiB", "of that share, what activations and workspace take")
    shared_prefix_tokens: int = option(
        0, "tokens at the start of every prompt that are held from the beginning; 0: none",
        unit="tokens", ge=0)
    prefix_caching: bool = option(
        False, "keep pages of ended requests and give them to requests that begin alike, as the "
               "trace's prefix blocks say (vLLM: --enable-prefix-caching)")
    cuda_graphs: bool = option(True, "run captured sizes as CUDA graphs; off: everything eager")
    graph_limit: int = option(0, "largest captured size; 0: vLLM's default", unit="tokens", ge=0,
                              le=65_536)
    custom_all_reduce: bool = option(
        True, "tensor parallel within a host of H100s or H200s: reduce small messages by the "
              "engine's own kernel; off: NCCL's (vLLM: --disable-custom-all-reduce)")
    async_scheduling: bool = option(
        True, "prepare the next step while the GPU runs this one, as vLLM does from v0.14 on "
              "unless told not to")
    async_gap_time: Time = option("160us", "asynchronous scheduling: what stays between the "
                                           "GPU's work of two steps")
    step_host_time: Time = option("700us", "host time of a step: scheduling, inputs, sampling")
    sequence_host_time: Time = option("5us", "host time of a step for each request in it")
    frontend_time: Time = option("6.5ms", "time of a request outside the engine, before its queue")
    sampling: Literal["greedy", "random"] = option("random", "how a token is drawn from logits")
    routing_skew: float = option(
        1.0, "experts: share of the i-th hottest is routing_skew**i; 1: all alike", unit="1",
        gt=0, le=1)
    gpu_hour_price: Money | None = option(None, "price of a GPU for an hour, for cost metrics")
    debug_checks: bool = option(
        False, "check after every step that nothing is lost or doubled (slow)")
    timeline_spans: int = option(20_000, "steps kept for the timeline, from the start on",
                                 unit="spans", ge=0, le=5_000_000)
