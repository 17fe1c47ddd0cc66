"""Options of the AEP replay and of its baselines.

Host costs are the sheet's and its follow-up's (see ``README.md`` in this folder for what each was
fitted on); everything else about time comes from the device models and the fabric.
"""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Frequency, Money, Options, Time, option

__all__ = ["BARRIER", "FRAMEWORK", "AepOptions"]

BARRIER = ("ep_ideal", "ep_same_host", "ep_framework", "ep_low_latency")
FRAMEWORK = ("ep_framework", "ep_low_latency")   # these pay a serving framework's host costs


class AepOptions(Options):
    """What can be varied about a replay of AEP."""

    policy: Literal["defrag", "mtfs", "flfs", "group", "ep_ideal", "ep_same_host", "ep_framework",
                    "ep_low_latency"] = option(
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
    group_blocks: int = option(
        1, "policy group: blocks in a group; the group with most tokens goes first", unit="blocks",
        ge=1, le=1024)
    attention_fixed_time: Time = option("540us", "host time of an attention step")
    attention_token_time: Time = option("2.3us", "host time of an attention step, per token")
    attention_graph_batch: int = option(
        160, "largest attention batch that runs as one CUDA graph", unit="tokens", ge=0)
    attention_eager_time: Time = option("0us", "extra host time of an attention step beyond that")
    expert_fixed_time: Time = option("60us", "host time of an expert step")
    sampler_fixed_time: Time = option("540us", "host time of a sampler step")
    sampler_token_time: Time = option("2.3us", "host time of a sampler step, per token")
    message_time: Time = option(
        "60us", "metadata of a message between GPUs: both hosts agree, the receiver makes room")
    message_remote_time: Time = option("0us", "more of it when the GPUs are on different hosts")
    dispatch: Literal["host", "nic"] = option(
        "host", "what sorts tokens by destination and announces messages: the host's processes, or "
                "a token_dispatch block in each GPU's smart NIC")
    nic_message_time: Time | None = option(
        None, "dispatch=nic: time of a message in the NICs, instead of message_time; none: the "
              "measured cycles of token_dispatch, PCIe and adapters at both ends", ge=0)
    nic_token_time: Time | None = option(
        None, "dispatch=nic: time of the block for each part of a token, one at a time; none: the "
              "measured cycles of token_dispatch", ge=0)
    scoring: Literal["host", "nic"] = option(
        "host", "who picks a GPU's next queue: the host, in its time of a step, or a uqueue_score "
                "block in the NIC, over PCIe and by its measured cycles, on top of that time")
    nic_clock: Frequency = option("250MHz", "clock of these blocks; no block was placed", gt=0)
    nic_host_share: float = option(
        0.0, "dispatch=nic: share of the host time of attention steps that the NIC takes over",
        unit="1", ge=0, le=1)
    attention_batch_cap: int = option(0, "most tokens in an attention step; 0: no cap",
                                      unit="tokens", ge=0)
    expert_batch_cap: int = option(0, "most tokens in an expert step; 0: no cap", unit="tokens",
                                   ge=0)
    kv_block_tokens: int = option(16, "tokens in a block of the KV cache", unit="tokens", ge=1)
    memory_share: float = option(0.9, "share of a GPU's memory for weights and KV cache",
                                 unit="1", gt=0, le=1)
    ep_exchange_time: Time = option(
        "13us", "ep_ideal, ep_framework: latency of one all-to-all exchange")
    ep_low_latency_time: Time = option(
        "35us", "ep_low_latency: latency of one dispatch or combine, its bytes apart")
    ep_max_running: int = option(
        0, "ep_framework: most requests running at a time over all GPUs; 0: no cap",
        unit="requests", ge=0)
    ep_step_time: Time = option(
        "540us", "ep_framework, ep_low_latency: host time of an iteration")
    ep_request_time: Time = option(
        "2.3us", "the same, for each running request of a GPU")
    ep_layer_overhead_time: Time = option(
        "0us", "ep_framework, ep_low_latency: extra time of every block")
    ep_host_attention_time: Time = option(
        "0us", "ep_framework, ep_low_latency: host time of an attention step")
    ep_host_expert_time: Time = option(
        "0us", "ep_framework, ep_low_latency: host time of an expert step")
    gpu_hour_price: Money | None = option(None, "price of a GPU for an hour, for cost metrics")
    debug_checks: bool = option(
        False, "inspect the whole state after every event (slow): tokens, order, memory")
    timeline_spans: int = option(20_000, "steps kept for the timeline, from the start on",
                                 unit="spans", ge=0, le=5_000_000)
