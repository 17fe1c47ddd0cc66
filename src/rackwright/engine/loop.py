"""The loop that hands out events in the order (time, priority, sequence number).

Starts and interrupts of processes come before other events of their tick, and what is scheduled
first happens first. Events of later ticks wait in a heap, under one integer key that holds all
three; what is scheduled within the tick that runs now comes after everything that had been
scheduled for it, and needs only a queue.

Not here: what a script makes and calls (`simulation`).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import floor
from typing import Any

from rackwright.engine.events import DONE, Event, Failure, Timeout
from rackwright.engine.process import Kick, Process
from rackwright.errors import Interrupted, Stalled, UsageError
from rackwright.units import MAX_TIME

__all__ = ["Loop"]

TIME_BITS = 64   # key = time_ps << 64 | priority | sequence number
LAST = 1 << 60   # after everything else of its tick
END = 1 << 61    # after that


class Loop:
    """The clock, the events to come, and the processes that have not ended."""

    def __init__(self) -> None:
        self.now_ps = 0
        self.active: Process | None = None
        self._heap: list[int] = []        # keys of the events of later ticks
        self._events: dict[int, Any] = {}  # key -> event
        self._urgent: deque[Any] = deque()
        self._soon: deque[Any] = deque()
        self._order = itertools.count()
        self._alive: dict[Process, None] = {}
        self._running = False

    @property
    def now(self) -> float:
        """The time in seconds."""
        return self.now_ps / 1e12

    def run(self, until: float | Event | None = None) -> Any:
        """Run until an event is done, a time is reached, or nothing is left to happen.

        `until` as a number is a time in seconds: everything up to and at that time happens, and
        the clock then stands at it. As an event it gives its value, or raises its failure.

        Raises `Stalled` when the awaited event cannot happen any more, `Interrupted` on Ctrl-C,
        and the failure of any event or process that nobody waits for.
        """
        if self._running:
            raise UsageError(f"{self._who()}run() inside a running simulation; yield instead")
        if isinstance(until, Event):
            return self._run_to_event(until)
        if until is None:
            self._guarded(None)
        else:
            self._run_to_time(until)
        return None

    def waiting(self) -> list[str]:
        """Who waits for what, one line a process, in the order in which they started."""
        return [f"{process.describe()} waits for {process.waits_for.describe()}"
                for process in self._alive if process.waits_for is not None]

    def _run_to_event(self, until: Event) -> Any:
        if until.sim is not self:
            raise UsageError(f"cannot run until {until!r} of another simulation")
        if not until.done:
            until._when_done(_ignore)
            self._guarded(until)
        if not until.done:
            others = "; ".join(self.waiting()) or "no process waits for anything"
            raise Stalled(f"{until.describe()} can no longer happen: nothing is left to happen at "
                          f"{self.now:.9g} s. {others}")
        if not until.ok:
            raise until.value
        return until.value

    def _run_to_time(self, until: float) -> None:
        try:
            good = self.now <= until <= MAX_TIME
        except TypeError:
            good = False
        if not good:
            raise UsageError(f"cannot run until {until!r}; a time in seconds from now "
                             f"({self.now:.9g}) to {MAX_TIME:g}, or an event, is needed")
        stop = Kick(None)
        key = self._push(max(floor(until * 1e12 + 0.5), self.now_ps), END, stop)
        try:
            self._guarded(stop)
        finally:
            if stop._waiter is not DONE:  # a failure came first: the clock must not go there later
                self._cancel(key)

    def _guarded(self, last: Event | Kick | None) -> None:
        self._running = True
        try:
            self._loop(last)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted at {self.now:.9g} s of virtual time, with "
                              f"{self._to_come()} events to come", partial=self) from None
        finally:
            self._running = False
            self.active = None

    def _loop(self, last: Event | Kick | None) -> None:
        """Hand out events until `last` is done or none is left."""
        heap, urgent, soon, events = self._heap, self._urgent, self._soon, self._events
        pop, timeout, process, failure = heappop, Timeout, Process, Failure
        while True:
            if urgent:
                event = urgent.popleft()
            elif soon and not (heap and heap[0] < (self.now_ps << TIME_BITS) + LAST):
                event = soon.popleft()
            elif heap:
                key = pop(heap)
                event = events.pop(key, None)
                if event is None:  # cancelled
                    continue
                self.now_ps = key >> TIME_BITS
            else:
                return
            waiter = event._waiter
            event._waiter = DONE
            value = event._value
            if value.__class__ is failure:
                self._tell(event, waiter)
            elif waiter.__class__ is process:  # `Process._step`, spelt out for the common case
                self.active = waiter
                try:
                    target = waiter._send(value)
                except StopIteration as stop:
                    waiter._end(stop.value)
                except Exception as problem:
                    waiter._break(problem)
                else:
                    if (target.__class__ is timeout and target._waiter is None
                            and target.sim is self):
                        target._waiter = waiter
                        waiter.waits_for = target
                    else:
                        waiter.waits_for = None
                        again = waiter._accept(target)
                        if again is not None:
                            waiter._step(again)
            elif waiter is not None:
                self._tell(event, waiter)
            if event is last:
                return

    def _tell(self, event: Event | Kick, waiter: Any) -> None:
        """Tell everybody who waits; raise a failure that nobody deals with."""
        if isinstance(waiter, Process):
            waiter._step(event)
        elif waiter is not None:
            for callback in waiter:
                self.active = None
                callback(event)
        value = event._value
        if isinstance(value, Failure) and not value.defused:
            raise value.problem

    def _schedule(self, event: Event) -> None:
        """Put a triggered event into this tick."""
        self._soon.append(event)

    def _push(self, at_ps: int, priority: int, event: Any) -> int:
        """Put a triggered event into a tick; returns its key."""
        key = (at_ps << TIME_BITS) + priority + next(self._order)
        self._events[key] = event
        heappush(self._heap, key)
        return key

    def _call(self, at_ps: int, callback: Callable[[Any], object], *, last: bool = False) -> int:
        """Call `callback` in a tick, with `last` after all other events of it; returns a key."""
        return self._push(at_ps, LAST if last else 0, Kick([callback]))

    def _cancel(self, key: int) -> None:
        """Let what was pushed not happen, and the clock not go there for its sake."""
        self._events.pop(key, None)

    def _time_of(self, event: Event) -> float:
        """When a scheduled event happens, in seconds; slow, for messages."""
        return next(((key >> TIME_BITS) / 1e12 for key, one in self._events.items()
                     if one is event), self.now)

    def _to_come(self) -> int:
        return len(self._events) + len(self._soon) + len(self._urgent)

    def _who(self) -> str:
        """The beginning of an error's text."""
        return f"{self.active.describe()} asks for " if self.active else ""



def _ignore(event: Event) -> None:
    """So that somebody waits for the event that a run ends with."""
