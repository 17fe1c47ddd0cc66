"""Flows over a fabric's links, and how long their bytes take.

Flows that keep step (a ring, a tree) all go at the pace of the busiest link: `Flows.load`. Flows
that only start together share the links max-min fairly until the last has ended: `shared_time`,
`flow_times`; with other traffic (`traffic`) on the links, that has its max-min share as well.

Leaves out: latency (`Flows.latency_time` is for who adds up the steps). Units: seconds, bytes.
"Per byte" means per byte of the operation's `nbytes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats
from rackwright.topologies.collectives.traffic import Background, on_the_way, with_caps
from rackwright.topologies.fabric import Fabric

__all__ = ["Flows", "Load", "flow_times", "flows_of", "joined", "shared_time"]

REFERENCE = float(1 << 30)  # bytes of a direct transfer that is shared out, then scaled


class Load(NamedTuple):
    """The busiest link and the seconds for which a byte of the operation holds it."""

    time_per_byte: float
    link: int


class Flows(NamedTuple):
    """Flow i crosses ``links[offsets[i]:offsets[i + 1]]`` with ``share[i]`` of the bytes."""

    offsets: npt.NDArray[np.int64]
    links: npt.NDArray[np.int64]
    share: Floats
    latency_time: Floats  # s, of each path

    def load(self, bandwidth: Floats) -> Load:
        """The busiest link when the flows keep step."""
        held = self.held(bandwidth)
        link = int(held.argmax())
        return Load(float(held[link]), link)

    def held(self, bandwidth: Floats) -> Floats:
        """Seconds for which a byte of the operation holds each link."""
        crossing = np.repeat(self.share, np.diff(self.offsets))
        return np.bincount(self.links, crossing, len(bandwidth)) / bandwidth


def flows_of(fabric: Fabric, pairs: Sequence[tuple[str, str]], share: float | Floats) -> Flows:
    """Flows by the fabric's routes; raises TopologyError without a path."""
    routes = fabric.routes(pairs)
    ps = np.concatenate([np.zeros(1, np.int64),
                         np.cumsum(fabric.links.latency_ps[routes.links])])
    latency = (ps[routes.offsets[1:]] - ps[routes.offsets[:-1]]) * 1e-12
    shares = np.array(np.broadcast_to(np.asarray(share, np.float64), (len(pairs),)))
    return Flows(routes.offsets, routes.links, shares, latency)


def joined(*parts: Flows) -> Flows:
    """Flows that go together."""
    offsets, at = [np.zeros(1, np.int64)], 0
    for part in parts:
        offsets.append(part.offsets[1:] + at)
        at += int(part.offsets[-1])
    return Flows(np.concatenate(offsets), np.concatenate([part.links for part in parts]),
                 np.concatenate([part.share for part in parts]),
                 np.concatenate([part.latency_time for part in parts]))


def shared_time(flows: Flows, bandwidth: Floats, traffic: Sequence[Background] = ()) -> float:
    """Seconds a byte until the last flow has ended, when they share links max-min fairly.

    Equal flows have ended when the busiest link has carried its own; see `exchange`.
    """
    equal = flows.share.min() == flows.share.max()
    if equal and not on_the_way(traffic, flows.links):
        return flows.load(bandwidth).time_per_byte
    return float(flow_times(flows, bandwidth, traffic).max())


def flow_times(flows: Flows, bandwidth: Floats, traffic: Sequence[Background] = ()) -> Floats:
    """The same of each flow, shape (flows,)."""
    if on_the_way(traffic, flows.links):
        return _among(flows, bandwidth, traffic)
    if (even := _even_time(flows, bandwidth)) is not None:
        return np.full(len(flows.share), even)
    from rackwright.engine import share_flows

    used, links = np.unique(flows.links, return_inverse=True)
    finish = share_flows(bandwidth[used], flows.offsets, links.reshape(-1),
                         flows.share * REFERENCE)
    return np.asarray(finish / REFERENCE)


def _among(flows: Flows, bandwidth: Floats, traffic: Sequence[Background]) -> Floats:
    """With background flows, each of enough bytes to outlast the others."""
    from rackwright.engine import share_flows

    rates, paths = with_caps(bandwidth, traffic)
    offsets = np.concatenate([flows.offsets, flows.offsets[-1]
                              + np.cumsum([len(path) for path in paths])])
    links = np.concatenate([flows.links, *(np.array(path, np.int64) for path in paths)])
    nbytes = flows.share * REFERENCE
    slowest = rates[links].min() / np.bincount(links).max()  # no flow ever has less
    lasting = [2 * nbytes.max() / slowest * rates[list(path)].min() for path in paths]
    used, links = np.unique(links, return_inverse=True)
    finish = share_flows(rates[used], offsets, links.reshape(-1),
                         np.concatenate([nbytes, lasting]))
    return np.asarray(finish[:len(nbytes)] / REFERENCE)


def _even_time(flows: Flows, bandwidth: Floats) -> float | None:
    """Where every flow crosses a link that is busiest, with flows of one share: then the rates at
    which all end together are max-min fair, and the engine need not be asked."""
    if flows.share.min() < flows.share.max():
        return None
    held = flows.held(bandwidth)
    worst = np.maximum.reduceat(held[flows.links], flows.offsets[:-1])
    return float(worst.max()) if worst.min() >= worst.max() * (1 - 1e-12) else None
