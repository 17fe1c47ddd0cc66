"""What algorithms of rounds take: halving-doubling, hierarchical.

A transfer takes its step (the path's latency and the protocol's time, as on a ring) and its bytes'
time, overlapped as the protocol's fit says; a round takes as long as its slowest transfer, and
rounds follow one another. The bytes' time of a round is that of all its transfers sharing the
fabric's links max-min fairly, beside other traffic. The protocols' coefficients are those fitted
to rings: for these algorithms they are assumed.

As flows (`stepped_flows`) a transfer waits only for what its own two ends have sent and got
before: without the receiver's buffers nothing is sent.
A slow rank makes every transfer from or to it take so many times as long.

Leaves out: time for permuting parts in memory. Units: seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.collectives import Collectives, RingFit
from rackwright.topologies.collectives.costs import Cost, overlapped
from rackwright.topologies.collectives.layout import Layout
from rackwright.topologies.collectives.operations import Operation
from rackwright.topologies.collectives.paths import Flows, Load, flow_times, flows_of
from rackwright.topologies.collectives.schedules import Round, schedule
from rackwright.topologies.collectives.stepping import Step, check_count
from rackwright.topologies.routing import GPU_LINKS

__all__ = ["stepped_cost", "stepped_flows", "stepped_load"]

MEDIA = ("nvlink", "pcie", "network")


class Priced(NamedTuple):
    """A round on a fabric; one entry a transfer. `wire`: seconds a byte of the operation."""

    round: Round
    flows: Flows
    wire: Floats
    medium: Floats  # index in MEDIA


_KEPT: WeakKeyDictionary[Layout, dict[tuple[str, str], list[Priced]]] = WeakKeyDictionary()


def priced(op: str, algorithm: str, layout: Layout) -> list[Priced]:
    """The rounds with what the links make of them, kept with the layout."""
    kept = _KEPT.setdefault(layout, {})
    if (op, algorithm) not in kept:
        kept[op, algorithm] = [_priced(layout, one) for one in schedule(op, algorithm, layout)]
    return kept[op, algorithm]


def _priced(layout: Layout, one: Round) -> Priced:
    flows = flows_of(layout.fabric, one.pairs, one.share)
    wire = flow_times(flows, layout.bandwidth, layout.traffic)
    nvlink = np.array([kind in GPU_LINKS for kind in layout.fabric.link_kinds])[flows.links]
    inside = np.minimum.reduceat(nvlink, flows.offsets[:-1])
    host = {rank: place for place, ranks in enumerate(layout.hosts) for rank in ranks}
    leaves = np.array([host[of] != host[to] for of, to in one.pairs])
    return Priced(one, flows, wire, np.where(leaves, 2.0, np.where(inside, 0.0, 1.0)))


def stepped_cost(part: Collectives, op: Operation, layout: Layout, algorithm: str, protocol: str,
                 nbytes: Floats, slow: Mapping[str, float]) -> Cost:
    """Rounds one after another, each until its slowest transfer has ended."""
    fit: RingFit = getattr(part, f"{op.name}_{protocol}")
    rounds = priced(op.name, algorithm, layout)
    copy = (nbytes / layout.count / fit.copy_bandwidth / _count(rounds))[..., None]
    total, all_wire = np.full(nbytes.shape, fit.base_time), np.zeros(nbytes.shape)
    for one in rounds:
        share, wire, medium, latency, longer = _kinds(one, slow)
        fixed = _step_time(part, fit, protocol, medium, latency, nbytes[..., None] * share)
        bytes_time = nbytes[..., None] * wire / fit.share
        took = longer * overlapped(fixed, bytes_time + copy, fit.sharpness)
        total = total + one.round.repeat * took.max(-1)
        all_wire = all_wire + one.round.repeat * bytes_time.max(-1)
    return Cost(np.asarray(total), np.asarray(all_wire))


def stepped_load(op: str, algorithm: str, layout: Layout) -> Load:
    """The link that is held longest over all rounds."""
    held = sum(one.round.repeat * one.flows.held(layout.bandwidth)
               for one in priced(op, algorithm, layout))
    link = int(np.argmax(held))
    return Load(float(np.asarray(held)[link]), link)


def stepped_flows(part: Collectives, op: Operation, layout: Layout, algorithm: str, protocol: str,
                  nbytes: float, slow: Mapping[str, float]) -> list[Step]:
    """Every transfer as a flow; it waits for all that its two ends got and sent before."""
    fit: RingFit = getattr(part, f"{op.name}_{protocol}")
    rounds = priced(op.name, algorithm, layout)
    check_count(sum(one.round.repeat * len(one.round.pairs) for one in rounds))
    copy = nbytes / layout.count / fit.copy_bandwidth / _count(rounds)
    steps: list[Step] = []
    got: dict[str, list[int]] = {rank: [] for rank in layout.ranks}
    sent = dict.fromkeys(layout.ranks, -1)
    for one in [again for again in rounds for _ in range(again.round.repeat)]:
        size = nbytes * one.round.share
        fixed = _step_time(part, fit, protocol, one.medium, one.flows.latency_time, size)
        now = []
        for place, (of, to) in enumerate(one.round.pairs):
            first, last = one.flows.offsets[place:place + 2]
            now.append((of, to, Step(tuple(one.flows.links[first:last].tolist()),
                                     float(size[place]), float(fixed[place]), copy,
                                     tuple(got[of] + got[to]), sent[of], sent[to],
                                     _longer(slow, of, to))))
        for of, _, _ in now:
            got[of] = []
        for of, to, step in now:
            sent[of] = len(steps)
            got[to].append(len(steps))
            steps.append(step)
    return steps


def _count(rounds: list[Priced]) -> int:
    return sum(one.round.repeat for one in rounds)


def _longer(slow: Mapping[str, float], of: str, to: str) -> float:
    return max(slow.get(of, 1.0), slow.get(to, 1.0))


def _kinds(one: Priced, slow: Mapping[str, float]) -> Floats:
    """Rows share, wire, medium, latency, slow: one column for all transfers that take the same."""
    longer = np.array([_longer(slow, of, to) for of, to in one.round.pairs])
    table = np.stack([one.round.share, one.wire, one.medium, one.flows.latency_time, longer])
    return np.unique(table, axis=1)


def _step_time(part: Collectives, fit: RingFit, protocol: str, medium: Floats, latency: Floats,
               chunk: Floats) -> Floats:
    """Seconds of a step as `hop_times` has them, each with the latency of its own path."""
    nvlink, pcie, network = (getattr(part, f"ring_{protocol}_{name}_hop") for name in MEDIA)
    hop = np.array([fit.hop_time, fit.hop_time + pcie - nvlink, network])
    block = fit.block_time * chunk / (chunk + fit.block_nbytes)
    return np.asarray(latency + hop[medium.astype(np.int64)] + block)
