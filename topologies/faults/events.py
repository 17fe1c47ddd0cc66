"""Faults and changes: what happens to which part of a topology, and when.

An event is written ``2s h0/gpu*->h0/nvswitch rate 50%`` or as a row of CSV with the columns
``time,what,action,value``. Actions:

=========  ======================================  =============================================
action     what                                    value
=========  ======================================  =============================================
down       edge or node (all its links)            none
up         the same                                none; back to what the graph says
rate       edge                                    a share (``50%``) or a rate (``25Gbps``)
lanes      edge of PCIe                            lanes left (``x4``)
latency    edge                                    a time (``2us``), in place of the link's own
slow       node                                    a factor (``1.5``): its work takes so much longer
=========  ======================================  =============================================

An edge ``a->b`` means both directions, ``a=>b`` one; names may be patterns. Leaves out: faults
that depend on load, and repair crews.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rackwright.errors import InputError, UnitError, UsageError
from rackwright.units import parse_rate_bps, parse_time

__all__ = ["ACTIONS", "FaultEvent", "parse_event", "read_events"]

ACTIONS = ("down", "lanes", "latency", "rate", "slow", "up")
_COLUMNS = ["time", "what", "action", "value"]
_EDGE = ("lanes", "latency", "rate")
_MOST_FACTOR = 1e6  # our own limit


@dataclass(frozen=True, order=True)
class FaultEvent:
    """One event. `time` in seconds; `value`: a share below or at 1 or a rate in bits/s for
    "rate" (`relative` says which), lanes, seconds, or the factor of "slow"."""

    time: float
    what: str
    action: str
    value: float = 0.0
    relative: bool = False

    @property
    def is_edge(self) -> bool:
        """Whether it names links rather than nodes."""
        return "->" in self.what or "=>" in self.what


def parse_event(text: str) -> FaultEvent:
    """The event in one line: time, what, action, value. Raises UsageError.

    >>> parse_event("1ms h0/gpu0->h0/pcie0 lanes x4")
    FaultEvent(time=0.001, what='h0/gpu0->h0/pcie0', action='lanes', value=4.0, relative=False)
    """
    words = text.split()
    if len(words) not in (3, 4):
        raise UsageError(f"{text!r} is no event; write time, what, action and value, as in "
                         "'2s h0/gpu0->h0/nvswitch rate 50%'")
    try:
        return _event(*words)
    except (UnitError, ValueError) as problem:
        raise UsageError(f"event {text!r}: {problem}") from None


def read_events(path: str | os.PathLike[str]) -> tuple[FaultEvent, ...]:
    """The events of a CSV file, in order of time. Raises InputError with the line."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
    if not rows or [word.strip() for word in rows[0]] != _COLUMNS:
        raise InputError(f"the first line must be {','.join(_COLUMNS)}", place=path, line=1)
    found: list[FaultEvent] = []
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        words = [word.strip() for word in row]
        if len(words) not in (3, 4):
            raise InputError(f"{len(words)} cells; {', '.join(_COLUMNS)} are needed", place=path,
                             line=line)
        try:
            found.append(_event(*words))
        except (UnitError, ValueError) as problem:
            raise InputError(str(problem), place=path, line=line) from None
        if len(found) > 1 and found[-1].time < found[-2].time:
            raise InputError(f"time {words[0]} is before that of the line above; times never go "
                             "back", place=path, line=line)
    return tuple(found)


def in_order(events: Iterable[FaultEvent | str]) -> list[FaultEvent]:
    """Events by time; those of one time stay in their order."""
    parsed = [parse_event(event) if isinstance(event, str) else event for event in events]
    return sorted(parsed, key=lambda event: event.time)


def _event(time: str, what: str, action: str, value: str = "") -> FaultEvent:
    if action not in ACTIONS:
        raise ValueError(f"action {action!r}; allowed: {', '.join(ACTIONS)}")
    at, edge = parse_time(time), "->" in what or "=>" in what
    if not what or (action in _EDGE and not edge) or (action == "slow" and edge):
        raise ValueError(f"{action} of {what!r}; {'an edge a->b' if action in _EDGE else 'a node'}"
                         " is needed")
    if (action in ("down", "up")) != (value == ""):
        raise ValueError(f"{action} with value {value!r}; "
                         + ("it takes none" if value else "it needs one"))
    number, relative = _value(action, value)
    return FaultEvent(at, what, action, number, relative)


def _value(action: str, value: str) -> tuple[float, bool]:
    if action == "rate" and value.endswith("%"):
        return _number(value[:-1], 0.0, 100.0, "a share from 0% to 100%") / 100, True
    if action == "rate":
        return parse_rate_bps(value), False
    if action == "lanes":
        lanes = re.fullmatch(r"x?(1|2|4|8|16)", value)
        if not lanes:
            raise ValueError(f"lanes {value!r}; x1, x2, x4, x8 or x16")
        return float(lanes[1]), False
    if action == "latency":
        return parse_time(value), False
    if action == "slow":
        return _number(value, 1.0, _MOST_FACTOR, "a factor from 1"), False
    return 0.0, False


def _number(text: str, least: float, most: float, wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f"{text!r}; {wanted} is needed")
    return number
