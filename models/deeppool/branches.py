"""The planner for graphs with branches: blocks between a layer that forks and one that joins.

For every option of the forking layer each branch is planned as a chain up to the join. The longest
branch is the main one and stays on the GPUs of the trunk. Another one, in the order of the layers,
gets its own GPUs if some are left, if the transfers that it takes more there are shorter than the
main branch, and if they do not amplify its time beyond the limit; else it runs after the main
branch, on the same GPUs. A block takes as long as the longest of what runs side by side. GPUs are
packed greedily: a branch takes those after the ones already given in its block; where they run out,
the last goes back. That GPUs must be left is our reading: the published code packs afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.models.deeppool.costs import PlanCosts
from rackwright.models.deeppool.planner import Plan, Table, plan_chain, relax
from rackwright.models.deeppool.series import Block, Series, series_of

__all__ = ["plan_layers"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Placed:
    """A layer's option, its first GPU, and its seconds with the transfer before it."""

    option: int
    first: int
    time: float


@dataclass(frozen=True)
class _Piece:
    """What a branch, or a block, takes and where its layers run.

    `gpus`: how many in all; `entry`: of the time, what the join takes to get its input.
    """

    time: float
    gpus: int
    layers: dict[int, _Placed]
    entry: float = 0.0

    def moved(self, first: int) -> _Piece:
        """The same `first` GPUs further on."""
        return replace(self, layers={layer: replace(one, first=one.first + first)
                                     for layer, one in self.layers.items()})


def plan_layers(costs: PlanCosts, limit: float = math.inf) -> Plan:
    """The plan of any series of layers and blocks. Raises UsageError and OptionsError."""
    count = len(costs.compute_time)
    if costs.edges == tuple((layer, layer + 1) for layer in range(count - 1)):
        return plan_chain(costs, limit)
    if not limit > 0:
        raise UsageError(f"amplification limit {limit:g}; it must be above 0 (inf: none)")
    whole = min(_Walk(costs, limit).ends(series_of(costs.edges, count)),
                key=lambda piece: piece.time)
    placed = [whole.layers[layer] for layer in range(count)]
    return Plan(costs, np.array([one.option for one in placed], np.int64),
                np.array([one.first for one in placed], np.int64),
                np.array([one.time for one in placed]), whole.time)


@dataclass(frozen=True)
class _Walk:
    """The planner's recursion over one graph."""

    costs: PlanCosts
    limit: float

    def ends(self, series: Series) -> list[_Piece]:
        """The best way through the whole graph for each option of its last layer."""
        first = series[0]
        assert isinstance(first, int)
        own = self.costs.layer_time[first]
        table = Table(own, own, np.zeros(len(own), np.int64))
        pieces = [self._own(first, option, float(own[option])) for option in range(len(own))]
        return self._along(series[1:], first, table, pieces)[1]

    def _along(self, items: Series, last: int, table: Table, pieces: list[_Piece],
               join: int | None = None) -> tuple[Table, list[_Piece]]:
        """Go on from layer `last` through `items`, and to `join` where there is one.

        `pieces`: the way so far, by option of `last`. The join's own time is left out.
        """
        blocks: list[list[_Piece]] | None = None
        for at, item in enumerate(items):
            if isinstance(item, Block):
                after = items[at + 1] if at + 1 < len(items) else join
                assert isinstance(after, int)
                blocks = self._block(item, last, after)
                continue
            table, pieces = self._step(last, item, table, pieces, blocks,
                                       self.costs.layer_time[item])
            pieces = [self._with(piece, item, option, float(table.layer[option]))
                      for option, piece in enumerate(pieces)]
            last, blocks = item, None
        if join is not None:
            table, pieces = self._step(last, join, table, pieces, blocks,
                                       np.zeros(len(self.costs.gpus)))
        return table, pieces

    def _step(self, last: int, item: int, table: Table, pieces: list[_Piece],
              blocks: list[list[_Piece]] | None, own: Floats) -> tuple[Table, list[_Piece]]:
        """From `last` to `item`, by a transfer or through a block.

        The layer's time counts the transfer, but not the block.
        """
        between = self.costs.transfer(last, item) if blocks is None else \
            np.array([[piece.time for piece in row] for row in blocks])
        found = relax(self.costs, table, self.costs.layer_time[last], between, own, self.limit)
        taken = []
        for option, before in enumerate(found.before.tolist()):
            layers, gpus = pieces[before].layers, pieces[before].gpus
            entry = float(between[before, option])
            if blocks is not None:
                inner = blocks[before][option]
                layers, gpus = {**layers, **inner.layers}, max(gpus, inner.gpus)
                found.layer[option] -= inner.time - inner.entry
                entry = inner.entry
            taken.append(_Piece(float(found.total[option]), gpus, layers, entry))
        return found, taken

    def _own(self, layer: int, option: int, time: float) -> _Piece:
        return _Piece(time, int(self.costs.gpus[option]), {layer: _Placed(option, 0, time)})

    def _with(self, piece: _Piece, layer: int, option: int, time: float) -> _Piece:
        return _Piece(piece.time, max(piece.gpus, int(self.costs.gpus[option])),
                      {**piece.layers, layer: _Placed(option, 0, time)})

    def _block(self, block: Block, fork: int, join: int) -> list[list[_Piece]]:
        """What the block takes from option to option, the join's own time left out."""
        count = len(self.costs.gpus)
        rows = []
        for start in range(count):
            ways = [self._branch(branch, fork, start, join) for branch in block.branches]
            rows.append([self._packed([way[end] for way in ways], fork, start, end)
                         for end in range(count)])
        return rows

    def _branch(self, branch: Series, fork: int, start: int, join: int) -> list[_Piece]:
        """One branch from an option of the fork, by option of the join."""
        count = len(self.costs.gpus)
        total = np.full(count, math.inf)
        total[start] = 0.0
        table = Table(total, np.zeros(count), np.zeros(count, np.int64))
        return self._along(branch, fork, table, [_Piece(0.0, 0, {})] * count, join)[1]

    def _packed(self, ways: list[_Piece], fork: int, start: int, end: int) -> _Piece:
        """Which branches get GPUs of their own, and what the block takes then."""
        main = max(range(len(ways)), key=lambda way: (ways[way].time, -way))
        extra = [self._extra(way, fork, start, end) for way in ways]
        apart = [number for number, way in enumerate(ways)
                 if number != main and way.layers and extra[number] < ways[main].time
                 and extra[number] + way.time <= self.limit * way.time]
        while self._width(ways, apart, start, end) > int(self.costs.gpus[-1]):
            apart.pop()
        trunk = [number for number in range(len(ways)) if number not in apart]
        used = self._width([ways[number] for number in trunk], [], start, end)
        layers = {layer: one for number in trunk for layer, one in ways[number].layers.items()}
        for number in apart:
            layers |= _charged(ways[number], extra[number]).moved(used).layers
            used += ways[number].gpus
        time = max([sum(ways[number].time for number in trunk),
                    *(extra[number] + ways[number].time for number in apart)])
        return _Piece(time, used, layers, sum(ways[number].entry for number in trunk))

    def _width(self, ways: list[_Piece], apart: list[int], start: int, end: int) -> int:
        """GPUs of a block with these branches beside the trunk."""
        gpus = self.costs.gpus
        trunk = [way.gpus for number, way in enumerate(ways) if number not in apart]
        return max(*trunk, int(gpus[start]), int(gpus[end])) \
            + sum(ways[number].gpus for number in apart)

    def _extra(self, way: _Piece, fork: int, start: int, end: int) -> float:
        """Seconds that a branch takes more on GPUs that hold nothing of its input."""
        if not way.layers:
            return 0.0
        first, last = min(way.layers), max(way.layers)
        entry, leave = way.layers[first].option, way.layers[last].option
        costs = self.costs
        return float(costs.away_time[fork, start, entry] - costs.move_time[fork, start, entry]
                     + costs.away_time[last, leave, end] - costs.move_time[last, leave, end])


def _charged(way: _Piece, extra: float) -> _Piece:
    """A branch on GPUs of its own: its transfers to the join count as its last layer's."""
    last = max(way.layers)
    one = way.layers[last]
    placed = replace(one, time=one.time + way.entry + extra)
    return replace(way, layers={**way.layers, last: placed})
