"""What a topology amounts to: counts, injection and bisection bandwidth, oversubscription.

All bandwidths are payload bytes/s of one direction. Bisection here is the largest flow between
the first and the second half of the hosts in natural order (an upper bound of the true, least
cut, which is hard to find); inside a host nothing limits it. Leaves out: what routing makes of
it; equal-cost routes may collide.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np

from rackwright.topologies.fabric import Fabric
from rackwright.topologies.parts import family_of

__all__ = ["facts"]

_MOST_ENDPOINTS = 64  # for the longest route, which needs all pairs
_TRAFFIC = ("gpu", "smart-nic", "nic", "cpu", "memory", "nvme")  # the first family there is


def facts(fabric: Fabric) -> dict[str, Any]:
    """A dict that JSON can hold; a key is absent when it has no meaning for `fabric`.

    `parts`: name -> kind, count. `links`: one entry a kind of link, `count` counting directions.
    `injection_bandwidth`: least and most of all hosts. `bisection_bandwidth`. `oversubscription`:
    switch -> bandwidth to hosts over bandwidth to other switches. `longest_route`: between
    endpoints of the first family there is, when there are at most 64.
    """
    found: dict[str, Any] = {
        "name": str(fabric.graph.graph.get("name", "")), "content_hash": fabric.content_hash,
        "hosts": len(fabric.hosts()), "nodes": len(fabric.nodes), "parts": _parts(fabric),
        "links": _links(fabric)}
    crossing = _between_hosts(fabric)
    if len(fabric.hosts()) > 1:
        leaving = [sum(crossing[host].values()) for host in fabric.hosts()]
        found["injection_bandwidth"] = {"least": min(leaving), "most": max(leaving)}
        found["bisection_bandwidth"] = _bisection(fabric, crossing)
    ratios = _oversubscription(fabric, crossing)
    if ratios:
        found["oversubscription"] = ratios
    longest = _longest_route(fabric)
    if longest:
        found["longest_route"] = longest
    return found


def _parts(fabric: Fabric) -> dict[str, dict[str, Any]]:
    devices = [fabric.device(node) for node in fabric.nodes]
    count = Counter((device.name, family_of(device)) for device in devices)
    return {name: {"kind": kind, "count": number}
            for (name, kind), number in sorted(count.items(), key=str)}


def _links(fabric: Fabric) -> list[dict[str, Any]]:
    every = [data["link"] for _, _, data in fabric.graph.edges(data=True)]
    count = Counter((link.kind, link.name, float(link.rate_bps), float(link.bandwidth),
                     float(link.latency_time)) for link in every)
    return [{"kind": kind, "name": name, "count": number, "rate_bps": rate,
             "bandwidth": bandwidth, "latency_time": latency}
            for (kind, name, rate, bandwidth, latency), number in sorted(count.items())]


def _between_hosts(fabric: Fabric) -> dict[str, Counter[str]]:
    """Bandwidth between hosts and switches outside of hosts, each host taken as one node."""
    place = {node: fabric.host_of(node) or node for node in fabric.nodes}
    found: dict[str, Counter[str]] = {name: Counter() for name in place.values()}
    for link, bandwidth in enumerate(fabric.links.bandwidth.tolist()):
        tail = place[fabric.nodes[fabric.link_tails[link]]]
        head = place[fabric.nodes[fabric.link_heads[link]]]
        if tail != head:
            found[tail][head] += bandwidth
    return found


def _bisection(fabric: Fabric, crossing: dict[str, Counter[str]]) -> float:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    hosts = fabric.hosts()
    number = {name: index + 2 for index, name in enumerate(crossing)}
    number |= {host: int(index >= len(hosts) // 2) for index, host in enumerate(hosts)}
    capacity = np.zeros((len(crossing) + 2,) * 2)
    for tail, heads in crossing.items():
        for head, bandwidth in heads.items():
            if number[tail] != number[head]:
                capacity[number[tail], number[head]] += bandwidth
    total = float(capacity.sum())
    if total == 0.0:
        return 0.0
    scale = (2**31 - 2) / total  # the solver counts in 32 bits
    whole = csr_array(np.floor(capacity * scale).astype(np.int32))
    flow = float(maximum_flow(whole, 0, 1).flow_value) / scale
    return float(f"{flow:.6g}")  # what the whole numbers above can tell


def _oversubscription(fabric: Fabric, crossing: dict[str, Counter[str]]) -> dict[str, float]:
    hosts = set(fabric.hosts())
    found = {}
    for switch, heads in crossing.items():
        down = sum(bandwidth for head, bandwidth in heads.items() if head in hosts)
        up = sum(bandwidth for head, bandwidth in heads.items() if head not in hosts)
        if switch not in hosts and down and up:
            found[switch] = down / up
    return found


def _longest_route(fabric: Fabric) -> dict[str, Any] | None:
    ends = next((fabric.endpoints[family] for family in _TRAFFIC if fabric.endpoints[family]), ())
    if not 2 <= len(ends) <= _MOST_ENDPOINTS:
        return None
    latency = fabric.links.latency_ps
    routes = [(source, target, fabric.route(source, target))
              for source, target in permutations(ends, 2)]
    source, target, route = max(routes, key=lambda entry: int(latency[list(entry[2])].sum()))
    return {"source": source, "target": target, "links": len(route),
            "latency_time": int(latency[list(route)].sum()) / 1e12}
