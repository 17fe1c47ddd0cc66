"""The loop that hands out events in the order (time, priority, sequence number).

Starts and interrupts of processes come before other events of their tick, calls for its end after
them, and what is scheduled first happens first. That takes no sequence numbers: a heap holds the
ticks to come, each once, and a tick keeps its events in the order in which they were scheduled.
When its time comes they go into a queue, and what is scheduled within the tick goes behind them.

Not here: what a script makes and calls (`simulation`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import floor
from typing import Any

from rackwright.engine.events import DONE, Event, Failure
from rackwright.engine.process import Kick, Process
from rackwright.errors import Interrupted, Stalled, UsageError
from rackwright.units import MAX_TIME

__all__ = ["Loop"]


class Loop:
    """The clock, the events to come, and the processes that have not ended."""

    def __init__(self) -> None:
        self.now_ps = 0
        self.active: Process | None = None
        self._heap: list[int] = []        # the ticks to come, and some that were cancelled
        self._ticks: dict[int, Any] = {}  # tick -> its event, or a list of several
        # of the tick that runs now: what comes first, what comes then, what comes at its end
        self._urgent: deque[Any] = deque()
        self._soon: deque[Any] = deque()
        self._late: deque[Any] = deque()
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
        stop = self._call(max(floor(until * 1e12 + 0.5), self.now_ps), self._stop)
        try:
            self._guarded(stop)
        finally:
            if stop._waiter is not DONE:  # a failure came first: the clock must not go there later
                self._cancel(stop)

    def _stop(self, stop: Kick) -> None:
        """The end of a run to a time; while its tick has anything else, it puts itself off."""
        if self._urgent or self._soon or self._late:
            stop._waiter = [self._stop]
            self._push_late(stop)

    def _guarded(self, last: Event | Kick | None) -> None:
        self._running = True
        try:
            self._loop(last)
        except KeyboardInterrupt:
            self._heap[:] = sorted(self._ticks)  # one may have been changed and not the other
            raise Interrupted(f"interrupted at {self.now:.9g} s of virtual time, with "
                              f"{self._to_come()} events to come", partial=self) from None
        finally:
            self._running = False
            self.active = None

    def _loop(self, last: Event | Kick | None) -> None:
        """Hand out events until `last` is done or none is left."""
        heap, urgent, soon = self._heap, self._urgent, self._soon
        pop, take, done, process = heappop, self._ticks.pop, DONE, Process
        while True:
            if urgent:
                event = urgent.popleft()
            elif soon:
                event = soon.popleft()
            elif heap:
                at_ps = pop(heap)
                event = take(at_ps)
                if type(event) is list:
                    if event:  # not all of it was cancelled
                        self.now_ps = at_ps
                        soon.extend(event)
                    continue
                self.now_ps = at_ps
            else:
                return
            waiter = event._waiter
            event._waiter = done
            if type(waiter) is process:  # `Process._step`, spelt out for the common case
                self.active = waiter
                send = waiter._send
                try:
                    target = send(event._value)
                except StopIteration as stop:
                    waiter._end(stop.value)
                    continue
                except Exception as problem:
                    waiter._break(problem)
                    continue
                try:
                    if target._waiter is self:  # it is ours, and nobody waits for it
                        target._waiter = waiter
                        waiter.waits_for = target
                        continue
                except AttributeError:  # no event
                    pass
                waiter._go_on(target)
            elif waiter is not self:
                self._tell(event, waiter)
                if event._waiter is done and event is last:  # done: a stop may be put off
                    return

    def _tell(self, event: Event | Kick, waiter: list[Callable[[Any], object]]) -> None:
        """Tell everybody who waits; raise a failure that nobody deals with."""
        for callback in waiter:
            self.active = None
            callback(event)
        value = event._value
        if isinstance(value, Failure) and not value.defused:
            raise value.problem

    def _push(self, at_ps: int, event: Any) -> None:
        """Put a triggered event into a tick, this one or a later one."""
        if at_ps <= self.now_ps:
            self._soon.append(event)
        elif at_ps in self._ticks:
            self._join(at_ps, event)
        else:
            self._ticks[at_ps] = event
            heappush(self._heap, at_ps)

    def _join(self, at_ps: int, event: Any) -> None:
        """Put a triggered event into a later tick that has events already."""
        there = self._ticks[at_ps]
        if type(there) is list:
            there.append(event)
        else:
            self._ticks[at_ps] = [there, event]

    def _call(self, at_ps: int, callback: Callable[[Any], object], *, last: bool = False) -> Any:
        """Call `callback` in a tick, with `last` at the end of this one; what `_cancel` takes."""
        call = Kick([callback], at_ps)
        if last:
            self._push_late(call)
        else:
            self._push(at_ps, call)
        return call

    def _push_late(self, event: Any) -> None:
        """Put an event at the end of this tick."""
        self._late.append(event)
        if len(self._late) == 1:
            self._come_back()

    def _come_back(self) -> None:
        """See to what is late once the queues of this tick are empty, as a tick of its own."""
        self._ticks[self.now_ps] = Kick([self._next_late])
        heappush(self._heap, self.now_ps)

    def _next_late(self, _: Kick) -> None:
        self._soon.append(self._late.popleft())
        if self._late:
            self._come_back()

    def _cancel(self, call: Any) -> None:
        """Let a call not happen, and the clock not go there for its sake."""
        call._waiter = self
        at_ps = call._value
        if self._ticks.get(at_ps) is call:
            self._ticks[at_ps] = []
        elif call in self._in_tick(at_ps):
            self._ticks[at_ps].remove(call)

    def _in_tick(self, at_ps: int) -> list[Any]:
        """The events of a tick to come."""
        there = self._ticks.get(at_ps, [])
        return there if isinstance(there, list) else [there]

    def _time_of(self, event: Event) -> float:
        """When a scheduled event happens, in seconds; slow, for messages."""
        return next((at_ps / 1e12 for at_ps in self._ticks if event in self._in_tick(at_ps)),
                    self.now)

    def _to_come(self) -> int:
        later = sum(len(self._in_tick(at_ps)) for at_ps in self._ticks)
        return later + len(self._soon) + len(self._urgent)

    def _who(self) -> str:
        """The beginning of an error's text."""
        return f"{self.active.describe()} asks for " if self.active else ""


def _ignore(event: Event) -> None:
    """So that somebody waits for the event that a run ends with."""
