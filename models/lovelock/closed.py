"""A prepared replay by the closed forms: fractions, R, B, phi*, and the slowdown that they give.

Everything here is from operators alone (no contention): fractions of the servers' time, R by the
roofline of each operator, B from line rates. It stands beside the simulated figures; the two agree
when nothing contends and no traffic is split (a test). Units: seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.models.lovelock.formulas import Fractions, break_even, phi_sum, slowdown
from rackwright.models.lovelock.work import KINDS

if TYPE_CHECKING:
    from rackwright.models.lovelock.clusters import Cluster
    from rackwright.models.lovelock.workload import Prepared, Side

__all__ = ["Closed", "by_query", "closed_form", "kind_times", "split_bytes"]

Floats = npt.NDArray[np.float64]


class Closed(NamedTuple):
    """`ratio`: R of all operators, weighted by the servers' time; `memory_ratio`, `core_ratio`:
    the two bounds between which operators lie (hardware blocks left aside); `line`: B."""

    fractions: Fractions
    ratio: float
    memory_ratio: float
    core_ratio: float
    line: float
    phi: int

    @property
    def slowdown(self) -> float:
        return slowdown(self.fractions, self.ratio, self.line, self.phi)

    @property
    def break_even(self) -> float:
        """phi*, of R over all operators."""
        return break_even(self.fractions, self.ratio, self.line)

    @property
    def phi_sum(self) -> float:
        return phi_sum(self.fractions, self.ratio, self.line)


def kind_times(side: Side, rows: slice | npt.NDArray[np.int64] = slice(None)) -> Floats:
    """Seconds of operators alone, by `KINDS`; service of what moves bytes counts as cpu."""
    work = side.work
    kind = work.kind[rows]
    times: Floats = np.bincount(kind, work.move_time[rows], minlength=len(KINDS)).astype(np.float64)
    served = np.where(work.station[rows] == 1, kind, 0)
    return times + np.bincount(served, work.service_time[rows], minlength=len(KINDS))


def closed_form(made: Prepared, other: Side, phi: int,
                rows: slice | npt.NDArray[np.int64] = slice(None)) -> Closed | None:
    """Of the chosen rows; None when they take no time on the servers."""
    server, nic = made.reference, other
    times = kind_times(server, rows)
    if times.sum() <= 0:
        return None
    here, there = server.cluster, nic.cluster
    mine, theirs = times[0], kind_times(nic, rows)[0]
    scale = _nodes(there) / _nodes(here)    # R is of one node against one node
    ratio = theirs * scale / mine if mine > 0 and theirs > 0 else 1.0
    # formulas' phi is NICs a server; a server with a NIC in its slot is one node for one
    return Closed(Fractions.of_times(*times.tolist()), ratio,
                  here.node.memory_bandwidth / there.node.memory_bandwidth,
                  here.node.core_rate / there.node.core_rate,
                  here.node.line_bps / there.node.line_bps, phi)


def by_query(made: Prepared, other: Side) -> list[tuple[str, Fractions, float, float, float]]:
    """(template, fractions, slowdown of operators alone, phi*, R) of the first query of each
    template, by name."""
    trace, found, seen = made.trace, [], set[str]()
    for number in range(trace.queries):
        rows = slice(int(trace.offsets[number]), int(trace.offsets[number + 1]))
        name = trace.template[rows.start]
        if name in seen:
            continue
        seen.add(name)
        phi = round(_nodes(other.cluster) / _nodes(made.reference.cluster))
        form = closed_form(made, other, phi, rows)
        if form is not None:
            alone = float(other.work.alone_time[rows].sum())
            before = float(made.reference.work.alone_time[rows].sum())
            found.append((name, form.fractions, alone / before, form.break_even, form.ratio))
    return sorted(found)


def split_bytes(made: Prepared, nic: Side, shuffled: float) -> float:
    """Of `shuffled` bytes those that one server would have kept, but its NICs exchange."""
    return shuffled * (1 / _nodes(made.reference.cluster) - 1 / _nodes(nic.cluster))


def _nodes(cluster: Cluster) -> int:
    return len(cluster.workers)
