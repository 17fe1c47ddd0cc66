"""`Simulation`: generator processes on the engine's clock, for scripts.

The order of events is told in `loop`. The clock counts int64 picoseconds; delays given in
seconds are rounded to the nearest one.

It runs in the interpreter, at about a million events a second; a model whose time matters is a
kernel (`status`, `driver`) instead.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from heapq import heappush
from math import floor
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from rackwright.engine.events import PENDING, AllOf, AnyOf, Event, Timeout
from rackwright.engine.loop import Loop
from rackwright.engine.process import Process, Start, refuse
from rackwright.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rackwright.engine.resources import Resource, Store
    from rackwright.engine.stations import Station
    from rackwright.engine.transfers import ScriptFlows, ScriptPort

__all__ = ["Simulation"]


class Simulation(Loop):
    """A clock, the events to come, and the processes that wait for them.

    `seed` feeds `rng`. `now` is the time in seconds, `now_ps` in picoseconds; `active` is the
    process that runs now, or None.

    >>> def greet(sim):
    ...     yield sim.timeout(2e-6)
    ...     return f"hello at {sim.now} s"
    >>> sim = Simulation()
    >>> greeting = sim.process(greet(sim))
    >>> sim.run(until=greeting)
    'hello at 2e-06 s'
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self._streams: dict[str, np.random.Generator] = {}

    def __repr__(self) -> str:
        return (f"<Simulation at {self.now:.9g} s, {self._to_come()} events to come, "
                f"{len(self._alive)} processes>")

    def process(self, generator: Generator[Event, Any, Any], name: str = "") -> Process:
        """Start a process in this tick. Raises `UsageError` for anything but a generator."""
        if type(generator) is not GeneratorType:
            refuse(generator)
        process = Process()
        process.sim = self
        process.name = name or generator.__name__
        process._value = PENDING
        process._waiter = self
        process._generator = generator
        process._send = generator.send
        process.waits_for = None
        self._alive[process] = None
        start = Start()
        start._waiter = process
        self._urgent.append(start)
        return process

    def timeout(self, seconds: float, value: Any = None) -> Timeout:
        """An event that happens in `seconds` and gives `value`.

        Raises `UsageError` for a delay that is negative or not a finite number.
        """
        event = Timeout()
        event.sim = self
        event._value = value
        event._waiter = self
        try:
            delay_ps = floor(seconds * 1e12 + 0.5)
        except (TypeError, ValueError, OverflowError):
            delay_ps = -1
        if delay_ps > 0:  # `Loop._push`, spelt out
            at_ps = self.now_ps + delay_ps
            there = self._ticks.setdefault(at_ps, event)
            if there is event:
                heappush(self._heap, at_ps)
            elif type(there) is list:
                there.append(event)
            else:
                self._ticks[at_ps] = [there, event]
        elif delay_ps == 0 and seconds >= 0:
            self._soon.append(event)
        else:
            raise UsageError(f"{self._who()}a timeout of {seconds!r} seconds; a finite number, 0 "
                             "or more, is needed")
        return event

    def event(self, name: str = "") -> Event:
        """A pending event, to be triggered by `succeed` or `fail`."""
        event = Event()
        event.sim = self
        event.name = name
        event._value = PENDING
        event._waiter = self
        return event

    def all_of(self, events: Iterable[Event]) -> AllOf:
        """An event that happens when all of `events` have; gives {event: value}."""
        return AllOf(self, events)

    def any_of(self, events: Iterable[Event]) -> AnyOf:
        """An event that happens when one of `events` has; gives {event: value} of those done."""
        return AnyOf(self, events)

    def resource(self, capacity: int = 1, name: str = "") -> Resource:
        """`capacity` units that processes request and release, see `Resource`."""
        from rackwright.engine.resources import Resource

        return Resource(self, capacity, name)

    def store(self, capacity: int | None = None, name: str = "") -> Store:
        """A first-in-first-out queue of items, see `Store`."""
        from rackwright.engine.resources import Store

        return Store(self, capacity, name)

    def station(self, servers: int = 1, *, discipline: str = "fifo", classes: int = 1,
                most: int | None = None, name: str = "") -> Station:
        """Servers with a queue, by the rules that kernels use, see `Station`."""
        from rackwright.engine.stations import Station

        return Station(self, servers, discipline=discipline, classes=classes, most=most,
                       name=name)

    def port(self, bandwidth: float, latency_time: float = 0.0, name: str = "") -> ScriptPort:
        """A link that carries one message at a time, see `ScriptPort`."""
        from rackwright.engine.transfers import ScriptPort

        return ScriptPort(self, bandwidth, latency_time, name)

    def flows(self, link_bandwidth: npt.ArrayLike) -> ScriptFlows:
        """Links that transfers share max-min fairly, see `ScriptFlows`."""
        from rackwright.engine.transfers import ScriptFlows

        return ScriptFlows(self, link_bandwidth)

    def rng(self, name: str) -> np.random.Generator:
        """The random stream called `name`: the same object at every call; see `stream`."""
        if name not in self._streams:
            from rackwright.engine.rng import stream

            self._streams[name] = stream(self.seed, name)
        return self._streams[name]
