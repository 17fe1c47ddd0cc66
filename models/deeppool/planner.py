"""The burst-parallel planner for chains: how many GPUs every layer of a training step gets.

A dynamic program over layers and options, as published. For each option of a layer the options of
the layer before are tried in their order; the first with the least time is taken, if what it makes
of the layer before does not amplify GPU time beyond a limit, or amplifies it less than the best so
far. All comparisons are strict. The test is greedy inside the program: a higher limit does not
always give a faster plan, the last layer is not limited, and without a limit (infinity) the result
is the shortest path.

Amplification: seconds of a layer in its chosen path times its GPUs, over its seconds alone on one;
1 for layers of no time, and for those that take at most 300 us alone.

Leaves out: splits other than by samples; memory. Branches: `branches`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.models.deeppool.costs import PlanCosts

__all__ = ["SHORT_TIME", "Plan", "Table", "best_static", "fixed_plan", "plan_chain", "relax"]

SHORT_TIME = 300e-6    # s; shorter layers are not limited (published code)
_NEVER = 999_999.0     # amplification before any choice (published code)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """GPUs `first` .. ``first + gpus - 1`` run each layer; arrays of shape (layers,).

    `option`: index into ``costs.gpus``. `layer_time`: s with the transfer before it. `time`:
    s of an iteration.
    """

    costs: PlanCosts
    option: Ints
    first: Ints
    layer_time: Floats
    time: float

    @property
    def gpus(self) -> Ints:
        return self.costs.gpus[self.option]

    @property
    def busy_time(self) -> float:
        """GPU-seconds of an iteration."""
        return float((self.layer_time * self.gpus).sum())

    @property
    def most_gpus(self) -> int:
        """GPUs that work at all."""
        return int((self.first + self.gpus).max())

    @property
    def text(self) -> str:
        """Runs of equal degrees: "0-31 on 8, 32-36 on 1"."""
        gpus = self.gpus.tolist()
        starts = [at for at in range(len(gpus)) if at == 0 or gpus[at] != gpus[at - 1]]
        ends = [*(start - 1 for start in starts[1:]), len(gpus) - 1]
        return ", ".join(f"{begin}-{end} on {gpus[begin]}" if end > begin
                         else f"{begin} on {gpus[begin]}"
                         for begin, end in zip(starts, ends, strict=True))


@dataclass(frozen=True)
class Table:
    """What the program knows about one layer, by option, (k,)."""

    total: Floats   # s from the start to the end of the layer
    layer: Floats   # s of the layer in that path
    before: Ints    # option of the layer before


def plan_chain(costs: PlanCosts, limit: float = math.inf) -> Plan:
    """The published plan of a chain of layers. `limit`: amplification, above 0.

    Raises UsageError.
    """
    if not limit > 0:
        raise UsageError(f"amplification limit {limit:g}; it must be above 0 (inf: none)")
    own = costs.layer_time
    tables = [Table(own[0], own[0], np.zeros(len(costs.gpus), np.int64))]
    for layer in range(1, len(own)):
        tables.append(relax(costs, tables[-1], own[layer - 1], costs.transfer(layer - 1, layer),
                            own[layer], limit))
    option = _walk(tables)
    times = np.array([table.layer[at] for table, at in zip(tables, option, strict=True)])
    return Plan(costs, option, np.zeros_like(option), times, float(tables[-1].total.min()))


def relax(costs: PlanCosts, before: Table, own_before: Floats, transfer: Floats, own: Floats,
          limit: float) -> Table:
    """The table of a layer from that of the layer before; `transfer` is (before, after)."""
    count = len(costs.gpus)
    best, least = np.full(count, math.inf), np.full(count, _NEVER)
    layer, chosen = np.zeros(count), np.zeros(count, np.int64)
    amplified = amplification(before.layer, costs.gpus, float(own_before[0]))
    for option in range(count):
        if before.total[option] == math.inf:
            continue
        new = before.total[option] + transfer[option] + own
        amp = amplified[option]
        better = (new < best) & ((amp < limit) | (amp < least))
        best, least = np.where(better, new, best), np.where(better, amp, least)
        layer = np.where(better, new - before.total[option], layer)
        chosen = np.where(better, option, chosen)
    return Table(best, layer, chosen)


def amplification(layer: Floats, gpus: Ints, alone: float) -> Floats:
    """GPU time of a layer over that alone on one GPU, by option."""
    if alone <= SHORT_TIME:
        return np.ones(len(gpus))
    return np.where(layer > 0, layer * gpus / alone, 1.0)


def fixed_plan(costs: PlanCosts, option: int) -> Plan:
    """Every layer with the same option: data parallel for the last, one GPU for the first."""
    own = costs.layer_time[:, option]
    chosen = np.full(len(own), range(len(costs.gpus))[option], np.int64)
    return Plan(costs, chosen, np.zeros_like(chosen), own, float(np.cumsum(own)[-1]))


def best_static(costs: PlanCosts) -> Plan:
    """The fastest plan with one degree for the whole model; fewest GPUs of equal ones."""
    return min((fixed_plan(costs, option) for option in range(len(costs.gpus))),
               key=lambda plan: plan.time)


def _walk(tables: list[Table]) -> Ints:
    option = int(np.argmin(tables[-1].total))
    path = [option]
    for table in reversed(tables[1:]):
        path.append(int(table.before[path[-1]]))
    return np.array(path[::-1], np.int64)
