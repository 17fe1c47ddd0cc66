"""Events of a `Simulation`: what a process can wait for.

An event is pending until it is triggered; it is done once everybody who waited has been told.
A failure is never lost: when nobody waits for a failed event, `Simulation.run` raises it.

Not here: the loop that hands events out (`loop`), and processes (`process`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.engine.simulation import Simulation

__all__ = ["AllOf", "AnyOf", "Event", "Interrupt", "Timeout"]

PENDING: Final = "pending"  # the value of an event that has not been triggered
DONE: Final = "done"        # the waiter of an event whose waiters have been told


class Interrupt(Exception):
    """Thrown into a process by `Process.interrupt`; `cause` is what the caller gave."""

    def __init__(self, cause: object = None) -> None:
        super().__init__(cause)
        self.cause = cause


class Failure:
    """The value of an event that failed, and whether somebody has dealt with it."""

    __slots__ = ("defused", "problem")

    def __init__(self, problem: BaseException) -> None:
        self.problem, self.defused = problem, False


class Event:
    """Something that happens at most once, with a value or a failure.

    Made by `Simulation.event`. `yield event` in a process waits for it and gives its value, or
    throws its failure.
    """

    # `_waiter` is the simulation while nobody waits, then the one process that does or a list of
    # callbacks, at last DONE. An event that has failed has a list in any case, so that the loop
    # need not look at values. Few fields and no __init__, because a simulation makes an event for
    # nearly everything that happens.
    __slots__ = ("_value", "_waiter", "name", "sim")
    sim: Simulation
    name: str
    _value: Any
    _waiter: Any

    def _start(self, sim: Simulation, name: str = "") -> None:
        self.sim, self.name = sim, name
        self._value, self._waiter = PENDING, sim

    def __repr__(self) -> str:
        state = "done" if self.done else "triggered" if self.triggered else "pending"
        return f"<{self.describe()}, {state}>"

    def describe(self) -> str:
        """What somebody who waits for this waits for."""
        return f"event {self.name!r}" if self.name else "an unnamed event"

    @property
    def triggered(self) -> bool:
        """Whether it has happened, its waiters told or not."""
        return self._value is not PENDING

    @property
    def done(self) -> bool:
        """Whether it has happened and everybody who waited has been told."""
        return self._waiter is DONE

    @property
    def ok(self) -> bool:
        """Whether it succeeded. Raises `UsageError` while it is pending."""
        return not isinstance(self._known(), Failure)

    @property
    def value(self) -> Any:
        """Its value, or the exception it failed with. Raises `UsageError` while it is pending."""
        value = self._known()
        return value.problem if isinstance(value, Failure) else value

    def defuse(self) -> None:
        """Declare its failure dealt with, so that a run does not raise it."""
        value = self._known()
        if isinstance(value, Failure):
            value.defused = True

    def succeed(self, value: Any = None) -> Event:
        """Trigger it now with `value`. Raises `UsageError` when it was triggered before."""
        if self._value is not PENDING:
            self._refuse()
        self._value = value
        self.sim._soon.append(self)
        return self

    def fail(self, problem: BaseException) -> Event:
        """Trigger it now with a failure, which is thrown into whoever waits.

        Raises `UsageError` when it was triggered before or `problem` is no exception.
        """
        if not isinstance(problem, BaseException):
            raise UsageError(f"{self.describe()} cannot fail with {problem!r}; an exception is "
                             "needed")
        self._trigger_failure(problem)
        return self

    def _trigger(self, value: Any) -> None:
        if self._value is not PENDING:
            self._refuse()
        self._value = value
        self.sim._soon.append(self)

    def _trigger_failure(self, problem: BaseException) -> None:
        self._trigger(Failure(problem))
        if not isinstance(self._waiter, list):
            self._waiter = [] if self._waiter is self.sim else [self._waiter._step]

    def _refuse(self) -> NoReturn:
        raise UsageError(f"{self.describe()} has already been triggered, with {self.value!r}; an "
                         "event happens once")

    def _when_done(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with this event, which is not done, after those who came before."""
        if self._waiter is self.sim:
            self._waiter = [callback]
        elif isinstance(self._waiter, list):
            self._waiter.append(callback)
        else:
            self._waiter = [self._waiter._step, callback]

    def _forget(self, callback: Callable[[Any], None]) -> None:
        if isinstance(self._waiter, list) and callback in self._waiter:
            self._waiter.remove(callback)

    def _known(self) -> Any:
        if self._value is PENDING:
            raise UsageError(f"{self.describe()} has no value yet: it is pending")
        return self._value


class Timeout(Event):
    """Happens after a delay; made by `Simulation.timeout`."""

    __slots__ = ()

    name = ""  # shared by all; the field stays unused

    def describe(self) -> str:
        return f"a timeout at {self.sim._time_of(self):.9g} s"

    @property
    def triggered(self) -> bool:
        """Whether its time has come."""
        return self._waiter is DONE

    def succeed(self, value: Any = None) -> Event:
        raise UsageError(f"{self.describe()} happens by itself; use sim.event() to trigger one")

    def fail(self, problem: BaseException) -> Event:
        raise UsageError(f"{self.describe()} cannot fail; use sim.event() for what can")


class _Condition(Event):
    """Waits for several events; fails as soon as one of them does."""

    __slots__ = ("_events", "_missing")

    def __init__(self, sim: Simulation, events: Iterable[Event]) -> None:
        self._start(sim)
        self._events = tuple(events)
        for event in self._events:
            if not isinstance(event, Event) or event.sim is not sim:
                raise UsageError(f"{event!r} is no event of this simulation and cannot be waited "
                                 "for")
        self._missing = self._needed(len(self._events))
        if self._missing == 0:
            self.succeed({})
        for event in self._events:
            if self._value is PENDING:
                if event._waiter is DONE:
                    self._count(event)
                else:
                    event._when_done(self._count)

    def _needed(self, count: int) -> int:
        raise NotImplementedError

    def _count(self, event: Event) -> None:
        if isinstance(event._value, Failure):
            event._value.defused = True
            self._leave()
            self.fail(event._value.problem)
            return
        self._missing -= 1
        if self._missing == 0:
            self._leave()
            self.succeed({one: one._value for one in self._events if one._waiter is DONE})

    def _leave(self) -> None:
        for event in self._events:
            event._forget(self._count)


class AllOf(_Condition):
    """Happens when all events have; its value maps each to its value."""

    __slots__ = ()

    def describe(self) -> str:
        left = [event.describe() for event in self._events if event._waiter is not DONE]
        return f"all of {len(self._events)} events, still " + ", ".join(left)

    def _needed(self, count: int) -> int:
        return count


class AnyOf(_Condition):
    """Happens when one event has; its value maps those that have to their values."""

    __slots__ = ()

    def describe(self) -> str:
        return "any of " + ", ".join(event.describe() for event in self._events)

    def _needed(self, count: int) -> int:
        return min(count, 1)
