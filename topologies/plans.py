"""Which shared ways make up the routes of many pairs, and their links as arrays.

`Plan` says it pair by pair, `Ways` what there is to choose from at one end; `spliced` joins paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["FOUND", "NONE", "SPREAD", "TIED", "Plan", "Ways", "spliced", "table_of"]

I64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NONE, TIED, SPREAD, FOUND = 0, 1, 2, 3


class Ways(NamedTuple):
    """Ways between nodes and their ports: row by node, column by choice; cost FAR: no such.

    `switch`: number of the switch at the port's other end; `path`: index into `paths`.
    """

    cost: I64
    switch: I64
    width: Floats
    own: npt.NDArray[np.bool_]     # by the node's own adapter
    tied: npt.NDArray[np.bool_]
    path: I64
    paths: list[tuple[int, ...]]


class Plan(NamedTuple):
    """For each pair: places in `ahead`, `between` and `behind` of what makes up its route.

    `state`: FOUND; SPREAD: what is left to draw is the path between switches; TIED: more is; NONE.
    """

    state: npt.NDArray[np.int8]
    ahead: I64
    between: I64                   # from switch * switches + to switch
    behind: I64
    latency_ps: I64
    width: Floats

    def of(self, chosen: npt.NDArray[np.bool_]) -> Plan:
        """Some of the pairs."""
        return Plan(self.state[chosen], self.ahead[chosen], self.between[chosen],
                    self.behind[chosen], self.latency_ps[chosen], self.width[chosen])


def spliced(parts: Sequence[tuple[Sequence[tuple[int, ...]], I64]]) -> tuple[I64, I64]:
    """(offsets, links) of routes each made of one path of every part: (paths, which of them)."""
    tables = [table_of(paths) for paths, _ in parts]
    pieces = [(np.diff(starts)[which], starts[which], links)
              for (starts, links), (_, which) in zip(tables, parts, strict=True)]
    count = len(parts[0][1])
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(sum(length for length, _, _ in pieces), out=offsets[1:])
    found, at = np.empty(offsets[-1], np.int64), offsets[:-1]
    for length, start, links in pieces:
        step = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        found[np.repeat(at, length) + step] = links[np.repeat(start, length) + step]
        at = at + length
    return offsets, found


def table_of(paths: Sequence[tuple[int, ...]]) -> tuple[I64, I64]:
    """Where each path starts among the links of all, and those."""
    starts = np.zeros(len(paths) + 1, np.int64)
    np.cumsum([len(path) for path in paths], out=starts[1:])
    return starts, np.array([link for path in paths for link in path], np.int64)
