"""Options of synthetic work that a client may change: those that leave its shape as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rackwright.errors import UnknownName, UsageError
from rackwright.panel.workload import Workload
from rackwright.units import parse_bandwidth, parse_bytes, parse_time

__all__ = ["OPTIONS", "changed"]

OPTIONS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "compute": ("compute_time", parse_time),
    "duration": ("duration", parse_time),
    "limit": ("limit", parse_bandwidth),
    "nbytes": ("nbytes", lambda text, what: float(parse_bytes(text, what=what))),
    "rounds": ("rounds", lambda text, what: _whole(text, what)),
}


def changed(work: Workload, options: Mapping[str, str]) -> Workload:
    """`work` with options given as text with units. Raises UnknownName, UnitError, UsageError."""
    values = {}
    for name, text in options.items():
        if name not in OPTIONS:
            raise UnknownName(f"option of {work.name}", name, OPTIONS)
        field, parser = OPTIONS[name]
        values[field] = parser(text, what=name)
    found = dataclasses.replace(work, **values)
    _refuse(work, found)
    return found


def _refuse(work: Workload, found: Workload) -> None:
    """A change must not turn rounds into streams or leave nothing to do."""
    if bool(found.nbytes) != bool(work.nbytes) or bool(found.compute_time) != bool(
            work.compute_time):
        raise UsageError(f"{work.name}: compute and nbytes stay zero or not, as in the rack file")
    if found.duration and found.in_rounds:
        raise UsageError(f"{work.name} works in rounds; it has no duration")
    if found.rounds and not found.in_rounds:
        raise UsageError(f"{work.name} has steady streams; it has no rounds")


def _whole(text: str, what: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise UsageError(f"{what} is {text!r}; a whole number is needed")
    return int(text)
