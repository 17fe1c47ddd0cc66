"""The ledger epoch by epoch: a recursion instead of ticks, for sweeps and for many sites.

Only a site's port in counts: C(t) are the bytes that it could have received by t. HB and HB-Link:

    finish_e = C^-1(C(max(S_e, finish_e-1)) + bytes),   S_e+1 = (N-f)-th smallest finish_e + floor

DL disperses epoch e from S_e on, S_e+1 is the (N-f)-th smallest end of that plus `floor`, the
votes' time; what dispersal leaves of a port in an epoch goes to retrieval, evenly. `floor`: order
statistics over the delays between sites (`votes`).

Left out, and in `ticks`: ports out, sharing between sites, blocks that are late for their epoch.
Units: seconds, bytes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.votes import complete_times, decide_times, smallest

__all__ = ["cumulated", "floor_time", "run_recursion"]

Floats = npt.NDArray[np.float64]


@kernel
def received(total, step, j, time):  # type: ignore[no-untyped-def]
    """C_j at `time`; beyond the table at its last rate."""
    row = min(int(time / step), total.shape[0] - 2)  # nonzero: checked
    rate = (total[row + 1, j] - total[row, j]) / step  # nonzero: checked
    return total[row, j] + rate * (time - row * step)


@kernel
def when(total, step, j, nbytes, start):  # type: ignore[no-untyped-def]
    """The time at which C_j reaches `nbytes`, from `start` on."""
    row = min(int(start / step), total.shape[0] - 2)  # nonzero: checked
    while row < total.shape[0] - 2 and total[row + 1, j] < nbytes:
        row += 1
    rate = (total[row + 1, j] - total[row, j]) / step  # nonzero: checked
    return row * step + (nbytes - total[row, j]) / max(rate, 1.0)  # nonzero: at least 1


@kernel
def floor_time(r, t, s):  # type: ignore[no-untyped-def]
    """From a proposal to its epoch's decision at the (N-f)-th node, without any transmission."""
    n = r.nodes
    for j in range(n):
        for i in range(n):
            t.got[0, j, i] = t.delay[j, i] + r.proc_delay
        complete_times(t.got[0, j], t.delay, r.faults, s.work, t.complete[0, j])
        decide_times(t.complete[0, j], t.delay, r.faults, s.work, t.decided[0, j])
    for m in range(n):
        late, mean = 0.0, 0.0
        for j in range(n):
            late = max(late, t.decided[0, j, m])
            s.work[0, j] = t.decided[0, j, m]
            mean += t.delay[j, m] / n  # nonzero: at least 4 nodes
        s.work[1, m] = min(late, smallest(s.work[0], n, n - r.faults) + 4.0 * mean)
    return smallest(s.work[1], n, n - r.faults)


@kernel
def new_blocks(r, t, s, e, now):  # type: ignore[no-untyped-def]
    """What each site proposes in epoch e; the bytes of all."""
    total = 0.0
    for j in range(r.nodes):
        amount = r.block
        if r.load > 0.0:
            amount = min(max(r.load * now - s.taken[j], 0.0), r.block)
        if r.coupled >= 0 and e - s.fetch[j] > r.coupled:
            amount = 0.0
        if r.load > 0.0:
            t.born[e, j, 0] = s.taken[j] / r.load  # nonzero: just looked
            s.taken[j] += amount
            t.born[e, j, 1] = s.taken[j] / r.load  # nonzero: just looked
        t.nbytes[e, j] = amount
        t.proposed[e, j] = now
        total += amount
    return total


@kernel
def retrieve(r, t, s, total, e, before, now, dispersal):  # type: ignore[no-untyped-def]
    """What ports leave between two epochs' starts goes to epochs that are decided."""
    for j in range(r.nodes):
        arrived = max(received(total, r.step, j, now) - received(total, r.step, j, before)
                      - dispersal, 0.0)
        left = arrived
        while s.fetch[j] < e - 1:
            wanted = 0.0
            for i in range(r.nodes):
                wanted += r.overshoot * t.nbytes[s.fetch[j], i]
            if s.pulled[j] + left < wanted:
                break
            left -= wanted - s.pulled[j]
            s.pulled[j] = 0.0
            share = 1.0 - left / arrived if arrived > 0.0 else 0.0  # nonzero: just looked
            t.output[s.fetch[j], j] = before + share * (now - before)
            s.fetch[j] += 1
        if s.fetch[j] < e - 1:
            s.pulled[j] += left
            left = 0.0
        s.total[2, j] += arrived - left


@kernel
def run_recursion(r, t, s, total, floor, until):  # type: ignore[no-untyped-def]
    """Run epochs up to the time `until`; returns their number."""
    n, start, before, dispersal = r.nodes, 0.0, 0.0, 0.0
    for e in range(t.nbytes.shape[0]):
        if e > 0 or r.load > 0.0:
            start = max(start, before + r.propose_time)
        if e > 0 and r.serial == 0:
            retrieve(r, t, s, total, e, before, start, dispersal)
        if start >= until:
            return e
        amount = new_blocks(r, t, s, e, start)
        before = start
        dispersal = amount / r.needed + n * r.extra  # nonzero: k >= 1
        nbytes = dispersal + (r.overshoot * amount if r.serial == 1 else 0.0)
        for j in range(n):
            begin = start
            if r.serial == 1 and e > 0:
                begin = max(start, t.output[e - 1, j])
            end = when(total, r.step, j, received(total, r.step, j, begin) + nbytes, begin)
            s.work[0, j] = end
            if r.serial == 1:
                t.output[e, j] = end + floor
                if end <= until:
                    s.total[2, j] += nbytes - dispersal
            if end <= until:
                s.total[0, j] += dispersal
            t.ready[e, j] = end + floor
            s.epoch[j] = e
        start = smallest(s.work[0], n, n - r.faults) + floor
    s.first[1] = 1
    return t.nbytes.shape[0]


def cumulated(rate: Floats, step: float, until: float) -> Floats:
    """Bytes that could have passed by the start of each step, the series repeated to `until`."""
    steps = int(until / step) + 2
    table = rate[np.arange(steps) % len(rate)] * step
    return np.concatenate([np.zeros((1, rate.shape[1])), np.cumsum(table, axis=0)])


