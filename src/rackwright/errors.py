"""The exception tree, and the exit code that the command line gives for each branch.

::

    RackwrightError                   1
    |-- UsageError                    2   the call itself is wrong
    |   `-- UnknownName               2   no such device, system, preset, option, block ...
    |-- InputError                    3   something that was read is wrong; says file:line
    |   |-- UnitError                 3   a quantity without, or with a wrong, unit
    |   |-- TraceError                3   a row of a trace
    |   |-- CatalogError              3   a part file
    |   |-- OptionsError              3   a model's options, all faults at once
    |   |-- TopologyError             3   a graph, all faults at once
    |   `-- DoesNotFit                3   the workload exceeds a device's memory
    |-- MissingTool                   4   a program or an extra that is not installed
    |-- ReplayError                   1   a replay that cannot go on
    |   |-- Stalled                   1   nothing can progress; says what waits for what
    |   `-- ModelFault                1   a broken invariant or a value outside a table
    `-- Interrupted                   130 Ctrl-C; carries what was done so far

A message says what is wrong, where (``file:line``, a node or an edge), the value, what is
allowed, and what to do. None of these is ever shown with a traceback by the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "CatalogError",
    "DoesNotFit",
    "InputError",
    "Interrupted",
    "MissingTool",
    "ModelFault",
    "OptionsError",
    "RackwrightError",
    "ReplayError",
    "Stalled",
    "TopologyError",
    "TraceError",
    "UnitError",
    "UnknownName",
    "UsageError",
]


_MOST_LISTED = 40  # faults in a message; a wrong file may have one a line


class RackwrightError(Exception):
    """Root of the tree; `exit_code` is what the command line exits with."""

    exit_code = 1


class UsageError(RackwrightError):
    """The call itself is wrong: a missing or contradictory argument."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not in a known set; the message lists the set and the nearest match."""

    def __init__(self, kind: str, name: object, allowed: Iterable[str]) -> None:
        self.kind, self.name, self.allowed = kind, name, tuple(sorted(allowed))
        near = difflib.get_close_matches(str(name), self.allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        names = ", ".join(self.allowed) or "(none)"
        super().__init__(f"unknown {kind} {str(name)!r}.{hint} Known: {names}")


class InputError(RackwrightError):
    """Something that was read is wrong.

    `place` is the file, `line` its 1-based line; both are put in front of the message as
    ``file:line: message`` when known.
    """

    exit_code = 3

    def __init__(self, message: str, *, place: object = None, line: int | None = None) -> None:
        self.message, self.place, self.line = message, place, line
        super().__init__(_located(message, place, line))


class UnitError(InputError):
    """A quantity with no unit, an ambiguous one, or one of another dimension."""


class TraceError(InputError):
    """A malformed row of a trace."""


class CatalogError(InputError):
    """A part file that cannot be used."""


class _ManyFaults(InputError):
    """One error that lists every fault found, so that a user repairs them in one go.

    `faults` has them all; the text lists the first `_MOST_LISTED`.
    """

    def __init__(self, title: str, faults: Iterable[str], *, place: object = None) -> None:
        self.faults = tuple(faults)
        if len(self.faults) == 1:
            text = f"{title}: {self.faults[0]}"
        else:
            listed = "".join(f"\n  - {fault}" for fault in self.faults[:_MOST_LISTED])
            if len(self.faults) > _MOST_LISTED:
                listed += f"\n  - and {len(self.faults) - _MOST_LISTED} more"
            text = f"{title} ({len(self.faults)} faults):{listed}"
        super().__init__(text, place=place)


class OptionsError(_ManyFaults):
    """A model's options are wrong; lists all faults."""


class TopologyError(_ManyFaults):
    """A graph cannot be used; lists all faults with their node or edge."""


class DoesNotFit(InputError):
    """A workload needs more memory than its devices have; the message gives the sum."""


class MissingTool(RackwrightError):
    """A program or Python extra is not installed; the message gives the command to run."""

    exit_code = 4


class ReplayError(RackwrightError):
    """A replay that cannot go on."""


class Stalled(ReplayError):
    """Nothing can progress although work is left; the message says what waits for what."""


class ModelFault(ReplayError):
    """A kernel met a broken invariant or left the range of a table."""


class Interrupted(RackwrightError):
    """The user pressed Ctrl-C; `partial` is whatever was computed until then (or None)."""

    exit_code = 130

    def __init__(self, message: str = "interrupted", partial: Any = None) -> None:
        self.partial = partial
        super().__init__(message)


def _located(message: str, place: object, line: int | None) -> str:
    if place is None:
        return message
    return f"{place}:{line}: {message}" if line is not None else f"{place}: {message}"
