"""Drive an ``advance`` kernel in slices: growth, progress, Ctrl-C, stall and fault reports.

The kernel runs for about `SLICE_SECONDS` a call; between calls the interpreter takes signals,
arrays grow, progress is shown, and in debug mode the model's invariants are checked after every
single event. Slicing never changes a result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeVar

from rackwright.engine.status import DONE, FAULT, FOREVER_PS, GROW, RUNNING, STALLED, Control
from rackwright.errors import Interrupted, ModelFault, Stalled

__all__ = ["SLICE_SECONDS", "State", "drive"]

SLICE_SECONDS = 0.1  # short enough for Ctrl-C, long enough to hide the call
_FIRST_SLICE = 2_000
_LONGEST_SLICE = 50_000_000
_MOST_GROWTHS = 64  # without an event in between; that many doublings exceed any memory


class State(Protocol):
    """What the driver needs of a state: a NamedTuple with a `control`."""

    @property
    def control(self) -> Control: ...


S = TypeVar("S", bound=State)


def drive(
    advance: Callable[[S, int, int], int],
    state: S,
    *,
    grow: Callable[[S, int], S] | None = None,
    until_ps: int = FOREVER_PS,
    progress: Callable[[S], None] | None = None,
    waits: Callable[[S], str] | None = None,
    faults: Callable[[S], str] | None = None,
    check: Callable[[S], None] | None = None,
    max_events: int | None = None,
) -> S:
    """Call `advance` until it is done or the clock passes `until_ps`; return the state.

    `grow(state, what)` returns a state with more room in array `what`. `waits` words a stall
    ("what waits for what"), `faults` a fault. `check` (debug mode) is called after every event.
    `max_events` fixes the slice, for tests.

    Raises `Stalled`, `ModelFault`, or `Interrupted` with the state so far as its `partial`.
    """
    limit = 1 if check else (max_events or _FIRST_SLICE)
    grown = 0
    before = (-1, -1)
    try:
        while True:
            started = time.perf_counter()
            status = advance(state, until_ps, limit)
            if status == GROW:
                grown = grown + 1 if before == _reached(state) else 1
                before = _reached(state)
                state = _grown(state, grow, grown)
                continue
            if check:
                check(state)
            if progress:
                progress(state)
            if status == DONE:
                return state
            if status != RUNNING:
                _raise(status, state, waits, faults)
            if before == _reached(state):
                if state.control.now_ps[0] >= until_ps:
                    return state
                raise ModelFault(f"the kernel returns without handling an event at {_at(state)}")
            before = _reached(state)
            if not check and not max_events:
                limit = _next_limit(limit, time.perf_counter() - started)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted at {state.control.now_ps[0] * 1e-12:.6g} s of virtual time, after "
            f"{state.control.events[0]} events", partial=state) from None


def _next_limit(limit: int, seconds: float) -> int:
    """Steer the slice towards SLICE_SECONDS, at most doubling or halving it."""
    if seconds < SLICE_SECONDS / 2:
        return min(2 * limit, _LONGEST_SLICE)
    return max(limit // 2, 1) if seconds > SLICE_SECONDS * 2 else limit


def _reached(state: State) -> tuple[int, int]:
    return int(state.control.events[0]), int(state.control.now_ps[0])


def _at(state: State) -> str:
    return f"{state.control.now_ps[0] * 1e-12:.9g} s of virtual time"


def _grown(state: S, grow: Callable[[S, int], S] | None, times: int) -> S:
    what = int(state.control.code[0])
    if grow is None:
        raise ModelFault(f"array {what} is full and this replay cannot grow it")
    if times > _MOST_GROWTHS:
        raise ModelFault(f"array {what} is full even after {_MOST_GROWTHS} growths at {_at(state)}")
    return grow(state, what)


def _raise(status: int, state: S, waits: Callable[[S], str] | None,
           faults: Callable[[S], str] | None) -> NoReturn:
    control: Any = state.control
    at = f"at {_at(state)}"
    if status == STALLED:
        raise Stalled(f"nothing can progress {at}: {waits(state) if waits else 'work is left'}")
    if status == FAULT and faults:
        raise ModelFault(f"{faults(state)} {at}")
    raise ModelFault(f"fault {tuple(int(c) for c in control.code)} {at}")
