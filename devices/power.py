"""Power and energy of parts: idle watts, plus what each activity adds; never board limit x time.

A part that can be asked has a method ``power()``, which gives a `Power`: watts while idle, watts
that each activity adds while it lasts (a core at work, the line at its rate, a drive reading),
and joules that each counted unit costs (a byte through DRAM). Energy is their sum, so that a rack
that does nothing is not charged for its limits, and one that works is not charged twice.

Parts without ``power()`` are still understood: a GPU through what it draws at each kind of work
(`gpu.power`), of which it does one at a time; a switch through its one number, drawn all the time.
What is left out: how power follows clocks and voltages inside an activity, temperature, ramps.
Cooling and power supplies are a server's. Numbers and their sources are in the part files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from rackwright.devices.gpu.part import Gpu
from rackwright.devices.gpu.power import LOADS, load_watts
from rackwright.devices.part import Part
from rackwright.errors import UnknownName, UsageError

__all__ = ["Power", "Powered", "energy_joules", "known", "power_of", "power_watts"]


@dataclass(frozen=True)
class Power:
    """What a part draws. `added_watts`: of one unit of an activity while it lasts; `units` says
    how many of it there are (1 unless told: 64 cores, one line). `joules_each`: of what is
    counted instead of timed. `exclusive`: one activity at a time."""

    idle_watts: float
    added_watts: Mapping[str, float] = field(default_factory=dict)
    joules_each: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)
    exclusive: bool = False

    @property
    def busy_watts(self) -> float:
        """Idle, and all that can go on at once: every unit of every activity, or the worst."""
        added = [watts * self.units.get(name, 1.0) for name, watts in self.added_watts.items()]
        return self.idle_watts + (max(added, default=0.0) if self.exclusive else sum(added))


@runtime_checkable
class Powered(Protocol):
    """A part that says what it draws."""

    def power(self) -> Power: ...


def power_of(part: Part) -> Power:
    """What `part` draws. Raises `UsageError` when its file does not say."""
    if isinstance(part, Powered):
        return part.power()
    constant = getattr(part, "power_watts", None)
    if isinstance(constant, int | float):
        return Power(float(constant))
    if isinstance(part, Gpu):
        added = {work: load_watts(part, work) - part.idle_watts for work in LOADS}
        return Power(part.idle_watts, {name: watts for name, watts in added.items() if watts},
                     exclusive=True)
    raise _silent(part, "power")


def power_watts(part: Part, activity: str = "idle") -> float:
    """Watts of `part` idle, or with one unit of `activity` going on ("all": with everything).

    Raises `UnknownName` for an activity that it does not have, `UsageError` as `power_of`.
    """
    power = power_of(part)
    if activity == "idle":
        return power.idle_watts
    if activity == "all":
        return power.busy_watts
    if activity not in power.added_watts:
        raise UnknownName(f"activity of {part.name}", activity,
                          ["all", "idle", *power.added_watts])
    return power.idle_watts + power.added_watts[activity]


def energy_joules(part: Part, seconds: float, busy_time: Mapping[str, float] | None = None,
                  counts: Mapping[str, float] | None = None) -> float:
    """Joules of `part` in `seconds`, of which activities took `busy_time` and did `counts`.

    `busy_time`: activity -> seconds, summed over its units (core-seconds). `counts`: unit ->
    number (bytes). Raises `UsageError` for a negative number or an activity that lasts longer
    than its units can, `UnknownName` for one that the part does not have.
    """
    power = power_of(part)
    joules = power.idle_watts * _number(part, "seconds", seconds)
    for name, busy in sorted((busy_time or {}).items()):
        _among(part, "activity", name, power.added_watts)
        limit = seconds * power.units.get(name, 1.0)
        if _number(part, name, busy) > limit * (1 + 1e-9):
            raise UsageError(f"{part.name}: {name} is busy for {busy:g} s in {seconds:g} s; it "
                             f"has {power.units.get(name, 1.0):g}, so {limit:g} s at most")
        joules += busy * power.added_watts[name]
    together = sum((busy_time or {}).values())
    if power.exclusive and together > seconds * (1 + 1e-9):
        raise UsageError(f"{part.name} does one thing at a time: {together:g} s of activities do "
                         f"not fit into {seconds:g} s")
    for name, count in sorted((counts or {}).items()):
        _among(part, "counted unit", name, power.joules_each)
        joules += _number(part, name, count) * power.joules_each[name]
    return joules


def known(part: Part, key: str, value: float | None) -> float:
    """`value`, which the part's file gives under `key`. Raises `UsageError` when it does not."""
    if value is None:
        raise _silent(part, key)
    return value


def _silent(part: Part, key: str) -> UsageError:
    return UsageError(f"the file of {part.name} ({part.kind}) says no {key}; add it under "
                      "[datasheet] of a part file that is `like` it, with its source")


def _among(part: Part, what: str, name: str, allowed: Mapping[str, float]) -> None:
    if name not in allowed:
        raise UnknownName(f"{what} of {part.name}", name, allowed)


def _number(part: Part, name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise UsageError(f"{part.name}: {name} must be a finite number >= 0, not {value!r}")
    return float(value)
