"""DispersedLedger, stepped tick by tick, and its sites' access links.

The model's `run_ticks` goes from tick to tick; here the ticks that end by a given time are one
slice. A link's rate caps what the bandwidth trace allows its site, from the next tick on; latencies
count for chunks and votes from then on. Room for epochs is taken generously at the start: a replay
that needs more ends with a fault. Units: picoseconds outside, seconds and bytes/s inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.status import DONE, FAULT, RUNNING, Control, new_control
from rackwright.models.dispersedledger.tables import Tables, Ticks, new_tables
from rackwright.models.dispersedledger.ticks import run_ticks
from rackwright.models.dispersedledger.workload import MOST_EPOCHS, SLICE_TIME, Prepared

__all__ = ["Ledger", "SiteLinks", "advance", "new_ledger", "words_of_fault"]

_PS = 1e-12
_ROOM = 4  # times the epochs that the model foresees

Floats = npt.NDArray[np.float64]


class Ledger(NamedTuple):
    """A ledger under way; `control.events` counts its ticks."""

    control: Control
    made: Prepared
    tables: Tables
    moving: Ticks

    @property
    def last(self) -> int:
        """Ticks in all."""
        return int(np.ceil(self.made.duration / self.made.rules.tick - 1e-9))

    @property
    def reached(self) -> float:
        """Seconds of its clock that are over."""
        ticks = int(self.control.events[0])
        return self.made.duration if ticks >= self.last else ticks * self.made.rules.tick


    def ended(self) -> tuple[Tables, Ticks]:
        """What a report reads: what a site retrieves counts without its overshoot, and what it
        outputs it has delivered, as the model itself has it at the end of a replay by ticks."""
        total = self.moving.total.copy()
        total[4:] = total[2] / self.made.rules.overshoot
        return (self.tables._replace(delivered=self.tables.output.copy()),
                self.moving._replace(total=total))


def new_ledger(made: Prepared) -> Ledger:
    """Before the first tick; compiles what it needs."""
    roomy = made._replace(epochs=min(_ROOM * made.epochs, MOST_EPOCHS))
    placed = made.placed
    tables, moving = new_tables(made.rules, placed.up.copy(), placed.down.copy(),
                                placed.delay.copy(), roomy.epochs)
    run_ticks(made.rules, tables, moving, 0, 0)
    return Ledger(new_control(), roomy, tables, moving)


def advance(state: Ledger, until_ps: int, max_events: int) -> int:
    """As `rackwright.engine.status` has it; a slice is `SLICE_TIME` of the ledger's clock."""
    rules, control, at = state.made.rules, state.control, int(state.control.events[0])
    if at >= state.last:
        return DONE
    until = int(np.floor(until_ps * _PS / rules.tick + 1e-9))
    upto = min(state.last, at + max(int(SLICE_TIME / rules.tick), 1), until)
    if upto <= at:
        control.now_ps[0] = max(int(control.now_ps[0]), until_ps)
        return RUNNING
    run_ticks(rules, state.tables, state.moving, at, upto)
    control.events[0], control.now_ps[0] = upto, round(upto * rules.tick / _PS)
    return FAULT if state.moving.first[1] else DONE if upto == state.last else RUNNING


def words_of_fault(state: Ledger) -> str:
    return f"more than the {state.made.epochs} epochs that there is room for"


class SiteLinks:
    """Access links of sites, `up` and `down`, and the `routes` (from, to) between them."""

    stops, late = "ever", True

    def __init__(self, made: Prepared, routes: Mapping[tuple[int, int], Sequence[int]],
                 latency_ps: npt.NDArray[np.int64]) -> None:
        self._up, self._down = made.placed.up.copy(), made.placed.down.copy()
        self._outward = {link: site for site, link in enumerate(made.placed.up_links)}
        self._inward = {link: site for site, link in enumerate(made.placed.down_links)}
        self._routes, self._now_ps = routes, latency_ps.copy()

    def refusal(self, link: int) -> str:
        return "" if link in self._outward or link in self._inward else (
            "is no site's access link, and this system takes all others to be wide enough")

    def set_rate(self, state: Ledger, link: int, bandwidth: float) -> None:
        for ends, rates, healthy in ((self._outward, state.tables.up, self._up),
                                     (self._inward, state.tables.down, self._down)):
            if link in ends:
                site = ends[link]
                rates[:, site] = np.minimum(healthy[:, site], bandwidth)

    def set_latency(self, state: Ledger, link: int, latency_ps: int) -> None:
        more = (latency_ps - int(self._now_ps[link])) * _PS
        self._now_ps[link] = latency_ps
        for (source, target), route in self._routes.items():
            state.tables.delay[source, target] += more * list(route).count(link)

    def hold(self, state: Any, link: int, until_ps: int) -> None:
        """Not needed: the link stops and goes on when it is set up again."""

    def nbytes(self, state: Any) -> Floats | None:
        return None
