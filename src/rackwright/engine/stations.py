"""`Station`: servers with a queue for scripts, by the same compiled rules as in kernels.

The rules, and what they leave out, are told in `servers` (fifo), `priority` (priority,
preemptive) and `processor_sharing` (sharing). A job is an event; a script that holds a server
while it does other things wants a `Resource` instead.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rackwright.engine.events import Event
from rackwright.engine.priority import priority_arrive, priority_done
from rackwright.engine.priority_state import grown_priority_servers, new_priority_servers
from rackwright.engine.processor_sharing import ps_arrive, ps_complete, ps_next_ps
from rackwright.engine.ps_state import NO_LIMIT, grown_ps_servers, new_ps_servers
from rackwright.engine.servers import new_servers, server_arrive, servers_busy
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import tally_at
from rackwright.errors import InputError, RackwrightError, UnknownName, UsageError
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    from rackwright.engine.simulation import Simulation

__all__ = ["Service", "Station"]

DISCIPLINES = ("fifo", "preemptive", "priority", "sharing")
MOST_WEIGHT = 1 << 20  # 2,000 jobs of it still add up to less than 2**31
FIRST_SLOTS = 64
Leave = Callable[[int], None]


class Service(Event):
    """The end of a job at a station; its value is the time (s) that it spent there."""

    __slots__ = ("arrived_ps", "station")
    arrived_ps: int
    station: Station

    def describe(self) -> str:
        return f"service at {self.station.describe()} ({self.station.present} jobs there)"


class Station:
    """`servers` equal servers on a `Simulation`, and the jobs that wait for them.

    `discipline`: "fifo"; "priority" or "preemptive" with `classes` classes, 0 first; "sharing",
    one server that serves up to `most` jobs at once. `present` counts the jobs there, `served`
    those that have left. Raises `UsageError` for what makes no sense.

    >>> from rackwright.engine import Simulation
    >>> sim = Simulation()
    >>> core = sim.station(name="core")
    >>> jobs = [core.serve(2e-6), core.serve(3e-6)]
    >>> sim.run(until=jobs[1])
    5e-06
    """

    def __init__(self, sim: Simulation, servers: int = 1, *, discipline: str = "fifo",
                 classes: int = 1, most: int | None = None, name: str = "") -> None:
        if discipline not in DISCIPLINES:
            raise UnknownName("queueing discipline", discipline, DISCIPLINES)
        self.sim, self.name, self.discipline = sim, name, discipline
        self.present = 0
        self.served = 0
        self._classes, self._arrivals = classes, 0
        self._jobs: dict[int, Service] = {}
        self._desk: Desk
        if discipline != "sharing" and most is not None:
            raise UsageError(f"{self.describe()} has a limit of {most!r} jobs in service; only "
                             "discipline 'sharing' takes one")
        if discipline == "sharing" and servers != 1:
            raise UsageError(f"{self.describe()} has {servers!r} servers; discipline 'sharing' "
                             "takes one")
        try:
            if discipline == "fifo":
                self._desk = FifoDesk(sim, self._leave, servers)
            elif discipline == "sharing":
                self._desk = SharingDesk(sim, self._leave, NO_LIMIT if most is None else most)
            else:
                self._desk = PriorityDesk(sim, self._leave, servers, classes,
                                          int(discipline == "preemptive"))
        except InputError as problem:
            raise UsageError(f"{self.describe()}: {problem}") from None

    def __repr__(self) -> str:
        return f"<{self.describe()}, {self.present} jobs>"

    def describe(self) -> str:
        return f"station {self.name!r}" if self.name else "an unnamed station"

    @property
    def busy_time(self) -> float:
        """Seconds that servers have worked, summed over them."""
        return self._desk.busy_ps(self.sim.now_ps) / 1e12

    def serve(self, service_time: float, *, priority: int = 0, weight: int = 1) -> Service:
        """A job that needs `service_time` s of a server arrives; an event for its end.

        Raises `UsageError` for a time, class or weight out of range.
        """
        try:
            service_ps = seconds_to_ps(float(service_time))
        except (TypeError, ValueError, RackwrightError):
            raise UsageError(f"{self.describe()} cannot serve for {service_time!r} seconds; a "
                             "finite number, 0 or more, is needed") from None
        rank = self._whole("class", priority, 0, self._classes - 1)
        share = self._whole("weight", weight, 1, MOST_WEIGHT)
        event = Service()
        event._start(self.sim)
        event.station, event.arrived_ps = self, self.sim.now_ps
        self.present += 1
        tag = self._arrivals
        self._arrivals += 1
        self._jobs[tag] = event
        self._desk.arrive(service_ps, rank, share, tag)
        return event

    def _leave(self, tag: int) -> None:
        event = self._jobs.pop(tag)
        self.present -= 1
        self.served += 1
        event.succeed((self.sim.now_ps - event.arrived_ps) / 1e12)

    def _whole(self, what: str, given: Any, least: int, most: int) -> int:
        try:
            value = operator.index(given)
        except TypeError:
            value = least - 1
        if not least <= value <= most:
            raise UsageError(f"{self.describe()} ({self.discipline}) got a job of {what} "
                             f"{given!r}; a whole number from {least} to {most} is allowed")
        return value


class Desk(Protocol):
    """What a discipline does for a station."""

    def arrive(self, service_ps: int, priority: int, weight: int, tag: int) -> None: ...

    def busy_ps(self, now_ps: int) -> float: ...


class FifoDesk:
    """Ends are known at arrival."""

    def __init__(self, sim: Simulation, leave: Leave, servers: int) -> None:
        self._sim, self._leave, self._servers = sim, leave, new_servers(servers)

    def arrive(self, service_ps: int, priority: int, weight: int, tag: int) -> None:
        _, end_ps = server_arrive.function(self._servers, 0, self._sim.now_ps, service_ps)
        self._sim._call(int(end_ps), lambda _: self._leave(tag))

    def busy_ps(self, now_ps: int) -> float:
        return float(servers_busy(self._servers, now_ps)[0])


class PriorityDesk:
    """Ends are events; those of pre-empted services do nothing."""

    def __init__(self, sim: Simulation, leave: Leave, servers: int, classes: int,
                 preempts: int) -> None:
        self._sim, self._leave = sim, leave
        self._servers = new_priority_servers(servers, classes=classes, preempts=preempts,
                                             slots=FIRST_SLOTS)

    def arrive(self, service_ps: int, priority: int, weight: int, tag: int) -> None:
        if self._servers.free_count[0] == 0:
            self._servers = grown_priority_servers(self._servers)
        self._begin(*priority_arrive(self._servers, 0, self._sim.now_ps, priority, service_ps, tag))

    def busy_ps(self, now_ps: int) -> float:
        return float(tally_at(self._servers.tally, now_ps).busy_area[0])

    def _begin(self, ticket: int, end_ps: int) -> None:
        if ticket >= 0:
            self._sim._call(int(end_ps), lambda _: self._done(ticket))

    def _done(self, ticket: int) -> None:
        job, following, end_ps = priority_done(self._servers, self._sim.now_ps, ticket)
        if job >= 0:
            self._begin(following, end_ps)
            self._leave(int(self._servers.jobs.tag[job]))


class SharingDesk:
    """Wakes up at the next end, which every arrival moves."""

    def __init__(self, sim: Simulation, leave: Leave, most: int) -> None:
        self._sim, self._leave = sim, leave
        self._servers = new_ps_servers(1, most=most, slots=FIRST_SLOTS)
        self._wake: int | None = None  # key of the next end

    def arrive(self, service_ps: int, priority: int, weight: int, tag: int) -> None:
        if self._servers.free_count[0] == 0:
            self._servers = grown_ps_servers(self._servers)
        ps_arrive(self._servers, 0, self._sim.now_ps, service_ps, weight, tag)
        self._plan()

    def busy_ps(self, now_ps: int) -> float:
        return float(tally_at(self._servers.tally, now_ps).busy_area[0])

    def _plan(self) -> None:
        if self._wake is not None:
            self._sim._cancel(self._wake)
            self._wake = None
        end_ps = int(ps_next_ps.function(self._servers))
        if end_ps < FOREVER_PS:
            self._wake = self._sim._call(end_ps, self._take)

    def _take(self, _: Any) -> None:
        """Tell those whose jobs end now."""
        self._wake = None
        job = int(ps_complete(self._servers, self._sim.now_ps))
        while job >= 0:
            self._leave(int(self._servers.jobs.tag[job]))
            job = int(ps_complete(self._servers, self._sim.now_ps))
        self._plan()
