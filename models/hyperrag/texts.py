"""The texts that go to the generator: how many cross the wire, and how long that takes.

Ours is a sum, no replay: a few hundred kilobytes a query contend with nothing. Texts lie on the KV
servers, or on the host when there are none (then nothing crosses a wire).
"""

from __future__ import annotations

from typing import Any

from rackwright.models.hyperrag.blocks import top_k_selector
from rackwright.models.hyperrag.options import HyperragOptions
from rackwright.models.hyperrag.placement import REMOTE, Placement
from rackwright.topologies.fabric import Fabric
from rackwright.traces.documents import DocumentTrace

__all__ = ["text_time"]


def text_time(fabric: Fabric, placed: Placement, trace: DocumentTrace, tokens: Any,
              options: HyperragOptions) -> tuple[float, float]:
    """(seconds, bytes) of a mean query: request, texts of all documents, or choosing and the top k.

    `tokens`: of every document fetched.
    """
    server = next((number for number, (tier, _) in enumerate(placed.caches)
                   if tier == REMOTE), None)
    if server is None:
        return 0.0, 0.0
    many = scores = len(trace.document) / len(trace)
    if options.topk == "nic":
        many = min(many, float(options.top_k))
    nbytes = many * float(tokens.mean()) * options.text_bytes_per_token
    path = fabric.route(placed.units[placed.first_unit[server]], placed.gpus[0])
    slowest = min(float(fabric.links.bandwidth[link]) for link in path)
    latency = sum(int(fabric.links.latency_ps[link]) for link in path) * 1e-12
    chosen = 0.0
    if options.topk == "nic":
        chosen = (scores + many) / top_k_selector(options.top_k).per_second
    return 2 * latency + chosen + nbytes / slowest, nbytes
