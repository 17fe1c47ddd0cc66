"""Sites of a ledger on a fabric: their delays from routes, their bandwidth from links and a trace.

Every adapter is a site, one a host. The delay of a pair is the latency of the route; a site's
bandwidth is that of its access link, and no more than the trace says. Links between the access
links are taken to be wide enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import TopologyError
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.topologies.fabric import Fabric
from rackwright.traces.wan import BandwidthTrace

__all__ = ["MOST_SITES", "Placement", "place"]

MOST_SITES = 256

Floats = npt.NDArray[np.float64]


class Placement(NamedTuple):
    """Sites in the fabric's order."""

    sites: tuple[str, ...]
    up_links: tuple[int, ...]     # of each site: its own link out
    down_links: tuple[int, ...]
    delay: Floats                 # (N, N) s, from and to
    up: Floats                    # (steps, N) bytes/s that count
    down: Floats
    matched: bool                 # the trace names these sites


def place(fabric: Fabric, trace: BandwidthTrace, options: DispersedLedgerOptions) -> Placement:
    """Find sites, delays and rates. Raises TopologyError."""
    sites = _sites(fabric)
    if not 4 <= len(sites) <= MOST_SITES:
        raise TopologyError("a ledger needs 4 to 256 sites (3f + 1 nodes with f >= 1)",
                            [f"the topology has {len(sites)} adapters, one a host"])
    n = len(sites)
    delay = np.zeros((n, n))
    ups, downs = [-1] * n, [-1] * n
    for i, source in enumerate(sites):
        for j, target in enumerate(sites):
            if i != j:
                route = fabric.route(source, target)
                delay[i, j] = 1e-12 * sum(int(fabric.links.latency_ps[link]) for link in route)
                ups[i], downs[j] = route[0], route[-1]
    matched = set(sites) <= set(trace.sites)
    column = [trace.sites.index(site) if matched else at % len(trace.sites)
              for at, site in enumerate(sites)]
    scale = options.link_efficiency * options.bandwidth_scale
    bandwidth = fabric.links.bandwidth
    return Placement(
        sites, tuple(ups), tuple(downs), delay,
        np.minimum(trace.up[:, column] * scale, bandwidth[ups]),
        np.minimum(trace.down[:, column] * scale, bandwidth[downs]), matched)


def _sites(fabric: Fabric) -> tuple[str, ...]:
    """The first adapter of each host; an adapter without host is a site by itself."""
    adapters = [name for name in fabric.nodes
                if name in fabric.endpoints["nic"] or name in fabric.endpoints["smart-nic"]]
    found: dict[str, str] = {}
    for name in adapters:
        found.setdefault(fabric.host_of(name) or name, name)
    return tuple(found.values())
