"""Collectives as rounds of simultaneous transfers: who sends to whom, and which part of the bytes.

"halving_doubling": recursive vector halving and distance doubling, then the same backwards
(Rabenseifner's algorithm as Open MPI and MPICH have it): in round k every rank swaps with the one
2**k further, and half as many bytes as the round before. Ranks beyond a power of two fold theirs
into a neighbour first and get the result from it last. Neighbours come first, so that most bytes
stay inside hosts.

"hierarchical": a ring inside each host scatters the sum, one ring of hosts a rail adds up the
parts, a ring inside each host gathers. As many parts as the smallest host has ranks; in a larger
host the ranks beyond pass parts on and keep none.

Leaves out: doubling without halving (the whole vector in each round). A part is a share of the
operation's `nbytes`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.errors import UsageError
from rackwright.topologies.collectives.layout import Layout

__all__ = ["STEPPED", "Round", "check_stepped", "schedule"]

STEPPED = {"halving_doubling": ("all_gather", "all_reduce", "reduce_scatter"),
           "hierarchical": ("all_reduce",)}
"""Algorithm -> its operations"""

Pairs = tuple[tuple[str, str], ...]


class Round(NamedTuple):
    """Transfer i takes ``share[i]`` of the bytes along ``pairs[i]``; all that `repeat` times."""

    pairs: Pairs
    share: Floats
    repeat: int = 1


def check_stepped(op: str, algorithm: str, layout: Layout) -> None:
    """Raises UsageError where the algorithm makes no sense."""
    if op not in STEPPED[algorithm]:
        raise UsageError(f"{algorithm} is for {', '.join(STEPPED[algorithm])}, not for {op}")
    if algorithm == "hierarchical" and len(layout.hosts) < 2:
        raise UsageError(f"hierarchical needs ranks on two hosts or more; all {layout.count} are "
                         f"on {layout.fabric.host_of(layout.ranks[0])}: algorithm='ring'")


def schedule(op: str, algorithm: str, layout: Layout) -> list[Round]:
    """The rounds of an operation that `check_stepped` accepts."""
    if algorithm == "hierarchical":
        return _hierarchical(layout)
    if op == "all_reduce":
        halving = _halving(layout.ranks, whole=True)
        return halving + _mirrored(halving)
    halving = _halving(layout.ranks, whole=False)
    back = _fold(layout.ranks, 1 / layout.count)
    scatter = halving + _mirrored(back)
    return scatter if op == "reduce_scatter" else _mirrored(scatter)


def _mirrored(rounds: list[Round]) -> list[Round]:
    """Backwards in time, receivers sending: a gather for a scatter."""
    return [one._replace(pairs=tuple((to, of) for of, to in one.pairs)) for one in rounds[::-1]]


def _fold(ranks: tuple[str, ...], share: float) -> list[Round]:
    """The ranks beyond a power of two to their neighbours."""
    extra = len(ranks) - _power(len(ranks))
    pairs = tuple((ranks[2 * place], ranks[2 * place + 1]) for place in range(extra))
    return [Round(pairs, np.full(extra, share))] if extra else []


def _power(count: int) -> int:
    """The largest power of two that is no more."""
    return 1 << (count.bit_length() - 1)


def _halving(ranks: tuple[str, ...], whole: bool) -> list[Round]:
    """A reduce-scatter. `whole`: one that is gathered again, so that a folded rank gets nothing
    in between; else two parts are for its neighbour, who returns one."""
    power, count = _power(len(ranks)), len(ranks)
    extra = count - power
    working = [ranks[2 * place + 1] for place in range(extra)] + list(ranks[2 * extra:])
    parts = np.ones(power)
    if not whole:
        parts[:extra] = 2
    rounds = _fold(ranks, 1.0 if whole else 1 - 1 / count)
    distance = 1
    while distance < power:
        others = [place ^ distance for place in range(power)]
        share = [parts[other % (2 * distance)::2 * distance].sum() / parts.sum()
                 for other in others]
        rounds.append(Round(tuple((working[place], working[other])
                                  for place, other in enumerate(others)), np.array(share)))
        distance *= 2
    return rounds


def _hierarchical(layout: Layout) -> list[Round]:
    scatter = _scatter_inside(layout)
    following = (*layout.hosts[1:], layout.hosts[0])
    pairs = tuple((here[rail], there[rail]) for here, there in
                  zip(layout.hosts, following, strict=True) for rail in range(layout.channels))
    share = np.full(len(pairs), 1 / layout.channels / len(layout.hosts))
    across = Round(pairs, share, 2 * (len(layout.hosts) - 1))
    return [*scatter, across, *_mirrored(scatter)]


def _scatter_inside(layout: Layout) -> list[Round]:
    """Part c goes once round its host and ends at rank c. Equal rounds of equal hosts are one."""
    parts = layout.channels
    if all(len(host) == parts for host in layout.hosts):
        pairs = tuple((host[place], host[(place + 1) % parts])
                      for host in layout.hosts for place in range(parts))
        return [Round(pairs, np.full(len(pairs), 1 / parts), parts - 1)] if parts > 1 else []
    rounds = []
    for turn in range(layout.most - 1):
        pairs = tuple((host[(part + 1 + turn) % len(host)], host[(part + 2 + turn) % len(host)])
                      for host in layout.hosts if turn < len(host) - 1 for part in range(parts))
        rounds.append(Round(pairs, np.full(len(pairs), 1 / parts)))
    return rounds
