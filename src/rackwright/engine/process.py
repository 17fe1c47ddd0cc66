"""Processes: generators that wait for the events they yield.

A process is an event itself: it succeeds with what the generator returns, or fails with what
it raises. Not here: the loop (`loop`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NoReturn

from rackwright.engine.events import DONE, PENDING, Event, Failure, Interrupt
from rackwright.errors import UsageError

__all__ = ["Process"]


class Start:
    """The beginning of a process; nobody else ever sees it."""

    __slots__ = ("_waiter",)
    _waiter: Any
    _value = None


class Kick:
    """Something that happens to a process or a callback; nobody else ever sees it."""

    __slots__ = ("_value", "_waiter")

    def __init__(self, waiter: Any, value: Any = None) -> None:
        self._waiter, self._value = waiter, value


def refuse(generator: object) -> NoReturn:
    """Say what a process is made of."""
    hint = ("call the function: sim.process(client(sim))" if callable(generator)
            else "write a function that yields events, and pass what it returns")
    raise UsageError(f"a process needs a generator, not {generator!r}; {hint}")


class Process(Event):
    """A running generator; made by `Simulation.process`.

    `yield process` waits for its end and gives what it returned. `waits_for` is the event that
    it waits for now, or None.
    """

    __slots__ = ("_generator", "_send", "waits_for")

    _generator: Generator[Event, Any, Any]
    _send: Callable[[Any], Any]
    waits_for: Event | None

    def describe(self) -> str:
        return f"process {self.name!r}"

    @property
    def alive(self) -> bool:
        """Whether the generator has not ended yet."""
        return self._value is PENDING

    def succeed(self, value: Any = None) -> Event:
        raise UsageError(f"{self.describe()} succeeds when its generator returns")

    def fail(self, problem: BaseException) -> Event:
        raise UsageError(f"{self.describe()} fails when its generator raises; interrupt() it")

    def interrupt(self, cause: object = None) -> None:
        """Throw `Interrupt(cause)` into the process in this tick, before other events.

        What it waited for goes on without it. Raises `UsageError` when the process has ended or
        is the one that runs now.
        """
        if not self.alive:
            raise UsageError(f"{self.describe()} has ended and cannot be interrupted")
        if self.sim.active is self:
            raise UsageError(f"{self.describe()} cannot interrupt itself; raise an exception")
        self.sim._urgent.append(Kick([self._interrupted], Failure(Interrupt(cause))))

    def _interrupted(self, kick: Kick) -> None:
        kick._value.defused = True
        if self.alive:  # it may have ended in this very tick
            self._detach()
            self._step(kick)

    def _detach(self) -> None:
        """Wait for nothing any more."""
        event, self.waits_for = self.waits_for, None
        if event is not None:
            if event._waiter is self:
                event._waiter = self.sim
            else:
                event._forget(self._step)

    def _step(self, event: Event | Kick | None) -> None:
        """Hand `event` to the generator, then all that it yields, until it has to wait."""
        self.sim.active = self
        while event is not None:
            self.waits_for = None
            value = event._value
            try:
                if isinstance(value, Failure):
                    value.defused = True
                    target = self._generator.throw(value.problem)
                else:
                    target = self._send(value)
            except StopIteration as stop:
                return self._end(stop.value)
            except Exception as problem:
                return self._break(problem)
            event = self._accept(target)

    def _go_on(self, target: Any) -> None:
        """What `_step` does with what the generator has yielded."""
        self.waits_for = None
        event = self._accept(target)
        if event is not None:
            self._step(event)

    def _accept(self, target: Any) -> Event | Kick | None:
        """Wait for `target`; returns it, or a refusal, when the process can go on at once."""
        if not isinstance(target, Event) or target.sim is not self.sim:
            return Kick(None, Failure(UsageError(self._refusal(target))))
        if target._waiter is DONE:
            return target
        self.waits_for = target
        if target._waiter is self.sim:
            target._waiter = self
        else:
            target._when_done(self._step)
        return None

    def _end(self, value: Any) -> None:
        self.waits_for = None
        self.sim._alive.pop(self, None)
        if self._waiter is self.sim:
            self._value, self._waiter = value, DONE
        else:
            self._trigger(value)

    def _break(self, problem: Exception) -> None:
        self.waits_for = None
        self.sim._alive.pop(self, None)
        problem.add_note(f"in {self.describe()} at {self.sim.now:.9g} s")
        self._trigger_failure(problem)

    def _refusal(self, target: object) -> str:
        what = (f"{target!r} of another simulation" if isinstance(target, Event)
                else f"{target!r}, a {type(target).__name__}")
        return (f"{self.describe()} yielded {what}; yield an event, such as sim.timeout(seconds), "
                "a request or another process")
