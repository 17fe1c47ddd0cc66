"""Run-to-completion cores packet by packet: what `cores`' closed form is held against.

A packet crosses the NIC's memory (one port for all channels, its passes at once), then a core
runs it to its end. Dispatch "fifo": one queue before all cores. "rss": a queue a core, chosen by
a hash of the packet's flow, so that a flow stays in order; the hash spreads as Toeplitz would, it
is not Toeplitz bit by bit. Queues have no bound. Units: int64 picoseconds inside.

Leaves out what `cores` leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import sizes
from rackwright.devices.nic.cores import CoreWork, core_cycles, core_rate
from rackwright.engine.driver import drive
from rackwright.engine.hashing import hash31
from rackwright.engine.kernel import kernel
from rackwright.engine.servers import Servers, new_servers, server_arrive
from rackwright.engine.status import DONE, RUNNING, Control, new_control
from rackwright.errors import ModelFault, UnknownName, UsageError
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    from rackwright.devices.nic.part import SmartNic

__all__ = ["CoreRun", "CoreState", "core_advance", "run_cores"]

I64 = npt.NDArray[np.int64]
DISPATCHES = ("fifo", "rss")
MEMORY = 0  # the first station


class CoreState(NamedTuple):
    """Packets in the order of their arrival; station 0 is memory, the others are cores."""

    control: Control
    servers: Servers
    cores: int              # stations that a flow is hashed over; 1 for one shared queue
    seed: int
    arrival_ps: I64
    memory_ps: I64
    service_ps: I64
    flow: I64
    next_packet: I64        # (1,)
    finish_ps: I64
    core: I64               # the station that ran it, less one


@dataclass(frozen=True)
class CoreRun:
    """Per packet: when it was done (s) and on which queue; shares of the time that were busy."""

    finish_time: npt.NDArray[np.float64]
    queue: I64
    wait_time: float        # mean seconds in the cores' queues
    core_share: float
    memory_share: float


def run_cores(part: SmartNic, arrival_time: npt.ArrayLike, nbytes: npt.ArrayLike,
              flow: npt.ArrayLike = 0, *, work: CoreWork | None = None, dispatch: str = "rss",
              cores: int | None = None, seed: int = 0, debug: bool = False) -> CoreRun:
    """Run packets that arrive at `arrival_time` (s, not falling) through `part`'s cores.

    `flow`: a whole number for each packet. `debug` checks after every packet that none is lost
    and no server is busy for longer than there was time. Raises `UsageError`, `UnknownName`.
    """
    if dispatch not in DISPATCHES:
        raise UnknownName("dispatch", dispatch, DISPATCHES)
    count = part.cores if cores is None else cores
    n, flows = sizes(nbytes=nbytes, flow=flow)
    arrived = np.atleast_1d(np.asarray(seconds_to_ps(np.asarray(arrival_time, np.float64))))
    n, flows = (np.broadcast_to(each, arrived.shape) for each in (n, flows))
    core_rate(part, n, work, count)  # refuses what makes no sense
    if arrived.ndim != 1 or (np.diff(arrived) < 0).any():
        raise UsageError("arrival_time must be one row of times that never fall")
    state = _new(part, arrived, n, flows, work, dispatch, count, seed)
    state = drive(core_advance, state, check=_check if debug else None)
    return _run(state, arrived, count)


def _new(part: SmartNic, arrived: I64, n: npt.NDArray[np.float64],
         flows: npt.NDArray[np.float64], work: CoreWork | None, dispatch: str, count: int,
         seed: int) -> CoreState:
    passes = 2.0 if work is None else work.memory_passes
    memory = np.asarray(seconds_to_ps(passes * n / part.stream_bandwidth))
    service = np.asarray(seconds_to_ps(core_cycles(part, n, work) / part.frequency_hz))
    stations = [1, *([1] * count if dispatch == "rss" else [count])]
    return CoreState(new_control(), new_servers(stations), len(stations) - 1, seed, arrived,
                     memory, service, flows.astype(np.int64), np.zeros(1, np.int64),
                     np.zeros_like(arrived), np.zeros_like(arrived))


def _run(state: CoreState, arrived: I64, count: int) -> CoreRun:
    packets = max(len(arrived), 1)
    waited = float(np.add.reduce(state.servers.waited_area[1:])) / packets * 1e-12
    span = max(float(state.finish_ps.max(initial=0)), 1.0)
    busy = state.servers.busy_area
    return CoreRun(np.asarray(state.finish_ps * 1e-12, np.float64), state.core, waited,
                   float(np.add.reduce(busy[1:])) / span / count, float(busy[MEMORY]) / span)


@kernel
def core_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One packet after another, see `rackwright.engine.status`."""
    control = state.control
    for _ in range(max_events):
        packet = state.next_packet[0]
        if packet == state.arrival_ps.shape[0]:
            return DONE
        now_ps = state.arrival_ps[packet]
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        _, here_ps = server_arrive(state.servers, 0, now_ps, state.memory_ps[packet])
        queue = 0
        if state.cores > 1:
            # nonzero: cores is at least 2 here
            queue = hash31(state.seed, state.flow[packet], 0, 0, 0) % state.cores
        _, end_ps = server_arrive(state.servers, 1 + queue, here_ps, state.service_ps[packet])
        state.finish_ps[packet] = end_ps
        state.core[packet] = queue
        state.next_packet[0] = packet + 1
        control.events[0] += 1
    return RUNNING


def _check(state: CoreState) -> None:
    done, jobs = int(state.next_packet[0]), state.servers.jobs
    if not done == jobs[MEMORY] == jobs[1:].sum():
        raise ModelFault(f"{done} packets came, {jobs[MEMORY]} crossed memory and "
                         f"{jobs[1:].sum()} were run")
    # a server cannot have worked for longer than until it is free
    for station, busy in enumerate(state.servers.busy_area):
        first, last = state.servers.offsets[station:station + 2]
        if busy > state.servers.free_ps[first:last].sum():
            raise ModelFault(f"station {station} was busy for {busy:g} ps, longer than its "
                             "servers can have been")
