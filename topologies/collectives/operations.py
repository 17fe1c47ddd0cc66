"""The collective operations: how many bytes pass, in how many steps; checks of arguments.

`nbytes` is counted as nccl-tests does: all_gather: the gathered output; reduce_scatter and
all_to_all: one rank's whole input; all others: per rank. With n ranks, a ring passes n - 1 chunks
of nbytes / n (all_reduce: twice), a chain the whole message once, direct transfers
(n - 1) / n of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.fabric import Fabric
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import SWITCHES, family_of

__all__ = ["OPERATIONS", "Operation", "check_endpoints", "checked_ranks", "checked_slow",
           "operation"]


class Operation(NamedTuple):
    """`shape`: "ring", "chain" or "direct"; `passes`: round the ring."""

    name: str
    shape: str
    passes: int = 1


_ALL = (Operation("all_gather", "ring"), Operation("all_reduce", "ring", 2),
        Operation("all_to_all", "direct"), Operation("broadcast", "chain"),
        Operation("reduce", "chain"), Operation("reduce_scatter", "ring"),
        Operation("send_recv", "direct"))
_BY_NAME = {one.name: one for one in _ALL}
OPERATIONS = tuple(_BY_NAME)
"""Names of the operations, sorted."""


def operation(name: str) -> Operation:
    """By name; raises UnknownName."""
    if name not in _BY_NAME:
        raise UnknownName("collective operation", name, OPERATIONS)
    return _BY_NAME[name]


def checked_ranks(op: Operation, fabric: Fabric, ranks: Sequence[str] | None) -> tuple[str, ...]:
    """`ranks` (all GPUs when None) once they are found to be different endpoints, two or more.

    Raises UnknownName and UsageError.
    """
    if isinstance(ranks, str):
        raise UsageError(f"ranks is {ranks!r}; give a list of endpoints")
    chosen = fabric.gpus() if ranks is None else tuple(ranks)
    check_endpoints(fabric, chosen)
    twice = sorted((rank for rank, count in Counter(chosen).items() if count > 1),
                   key=natural_key)
    if twice:
        raise UsageError(f"{op.name}: rank {twice[0]} is given twice; each takes part once")
    if len(chosen) < 2:
        raise UsageError(f"{op.name} needs two ranks or more, not {list(chosen)}")
    if op.name == "send_recv" and len(chosen) > 2:
        raise UsageError(f"send_recv goes from one rank to another; {len(chosen)} are given. For "
                         "several transfers at once: transfers_time")
    return chosen


def check_endpoints(fabric: Fabric, ranks: Iterable[str]) -> None:
    """Raises UnknownName for a rank that is no endpoint of the fabric."""
    endpoints = {name for names in fabric.endpoints.values() for name in names}
    for rank in ranks:
        if rank not in endpoints:
            raise UnknownName("rank", rank, sorted(endpoints, key=natural_key)[:40])
        assert family_of(fabric.device(rank)) not in SWITCHES


def checked_slow(ranks: Sequence[str], slow: Mapping[str, float]) -> dict[str, float]:
    """`slow` without the ranks that are as fast as ever. Raises UnknownName and UsageError."""
    if not isinstance(slow, Mapping):
        raise UsageError(f"slow is {slow!r}; give a dict of rank: factor")
    for rank, factor in slow.items():
        if rank not in ranks:
            raise UnknownName("slow rank", rank, sorted(ranks, key=natural_key)[:40])
        if not isinstance(factor, int | float | np.number) or not 1 <= factor < float("inf"):
            raise UsageError(f"slow: {rank} takes {factor!r} times as long; a number >= 1 is "
                             "needed")
    return {rank: float(factor) for rank, factor in slow.items() if factor > 1}
