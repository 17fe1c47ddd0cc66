"""`collective_time`, `collective_choice`, `transfers_time`: what users call.

By default the library of the first rank's GPU picks its algorithm and protocol as it would
(`tuner`), and adds up inside the switches where part and ranks allow it: that is what NCCL does
on an NVSwitch host of H100s unless NCCL_NVLS_ENABLE=0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.collectives import Collectives
from rackwright.devices.part import Band
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.collectives.costs import direct_cost
from rackwright.topologies.collectives.operations import check_endpoints, operation
from rackwright.topologies.collectives.paths import flows_of, shared_time
from rackwright.topologies.collectives.problem import Problem, known, library_of, medium_of
from rackwright.topologies.collectives.traffic import Changes, Traffic, checked_traffic
from rackwright.topologies.collectives.tuner import PROTOCOLS, direct_protocol
from rackwright.topologies.fabric import Fabric

__all__ = ["Choice", "collective_choice", "collective_time", "transfers_time"]

FIDELITIES = ("closed", "flows")


@dataclass(frozen=True)
class Choice:
    """What is done with one size.

    `algorithm`: "ring", "tree", "direct", "in_switch", or one of rounds that the caller asked for,
    "halving_doubling" or "hierarchical"; `protocol`: "ll", "ll128" or "simple".
    `time`: s; `wire_time`: of it, what the bytes take on the busiest link; `bottleneck`: that
    link, "" for direct transfers. `library`: the part; `band`: its error, (class, median, p90).
    """

    algorithm: str
    protocol: str
    time: float
    wire_time: float
    bottleneck: str
    library: str
    band: Band


def collective_time(op: str, nbytes: Sizes, fabric: Fabric, ranks: Sequence[str] | None = None, *,
                    algorithm: str | None = None, protocol: str | None = None,
                    in_switch: bool = True, library: str | Collectives | None = None,
                    fidelity: str = "closed", traffic: Traffic = (),
                    slow: Mapping[str, float] | None = None, changes: Changes = ()) -> Seconds:
    """Seconds of a collective among `ranks` of `fabric` (all GPUs when None), launch left out.

    `op`: all_gather, all_reduce, all_to_all, broadcast, reduce, reduce_scatter, send_recv (from
    the first rank to the second). `nbytes`, as nccl-tests counts it: all_gather: the gathered
    output; reduce_scatter, all_to_all: one rank's whole input; else per rank; a number or an
    array. No bytes take no time. The first rank is the root.

    `algorithm`, `protocol`: instead of what the library picks; `in_switch=False` is
    NCCL_NVLS_ENABLE=0. `library`: a part of kind "collectives" or its name. `fidelity` "flows"
    replays every step as flows that wait for one another: slower, and it sees steps that get in
    each other's way.

    No library picks "halving_doubling" (all_gather, all_reduce, reduce_scatter) and "hierarchical"
    (all_reduce on two hosts or more) as an `algorithm`: name them. "double_tree" is another name of
    "tree", which is a pair of trees. `traffic`: (source, target, bytes/s) of other flows that share
    the links max-min fairly all the while, math.inf for one that takes what it can get; the library
    picks as if it were not there. `slow`: {rank: factor}, how many times as long a rank's steps
    take; for the two algorithms named here (`stragglers` draws them). `changes`: rows (ps, link,
    bytes/s) from the start on, as `capacity_changes` makes them of faults and `jitter`; with
    ``fidelity="flows"`` only.

    Models one collective at a time, as a node of a CUDA graph. Raises UnknownName, UsageError, and
    TopologyError where no path joins two ranks.

    >>> from rackwright import topologies
    >>> fabric = topologies.compile(topologies.dgx("h100-sxm"))
    >>> 1e-3 < topologies.collective_time("all_gather", 2**30, fabric) < 4e-3
    True
    """
    problem = Problem.of(op, nbytes, fabric, ranks, library, traffic, slow, changes)
    if fidelity not in FIDELITIES:
        raise UnknownName("fidelity of a collective", fidelity, FIDELITIES)
    if problem.layout.changes and fidelity != "flows":
        raise UsageError("changes in time need fidelity='flows'; the closed form has one bandwidth "
                         "for each link")
    picked, names = problem.picked(algorithm, protocol, in_switch)
    if fidelity == "flows":
        from rackwright.topologies.collectives.replay import replayed

        chosen = [names[int(i)] for i in picked.flat]
        times = [replayed(problem.part, problem.op, problem.layout, problem.ranks, *name, size,
                          problem.slow) if size else 0.0
                 for name, size in zip(chosen, problem.nbytes.flat, strict=True)]
        return bare(np.array(times, np.float64).reshape(problem.nbytes.shape))
    costs = np.stack([problem.cost(*name).total for name in names])
    found = np.take_along_axis(costs, picked[None], 0)[0]
    return bare(np.where(problem.nbytes > 0, found, 0.0))


def collective_choice(op: str, nbytes: int, fabric: Fabric, ranks: Sequence[str] | None = None, *,
                      algorithm: str | None = None, protocol: str | None = None,
                      in_switch: bool = True, library: str | Collectives | None = None,
                      traffic: Traffic = (), slow: Mapping[str, float] | None = None) -> Choice:
    """What `collective_time` does with one size; arguments and errors are its.

    >>> from rackwright import topologies
    >>> fabric = topologies.compile(topologies.dgx("h100-sxm"))
    >>> choice = topologies.collective_choice("all_reduce", 2**30, fabric)
    >>> choice.algorithm, choice.protocol
    ('in_switch', 'simple')
    """
    problem = Problem.of(op, nbytes, fabric, ranks, library, traffic, slow)
    if problem.nbytes.ndim:
        raise UsageError("collective_choice takes one size; call it for each")
    picked, names = problem.picked(algorithm, protocol, in_switch)
    name = names[int(picked)]
    cost = problem.cost(*name)
    some = float(problem.nbytes) > 0
    return Choice(*name, time=float(cost.total) if some else 0.0,
                  wire_time=float(cost.wire) if some else 0.0,
                  bottleneck=problem.bottleneck(name[0]), library=problem.part.name,
                  band=problem.band(*name))


def transfers_time(pairs: Sequence[tuple[str, str]], nbytes: Sizes, fabric: Fabric, *,
                   world: int | None = None, protocol: str | None = None,
                   library: str | Collectives | None = None, traffic: Traffic = ()) -> Seconds:
    """Seconds until the last of several transfers has ended that start together.

    Each of `pairs`, (from, to), moves `nbytes`, a number or an array; they share links max-min
    fairly. `world`: ranks of the communicator that they go through; None: those of `pairs` only.
    In a larger one a transfer gets fewer channels. `traffic`: as for `collective_time`. Raises
    UnknownName, UsageError, TopologyError.
    """
    if not pairs:
        raise UsageError("transfers_time needs a pair of endpoints, (from, to)")
    op = operation("send_recv")
    check_endpoints(fabric, dict.fromkeys(end for pair in pairs for end in pair))
    for one, other in pairs:
        if one == other:
            raise UsageError(f"send_recv: rank {one} is given twice; each takes part once")
    part = library_of(fabric, pairs[0][0], library)
    size, = sizes(nbytes=nbytes)
    ends = [end for pair in dict.fromkeys(pairs) for end in pair]
    peers, world = max(Counter(ends).values()), _world(world, len(set(ends)))
    flows = flows_of(fabric, list(pairs), 1.0)
    wire = size * shared_time(flows, fabric.links.bandwidth, checked_traffic(fabric, traffic))
    medium = medium_of(fabric, pairs, flows.links.tolist())
    latency = float(flows.latency_time.max())
    chosen = direct_protocol(part, size) if protocol is None else np.full(
        size.shape, PROTOCOLS.index(known("protocol", protocol, ("ll", "simple"))))
    low, high = (direct_cost(part, op, peers, world, latency, medium, name, size, wire,
                             both=_both(pairs), mixed=_mixed(pairs)).total
                 for name in ("ll", "simple"))
    return bare(np.where(size > 0, np.where(chosen == 0, low, high), 0.0))


def _world(world: int | None, least: int) -> int:
    if world is None:
        return least
    if world < least:
        raise UsageError(f"world is {world}; {least} ranks send or receive")
    return world


def _both(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether a rank sends and receives."""
    return not {of for of, _ in pairs}.isdisjoint(to for _, to in pairs)


def _mixed(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether a rank sends to one and receives from another."""
    to, of = ({pair[end]: pair[1 - end] for pair in pairs} for end in (0, 1))
    return any(rank in of and of[rank] != other for rank, other in to.items())
