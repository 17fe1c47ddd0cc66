"""Closed forms: what phi headless smart NICs in place of a server cost, draw and lose in speed.

All of it is our own arithmetic (arXiv 2309.12665 could be read as abstract only). Costs and powers
are relative to one smart NIC (= 1); a server's (`server_cost`, `server_power`) contain its own NIC.
`device_cost`, `device_power`: what is attached to a server over PCIe and moves unchanged.

* ``cost_advantage   = (c_s + c_port + c_p) / (phi (1 + c_port) + c_p)``; c_port, a switch port, is
  0 unless told;
* ``energy_advantage = (p_s + p_p) / (mu (phi + p_p))``;
* ``mu = a_cpu R / phi + (a_shuffle + a_io) B / phi + a_accel``.

R is the ratio of server to smart NIC, all cores, by roofline: of memory, of cores, or of what each
side is bound by. B is that of their line rates. Quantities are text with a unit, or typed: Gb/s is
never taken for GB/s. Leaves out: contention, split traffic, serial parts (see the replay).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rackwright.errors import UsageError
from rackwright.units import Quantity, parse_bandwidth, parse_rate_bps

__all__ = ["Fractions", "Operation", "Side", "Sides", "best_energy_phi", "break_even",
           "cost_advantage", "energy_advantage", "phi_sum", "ratio_of", "slowdown"]

_SUM = 1e-9    # by how much fractions may miss 1


@dataclass(frozen=True)
class Fractions:
    """Shares of a job's time on the server cluster; they must sum to 1. Raises UsageError."""

    cpu: float = 0.0
    shuffle: float = 0.0
    io: float = 0.0
    accel: float = 0.0

    def __post_init__(self) -> None:
        parts = (self.cpu, self.shuffle, self.io, self.accel)
        if not all(0 <= part <= 1 + _SUM for part in parts):
            raise UsageError(f"{self}: every fraction must be from 0 to 1")
        if abs(math.fsum(parts) - 1) > _SUM:
            raise UsageError(f"{self}: the fractions sum to {math.fsum(parts):.12g}; they must sum "
                             f"to 1 within {_SUM:g}")

    @staticmethod
    def of_times(cpu: float, shuffle: float, io: float, accel: float) -> Fractions:
        """From seconds. Raises UsageError when nothing took any time."""
        total = cpu + shuffle + io + accel
        if not (0 < total < math.inf):
            raise UsageError(f"times sum to {total!r} s; a job must take some time")
        return Fractions(cpu / total, shuffle / total, io / total, accel / total)


@dataclass(frozen=True)
class Side:
    """What one server, or one smart NIC, has: memory bandwidth and line rate as text with a unit
    or Quantity, `cores` of `performance` relative to a core of the reference server."""

    memory: str | Quantity
    line: str | Quantity
    cores: float
    performance: float = 1.0

    @property
    def memory_bandwidth(self) -> float:
        """Bytes/s."""
        return _positive(parse_bandwidth(self.memory, what="memory"), "memory")

    @property
    def line_bps(self) -> float:
        """Bits/s."""
        return _positive(parse_rate_bps(self.line, what="line"), "line")

    @property
    def core_rate(self) -> float:
        """Reference core-seconds done in a second."""
        return _positive(self.cores * self.performance, "cores x performance")


@dataclass(frozen=True)
class Operation:
    """One operator on a whole node: bytes of memory touched, reference core-seconds."""

    nbytes: float
    core_seconds: float

    def time(self, side: Side) -> float:
        """Seconds: the roofline."""
        return max(self.nbytes / side.memory_bandwidth, self.core_seconds / side.core_rate)


@dataclass(frozen=True)
class Sides:
    """A server and a smart NIC; every ratio is server over smart NIC."""

    server: Side
    nic: Side

    @property
    def memory(self) -> float:
        """R of an operator that memory binds on both sides."""
        return self.server.memory_bandwidth / self.nic.memory_bandwidth

    @property
    def cores(self) -> float:
        """R of an operator that cores bind on both sides."""
        return self.server.core_rate / self.nic.core_rate

    @property
    def line(self) -> float:
        """B."""
        return self.server.line_bps / self.nic.line_bps


def ratio_of(operations: Iterable[Operation], sides: Sides) -> float:
    """R of some operators one after the other: smart NIC's time over the server's.

    Raises UsageError when they take no time.
    """
    wanted = list(operations)
    server = math.fsum(each.time(sides.server) for each in wanted)
    if server <= 0:
        raise UsageError("the operators take no time on the server; R has no value")
    return math.fsum(each.time(sides.nic) for each in wanted) / server


def slowdown(fractions: Fractions, ratio: float, line: float, phi: float) -> float:
    """mu: the job's time on phi smart NICs a server over its time on servers."""
    return _scaled(fractions, ratio, line) / _positive(phi, "phi") + fractions.accel


def break_even(fractions: Fractions, ratio: float, line: float) -> float:
    """phi*: from here on no resource in use is slower than the server's; 0 if none is in use."""
    used = [_positive(ratio, "R")] if fractions.cpu > 0 else []
    used += [_positive(line, "B")] if fractions.shuffle + fractions.io > 0 else []
    return max(used, default=0.0)


def phi_sum(fractions: Fractions, ratio: float, line: float) -> float:
    """The phi at which mu = 1, gains of one resource paying for losses of another; 0 for a job
    of accelerators alone."""
    if fractions.accel >= 1:
        return 0.0
    return _scaled(fractions, ratio, line) / (1.0 - fractions.accel)


def cost_advantage(server_cost: float, phi: float, device_cost: float = 0.0,
                   port_cost: float = 0.0) -> float:
    """Cost of a server with its devices over that of its phi smart NICs with them."""
    _positive(server_cost, "server_cost")
    _positive(phi, "phi")
    _not_negative(device_cost, "device_cost")
    _not_negative(port_cost, "port_cost")
    return (server_cost + port_cost + device_cost) / (phi * (1 + port_cost) + device_cost)


def energy_advantage(server_power: float, phi: float, mu: float,
                     device_power: float = 0.0) -> float:
    """Energy of a job on servers over that on phi smart NICs each."""
    _positive(server_power, "server_power")
    _positive(phi, "phi")
    _positive(mu, "mu")
    _not_negative(device_power, "device_power")
    return (server_power + device_power) / (mu * (phi + device_power))


def best_energy_phi(fractions: Fractions, ratio: float, line: float,
                    device_power: float = 0.0) -> float:
    """The phi of the highest energy advantage: where d(mu (phi + p_p))/dphi = 0; infinite for a
    job without accelerators whose devices draw something, 0 when fewer is always better."""
    _not_negative(device_power, "device_power")
    if fractions.accel == 0:
        return math.inf if device_power > 0 else 0.0
    return math.sqrt(_scaled(fractions, ratio, line) * device_power / fractions.accel)


def _scaled(fractions: Fractions, ratio: float, line: float) -> float:
    """What of mu falls with phi, at phi = 1."""
    remote = fractions.shuffle + fractions.io
    return fractions.cpu * _positive(ratio, "R") + remote * _positive(line, "B")


def _positive(value: float, what: str) -> float:
    if not (0 < value < math.inf):
        raise UsageError(f"{what} is {value!r}; it must be a finite number above 0")
    return value


def _not_negative(value: float, what: str) -> None:
    if not (0 <= value < math.inf):
        raise UsageError(f"{what} is {value!r}; it must be a finite number from 0")
