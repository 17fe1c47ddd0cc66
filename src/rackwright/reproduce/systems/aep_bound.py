"""AEP against what its GPUs can do at best: no host time, no network, no skew.

All requests come at once. Then the slower side, attention or experts, could work without a pause
at the batch at which a token costs it least: a closed form on the tables of step times. The replay
stays below it, since its first and last batches are small and a side waits for the other.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.models.aep import AepOptions, replay
from rackwright.models.aep.costs import build_costs
from rackwright.models.llm import shape
from rackwright.reproduce.context import Context
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

__all__ = ["share_of_bound"]

REQUESTS, INPUT_TOKENS, TOKENS = 24_000, 100, 3
LARGEST_BATCH = 1024     # looked at for the best one; a token then costs nearly nothing less
FREE = dict.fromkeys(("message_time", "attention_fixed_time", "attention_token_time",
                      "expert_fixed_time", "sampler_fixed_time", "sampler_token_time"), "0us")
FASTER = 1e5             # the links' rates, times this


def share_of_bound(context: Context) -> float:
    """Tokens/s over the bound's, on one host of eight A100-80GB, four of them for attention."""
    context.progress(f"{REQUESTS} requests at once, no host time, no network, no skew")
    options = AepOptions.checked({**FREE, "routing_skew": 1.0, "timeline_spans": 0})
    trace = RequestTrace(np.zeros(REQUESTS), np.full(REQUESTS, INPUT_TOKENS),
                         np.full(REQUESTS, TOKENS), "at once", "made here")
    seconds = replay(_free_fabric(), trace, options, context.seed).metrics["makespan_s"]
    return REQUESTS * TOKENS / seconds / bound(options, 4, 4)


def bound(options: AepOptions, attention_gpus: int, expert_gpus: int) -> float:
    """Tokens/s of the slower side, each step at its best batch."""
    language = shape(options.model)
    costs = build_costs(catalog.gpu("a100-sxm-80"), language, options, most_tokens=LARGEST_BATCH,
                        most_context=1024)
    sizes = range(1, LARGEST_BATCH + 1)
    attention = min(int(table2_ps(costs.attention, n, float(INPUT_TOKENS))) / n for n in sizes)
    expert = min(int(table1_ps(costs.expert, n)) / n for n in sizes)
    return 1e12 / language.blocks * min(attention_gpus / attention, expert_gpus / expert)


def _free_fabric() -> Fabric:
    graph = topologies.dgx("a100-sxm-80", hosts=1)
    for _, _, edge in graph.edges(data=True):
        link = edge["link"]
        edge["link"] = dataclasses.replace(link, rate_bps=link.rate_bps * FASTER, latency_time=0.0,
                                           part=None)
    return topologies.compile(graph)
