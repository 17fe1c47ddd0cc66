"""Jitter: links that do not always give their whole rate, ranks that are not always on time.

`jitter` gives events like any other fault's, for `capacity_changes` (replays, `share_flows`,
`collective_time`) or `epochs`: in every step of time a link has a share of its rate that is drawn
from a beta distribution with the mean and the standard deviation asked for, so that the mean over
time is kept whatever the spread. `stragglers` gives factors for `slow`: 1 + a draw from an
exponential distribution, so that the slowest of n ranks takes 1 + mean * (1 + 1/2 + ... + 1/n) in
the mean.

Both distributions are our choice, the simplest with these properties; they are fitted to no
measurement. Every draw belongs to a seed, a name and a step: the same whoever else is asked for, so
that two systems see the same jitter. Leaves out: draws that depend on one another, in time or
between links; loss. Units: seconds, shares.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rackwright.errors import UsageError
from rackwright.topologies.builders.compose import named_edges
from rackwright.topologies.faults.events import FaultEvent
from rackwright.topologies.names import natural_key

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.devices.arguments import Floats

__all__ = ["jitter", "stragglers"]

MOST_EVENTS = 1_000_000   # our own limit
MOST_SEED = 1 << 62


def jitter(graph: nx.DiGraph[Any], pattern: str, mean: float = 1.0, spread: float = 0.0, *,
           step: float, until: float, seed: int = 0) -> tuple[FaultEvent, ...]:
    """Events "rate" in order of time: every `step` seconds before `until`, each link that the
    pattern of an edge names gets a share of its rate, and all of it at `until`.

    `mean`, above 0 and at most 1; `spread`: standard deviation, below sqrt(mean * (1 - mean)). The
    two directions are drawn apart. No events for a mean of 1. Raises UsageError.

    >>> from rackwright import topologies
    >>> star = topologies.star(hosts=2)
    >>> events = topologies.jitter(star, "h0=>s0", 0.8, 0.1, step=1e-3, until=3e-3, seed=1)
    >>> [(event.time, event.action) for event in events]
    [(0.0, 'rate'), (0.001, 'rate'), (0.002, 'rate'), (0.003, 'up')]
    """
    _check(mean, spread, step, until, seed)
    links = sorted(((tail, head) for tail, head, _ in named_edges(graph, pattern)),
                   key=lambda ends: (natural_key(ends[0]), natural_key(ends[1])))
    if mean == 1:
        return ()
    steps = max(math.ceil(until / step - 1e-9), 1)
    if steps * len(links) > MOST_EVENTS:
        raise UsageError(f"{steps} steps of {len(links)} links; at most {MOST_EVENTS} events: a "
                         "longer step, or fewer links")
    shares = [_shares(mean, spread, seed, f"{tail}->{head}", steps) for tail, head in links]
    found = [FaultEvent(turn * step, f"{tail}=>{head}", "rate", float(share[turn]), True)
             for turn in range(steps) for (tail, head), share in zip(links, shares, strict=True)]
    return (*found, *(FaultEvent(until, f"{tail}=>{head}", "up") for tail, head in links))


def stragglers(ranks: Sequence[str], mean: float, *, seed: int = 0, turn: int = 0
               ) -> dict[str, float]:
    """{rank: factor} for `slow`: how many times as long the rank's steps take in one operation.

    `mean`: of what is added to 1, 0 for none; `turn`: number of the operation. Raises UsageError.

    >>> from rackwright import topologies
    >>> topologies.stragglers(["h0/gpu0", "h0/gpu1"], 0.0)
    {'h0/gpu0': 1.0, 'h0/gpu1': 1.0}
    """
    if not (isinstance(mean, int | float | np.number) and 0 <= mean < float("inf")):
        raise UsageError(f"mean is {mean!r}; a finite number of 0 or more is needed")
    if not isinstance(turn, int) or turn < 0:
        raise UsageError(f"turn is {turn!r}; a whole number of 0 or more is needed")
    _check_seed(seed)
    return {rank: 1.0 + float(mean) * float(_generator(seed, rank, turn).standard_exponential())
            for rank in ranks}


def _shares(mean: float, spread: float, seed: int, name: str, steps: int) -> Floats:
    if spread == 0:
        return np.full(steps, mean)
    both = mean * (1 - mean) / spread ** 2 - 1  # a + b of the beta distribution
    return np.asarray(_generator(seed, name, 0).beta(mean * both, (1 - mean) * both, steps))


def _generator(seed: int, name: str, turn: int) -> np.random.Generator:
    key = hashlib.blake2b(f"{seed} {turn} {name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(key, "little")))


def _check(mean: float, spread: float, step: float, until: float, seed: int) -> None:
    if not 0 < mean <= 1:
        raise UsageError(f"mean is {mean!r}; a share above 0 and at most 1 is needed")
    most = math.sqrt(mean * (1 - mean))
    if not (spread == 0 or 0 < spread < most):
        raise UsageError(f"spread is {spread!r}; shares of mean {mean:g} have a standard deviation "
                         + (f"of 0 or more, below {most:.4g}" if most else "of 0"))
    for name, value in (("step", step), ("until", until)):
        if not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value!r}; a time in seconds above 0 is needed")
    _check_seed(seed)


def _check_seed(seed: int) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < MOST_SEED:
        raise UsageError(f"seed is {seed!r}; a whole number from 0 to 2**62 - 1 is needed")
