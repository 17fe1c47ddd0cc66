"""What the boards of a rack draw, moment by moment: one entry a node that says what it draws.

Models (`rackwright.devices.power`): idle watts; a GPU's watts while it computes, by kind of work;
an adapter's line, in proportion to how much of its Ethernet rate is in use (our assumption: the
part files give the ends, idle and line rate); everything else idles. A power limit below what the
work draws slows the work down so that the average meets the limit, in proportion to the watts
above idle (assumed: duty cycling; real boards lower clocks and voltages and lose less speed). A
slowed board, or one that throttles because it is hot (`heat`), draws in proportion too. Left out:
ramps, what copies and links add, power supplies, fans; nodes whose part file gives no watts.

Units: watts, joules, picoseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.devices.power import Power, power_of
from rackwright.engine import FOREVER_PS
from rackwright.errors import UsageError
from rackwright.panel.heat import SLOWED, Heat
from rackwright.topologies import Fabric
from rackwright.units import MAX_TIME

__all__ = ["Board", "Boards"]

_PS = 1e-12
LOWEST_SHARE = 0.1  # of its speed that a limit leaves a board; ours, so that no work stands still


@dataclass
class Board:
    """A node's draw. `limit` in W (None: it cannot be limited), `slow`: share of its speed that a
    fault leaves it, `hot`: whether it throttles."""

    node: str
    host: str | None
    power: Power
    most_watts: float
    limit: float | None
    slow: float = 1.0
    hot: bool = False
    work: str = ""

    def added(self, work: str) -> float:
        """Watts that `work` adds at full speed. Raises UsageError."""
        if work not in self.power.added_watts:
            known = ", ".join(sorted(self.power.added_watts)) or "no work at all"
            raise UsageError(f"{self.node} has no activity {work!r}; it has {known}")
        return self.power.added_watts[work]

    @property
    def least_limit(self) -> float:
        """The lowest power limit that can be set."""
        most = max(self.power.added_watts.values(), default=0.0)
        return self.power.idle_watts + LOWEST_SHARE * most

    def speed(self, work: str) -> float:
        """How fast `work` runs, 1 being as fast as without limit and fault."""
        room = self.free
        if self.limit is not None and work:
            added = self.added(work)
            if added > 0:
                room = min(room, (self.limit - self.power.idle_watts) / added)
        return max(min(room, 1.0), LOWEST_SHARE / 10)

    @property
    def free(self) -> float:
        """The speed that faults and heat leave it."""
        return min(self.slow, SLOWED) if self.hot else self.slow

    @property
    def limited(self) -> bool:
        """Whether the power limit holds it back now."""
        return bool(self.work) and self.limit is not None and (
            self.power.idle_watts + self.free * self.added(self.work) > self.limit)

    @property
    def work_watts(self) -> float:
        return self.speed(self.work) * self.added(self.work) if self.work else 0.0


class Boards:
    """All boards of a fabric that can be metered; arrays follow the order of `names`."""

    def __init__(self, fabric: Fabric) -> None:
        found = [board for node in fabric.nodes if (board := _board(fabric, node))]
        self.all = {board.node: board for board in found}
        self.names = tuple(self.all)
        self.number = {name: at for at, name in enumerate(self.names)}
        self.joules = np.zeros(len(found))
        self.busy_ps = np.zeros(len(found))
        self._idle = np.array([board.power.idle_watts for board in found])
        self._work = np.zeros(len(found))
        self._line = np.array([board.power.added_watts.get("line", 0.0) for board in found])
        self.heat = Heat([fabric.device(name) for name in self.names], self._idle)
        self._ports = _lines(fabric, self.number)
        self._bandwidth = np.array(fabric.links.bandwidth)

    def start(self, node: str, work: str) -> None:
        """A board works on something from now on; "" for nothing."""
        self.all[node].work = work
        self.refresh(node)

    def refresh(self, node: str) -> None:
        """Its limit, fault or work has changed."""
        self._work[self.number[node]] = self.all[node].work_watts

    def watts(self, rate: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each draws now, the links carrying `rate` bytes/s."""
        found = self._idle + self._work
        boards, links = self._ports
        if len(boards):
            share = np.zeros(len(found))
            np.maximum.at(share, boards, rate[links] / self._bandwidth[links])
            found += self._line * share
        return found

    def account(self, duration_ps: int, rate: npt.NDArray[np.float64]) -> None:
        """Count energy and busy time of a stretch in which nothing changes."""
        watts = self.watts(rate)
        self.joules += watts * (duration_ps * _PS)
        self.heat.account(duration_ps * _PS, watts)
        self.busy_ps[self._work > 0] += duration_ps

    def next_ps(self, now_ps: int, rate: npt.NDArray[np.float64]) -> int:
        """When a board starts or stops to throttle, if nothing else changes."""
        seconds = self.heat.next_time(self.watts(rate))
        return now_ps + math.ceil(seconds / _PS) if seconds < MAX_TIME else FOREVER_PS

    def throttle(self) -> list[str]:
        """The boards that start or stop to throttle now."""
        found = [self.names[number] for number in self.heat.cross()]
        for name in found:
            self.all[name].hot = not self.all[name].hot
        return found


def _board(fabric: Fabric, node: str) -> Board | None:
    part = fabric.device(node)
    try:
        power = power_of(part)
    except UsageError:
        return None
    most = part.tdp_watts if isinstance(part, Gpu) else power.busy_watts
    limit = float(most) if isinstance(part, Gpu) else None
    return Board(node, fabric.host_of(node), power, float(most), limit)


def _lines(fabric: Fabric, number: dict[str, int]
           ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(board, link) of every Ethernet link at a metered endpoint, either direction."""
    pairs = [(number[name], link) for link, kind in enumerate(fabric.link_kinds)
             if kind == "ethernet"
             for name in (fabric.nodes[fabric.link_tails[link]],
                          fabric.nodes[fabric.link_heads[link]]) if name in number]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
