"""One DRAM channel, access by access: what `memory`'s closed form is held against.

A closed loop keeps some random accesses outstanding. Of these the controller takes the one that
can open its row first (the oldest of equals): its bank has been left alone for a row cycle, and
its rank has opened fewer than four rows within the window. Its data come a load latency later, or
when the channel's bus is free; then the next access is issued. Banks are drawn by a hash.

Unlike the closed form, accesses collide on banks. Left out: row hits, reads against writes,
refresh, other limits between commands. Units: int64 picoseconds inside, seconds outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.host.memory import Memory
from rackwright.devices.power import known
from rackwright.engine.driver import drive
from rackwright.engine.hashing import hash31
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FOREVER_PS, RUNNING, Control, new_control
from rackwright.errors import ModelFault, UsageError
from rackwright.units import seconds_to_ps

__all__ = ["DramRun", "DramState", "dram_advance", "run_dram"]

I64 = npt.NDArray[np.int64]
WINDOW_ROWS = 4             # rows that a rank opens in an activate window
MOST_OUTSTANDING = 4096


class DramState(NamedTuple):
    """The banks of a channel, and the accesses that are outstanding."""

    control: Control
    banks: int              # of one rank
    seed: int
    total: int
    cycle_ps: int           # row cycle
    window_ps: int
    latency_ps: int
    burst_ps: int           # data of one access on the bus
    bank_free_ps: I64       # (ranks x banks,): when it can open a row
    opened_ps: I64          # (ranks, 4): the last openings, a ring
    oldest: I64             # (ranks,): its oldest entry
    bus_free_ps: I64        # (1,)
    bank: I64               # (outstanding,): of each access
    issued_ps: I64          # (outstanding,)
    number: I64             # (outstanding,): -1 when there is nothing left to issue
    counts: I64             # (2,): accesses issued, done
    finish_ps: I64          # (total,): in the order in which they were served


@dataclass(frozen=True)
class DramRun:
    """`rate` accesses/s of the channel and `mean_time` seconds an access, second half of a run."""

    rate: float
    mean_time: float


def run_dram(part: Memory, *, grain: int = 64, outstanding: int = 32, accesses: int = 20_000,
             seed: int = 0, debug: bool = False) -> DramRun:
    """Replay random accesses of `grain` bytes on one channel of `part`.

    `debug` checks after every access that none is lost and rows open in order. Raises `UsageError`
    as `Memory.random_bandwidth`, and for fewer than four accesses a slot.
    """
    Memory.random_bandwidth(part, grain, outstanding)  # refuses what makes no sense
    if outstanding > MOST_OUTSTANDING or accesses < 4 * outstanding:
        raise UsageError(f"outstanding must be at most {MOST_OUTSTANDING} and accesses "
                         f"4 x outstanding at least, not {outstanding!r} and {accesses!r}")
    state = drive(dram_advance, _new(part, grain, outstanding, accesses, seed),
                  check=_check if debug else None)
    half, last = state.finish_ps[accesses // 2], state.finish_ps[-1]
    rate = (accesses - 1 - accesses // 2) / (int(last - half) * 1e-12)
    return DramRun(rate, outstanding / rate)


def _new(part: Memory, grain: int, outstanding: int, accesses: int, seed: int) -> DramState:
    ranks = 1 if part.ranks is None else part.ranks
    banks = int(known(part, "banks", part.banks))
    if ranks * banks < 1:
        raise UsageError(f"{part.name} has {ranks} ranks of {banks} banks: one of each is needed")
    times = [known(part, "row_cycle", part.row_cycle_time),
             known(part, "activate_window", part.activate_window_time),
             known(part, "load_latency", part.latency_time),
             grain * part.channels / part.stream_bandwidth]
    cycle, window, latency, burst = (max(seconds_to_ps(float(time)), 1) for time in times)
    long_ago = -window
    state = DramState(
        new_control(), banks, seed, accesses, cycle, window, latency, burst,
        np.zeros(ranks * banks, np.int64), np.full((ranks, WINDOW_ROWS), long_ago, np.int64),
        np.zeros(ranks, np.int64), np.zeros(1, np.int64), np.zeros(outstanding, np.int64),
        np.zeros(outstanding, np.int64), np.full(outstanding, -1, np.int64),
        np.zeros(2, np.int64), np.zeros(accesses, np.int64))
    for slot in range(outstanding):
        issue(state, slot, 0)
    return state


@kernel
def issue(state, slot, now_ps):  # type: ignore[no-untyped-def]
    """The next access takes `slot`, or nothing does when all have been issued."""
    number = state.counts[0]
    if number == state.total:
        state.number[slot] = -1
        return
    state.counts[0] = number + 1
    # nonzero: a channel has at least one bank
    state.bank[slot] = hash31(state.seed, number, 0, 0, 0) % state.bank_free_ps.shape[0]
    state.issued_ps[slot] = now_ps
    state.number[slot] = number


@kernel
def open_ps(state, slot):  # type: ignore[no-untyped-def]
    """The first moment at which the access in `slot` can open its row."""
    bank = state.bank[slot]
    rank = bank // state.banks  # nonzero: checked when the state was made
    window_ps = state.opened_ps[rank, state.oldest[rank]] + state.window_ps
    return max(max(state.issued_ps[slot], state.bank_free_ps[bank]), window_ps)


@kernel
def dram_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One access after another, see `rackwright.engine.status`."""
    control = state.control
    for _ in range(max_events):
        best, best_ps = -1, FOREVER_PS
        for slot in range(state.number.shape[0]):
            if state.number[slot] >= 0:
                at_ps = open_ps(state, slot)
                if at_ps < best_ps or (at_ps == best_ps
                                       and state.number[slot] < state.number[best]):
                    best, best_ps = slot, at_ps
        if best < 0:
            return DONE
        if best_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = best_ps
        serve(state, best, best_ps)
        control.events[0] += 1
    return RUNNING


@kernel
def serve(state, slot, now_ps):  # type: ignore[no-untyped-def]
    """Open the row, move the data, issue the next access in its place."""
    bank = state.bank[slot]
    rank = bank // state.banks  # nonzero: checked when the state was made
    state.bank_free_ps[bank] = now_ps + state.cycle_ps
    state.opened_ps[rank, state.oldest[rank]] = now_ps
    state.oldest[rank] = (state.oldest[rank] + 1) % 4
    end_ps = max(now_ps + state.latency_ps, state.bus_free_ps[0]) + state.burst_ps
    state.bus_free_ps[0] = end_ps
    state.finish_ps[state.counts[1]] = end_ps
    state.counts[1] += 1
    issue(state, slot, end_ps)


def _check(state: DramState) -> None:
    issued, done = (int(count) for count in state.counts)
    waiting = int((state.number >= 0).sum())
    if issued != done + waiting:
        raise ModelFault(f"{issued} accesses issued, {done} done and {waiting} outstanding")
    for rank, ring in enumerate(state.opened_ps):
        in_order = np.roll(ring, -int(state.oldest[rank]))
        if (np.diff(in_order) < 0).any():
            raise ModelFault(f"rank {rank} opens rows out of order: {in_order.tolist()} ps")
