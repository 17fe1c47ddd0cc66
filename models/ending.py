"""How replays end: in an `Outcome`, or stopped by the user with the one so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rackwright.errors import Interrupted
from rackwright.models.outcome import Outcome

__all__ = ["Progress", "outcome_of", "shown"]

S = TypeVar("S")

Progress = Callable[[float, float, str], None]
"""Called between slices with (done, total, text)."""


def outcome_of(run: Callable[[], S], finish: Callable[[S, bool], Outcome]) -> Outcome:
    """`finish` of the state that `run` ends with, and whether it is complete.

    Raises `Interrupted` with the `Outcome` so far as its `partial` when `run` does with a state.
    """
    try:
        end = run()
    except Interrupted as stop:
        raise Interrupted(str(stop), partial=finish(stop.partial, False)) from None
    return finish(end, True)


def shown(progress: Progress | None, progress_of: Callable[[S], tuple[float, float, str]]
          ) -> Callable[[S], None] | None:
    """For the driver: tells `progress` how far a state is."""
    if progress is None:
        return None
    return lambda now: progress(*progress_of(now))
