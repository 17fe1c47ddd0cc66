"""Options of the AEP replay and of its baselines.

Host costs are the sheet's and its follow-up's (see ``README.md`` in this folder for what each was
fitted on); everything else about time comes from the device models and the fabric.
"""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Options, Time, option

__all__ = ["BARRIER", "AepOptions"]

BARRIER = ("ep_ideal", "ep_framework")


class AepOptions(Options):
    """What can be varied about a replay of AEP."""

    policy: Literal["defrag", "mtfs", "flfs", "ep_ideal", "ep_framework"] = option(
        "defrag", "scheduler of the asynchronous system, or a barrier-style baseline on all GPUs")
    model: str = option("mixtral-8x7b-mqa", "language model, by its name in models/llm/catalog")
    top_k: int = option(1, "experts that each token visits in a block", unit="experts", ge=1, le=8)
    attention_gpus: int = option(
        0, "GPUs that run attention; 0: half of the GPUs of every host", unit="GPUs", ge=0)
    routing_skew: float = option(
        0.8, "popularity of the i-th hottest expert is routing_skew**i (stand-in)", unit="1",
        gt=0, le=1)
    decay: float = option(0.8, "defrag: weight of a queue k blocks ahead is decay**k", unit="1",
                          ge=0, le=1)
    look_ahead: int = option(7, "defrag: blocks looked ahead", unit="blocks", ge=0, le=1024)
    attention_fixed_time: Time = option("540us", "host time of an attention step")
    attention_token_time: Time = option("2.3us", "host time of an attention step, per token")
    attention_graph_batch: int = option(
        160, "largest attention batch that runs as one CUDA graph", unit="tokens", ge=0)
    attention_eager_time: Time = option("0us", "extra host time of an attention step beyond that")
    expert_fixed_time: Time = option("60us", "host time of an expert step")
    sampler_fixed_time: Time = option("540us", "host time of a sampler step")
    sampler_token_time: Time = option("2.3us", "host time of a sampler step, per token")
    message_time: Time = option("60us", "set-up of a message between GPUs, before its payload")
    attention_batch_cap: int = option(0, "most tokens in an attention step; 0: no cap",
                                      unit="tokens", ge=0)
    expert_batch_cap: int = option(0, "most tokens in an expert step; 0: no cap", unit="tokens",
                                   ge=0)
    kv_block_tokens: int = option(16, "tokens in a block of the KV cache", unit="tokens", ge=1)
    memory_share: float = option(0.9, "share of a GPU's memory for weights and KV cache",
                                 unit="1", gt=0, le=1)
    ep_exchange_time: Time = option(
        "13us", "barrier baselines: latency of one all-to-all exchange")
    ep_max_running: int = option(
        0, "ep_framework: most requests running at a time over all GPUs; 0: no cap",
        unit="requests", ge=0)
    ep_layer_overhead_time: Time = option("0us", "ep_framework: extra time of every block")
    ep_host_attention_time: Time = option(
        "0us", "ep_framework: host time of an attention step")
    ep_host_expert_time: Time = option("0us", "ep_framework: host time of an expert step")
    timeline_spans: int = option(20_000, "steps kept for the timeline, from the start on",
                                 unit="spans", ge=0, le=5_000_000)
