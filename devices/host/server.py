"""Servers as compositions: sockets, memory, adapters, drives, and the board around them.

Models: which parts and how many; their sums of cores, memory, bandwidth and lanes; power (idle
and by activity of all parts, over the supply's efficiency); price (its own, or the sum of its
parts and chassis). Leaves out: GPUs (a topology adds them to the same host), NUMA distance (the
topology's links), fans that speed up, what is plugged in elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rackwright.devices.host.cpu import Cpu
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import Nvme
from rackwright.devices.nic.part import Nic
from rackwright.devices.part import Part, quantity, text
from rackwright.devices.power import Power, power_of
from rackwright.devices.price import bill
from rackwright.errors import UnknownName, UsageError

__all__ = ["Server"]

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, kw_only=True)
class Server(Part):
    """`sockets` of `cpu`, each with one `memory` part; `nics` of `nic`, `drives` of `drive`.

    `board_watts` draws everything that is no part, always; `supply_efficiency` is power out of
    the supplies over power into them. Methods that look parts up take the `folder` of a user's
    catalog, as the catalog's calls do.
    """

    cpu: str = text()
    memory: str = text()
    nic: str = text("")
    drive: str = text("")
    sockets: int = quantity("count")
    nics: int = quantity("count")
    drives: int = quantity("count")
    board_watts: float = quantity("power", "board_power")
    supply_efficiency: float = quantity("ratio")
    chassis_usd: float | None = quantity("money", "chassis_price", required=False)
    own_price_usd: float | None = quantity("money", "price", required=False)

    def parts(self, folder: str | Path | None = None) -> tuple[Part, ...]:
        """What it is made of, each as often as it is there. Raises `UnknownName`."""
        found = [*self._some("cpu", self.cpu, self.sockets, folder),
                 *self._some("memory", self.memory, self.sockets, folder),
                 *self._some("nic", self.nic, self.nics, folder),
                 *self._some("drive", self.drive, self.drives, folder)]
        return tuple(found)

    def cores(self, folder: str | Path | None = None) -> int:
        """Cores of all sockets."""
        return sum(part.cores for part in _kind(self, Cpu, folder))

    def memory_bandwidth(self, folder: str | Path | None = None) -> float:
        """Bytes/s of all sockets' memory, in long streams."""
        return sum(part.stream_bandwidth for part in _kind(self, Memory, folder))

    def memory_nbytes(self, folder: str | Path | None = None) -> int:
        """Bytes of memory of all sockets."""
        return sum(part.nbytes for part in _kind(self, Memory, folder))

    def network_bps(self, folder: str | Path | None = None) -> float:
        """Bits/s of all adapters, one direction."""
        return sum(part.rate_bps for part in _kind(self, Nic, folder))

    def storage_bandwidth(self, folder: str | Path | None = None) -> float:
        """Bytes/s of reading from all drives at once."""
        return sum(part.read_bandwidth for part in _kind(self, Nvme, folder))

    def free_lanes(self, folder: str | Path | None = None) -> int:
        """PCIe lanes that its adapters and drives leave. Raises `UsageError` below zero."""
        from rackwright.devices import catalog

        lanes = sum(part.pcie_lanes for part in _kind(self, Cpu, folder))
        names = [nic.pcie for nic in _kind(self, Nic, folder)]
        names += [drive.pcie for drive in _kind(self, Nvme, folder)]
        taken = sum(catalog.pcie(name, folder=folder).lanes for name in names)
        if taken > lanes:
            raise UsageError(f"{self.name} has {lanes} PCIe lanes, its adapters and drives need "
                             f"{taken}: use fewer of them, or narrower ones")
        return lanes - taken

    def power(self, folder: str | Path | None = None) -> Power:
        """At the wall: the sum of its parts, each activity under the name that the part gives
        it. Raises `UsageError` when a part does not say what it draws."""
        share = self._supply()
        idle, added, joules, units = self.board_watts, {}, {}, dict[str, float]()
        for part in self.parts(folder):
            power = power_of(part)
            idle += power.idle_watts
            for name, watts in power.added_watts.items():
                added[name] = watts / share
                units[name] = units.get(name, 0.0) + power.units.get(name, 1.0)
            joules.update({name: each / share for name, each in power.joules_each.items()})
        return Power(idle / share, added, joules, units)

    @property
    def price_usd(self) -> float | None:
        """Its own price, or that of chassis and parts; None when one of them is not known."""
        if self.own_price_usd is not None:
            return self.own_price_usd
        found = bill(self.parts())
        if self.chassis_usd is None or found.unpriced:
            return None
        return self.chassis_usd + found.usd

    def _some(self, role: str, name: str, count: int, folder: str | Path | None) -> list[Part]:
        from rackwright.devices import catalog

        if count and not name:
            raise UsageError(f"{self.name} has {count} of {role} but names no {role}")
        if not count:
            return []
        try:
            return [catalog.get(name, folder=folder)] * count
        except UnknownName as problem:
            raise UnknownName(f"{role} of {self.name}", name, problem.allowed) from None

    def _supply(self) -> float:
        if not 0 < self.supply_efficiency <= 1:
            raise UsageError(f"{self.name}: supply_efficiency must be above 0 and at most 1, not "
                             f"{self.supply_efficiency!r}")
        return self.supply_efficiency


def _kind(server: Server, cls: type[P], folder: str | Path | None) -> list[P]:
    return [part for part in server.parts(folder) if isinstance(part, cls)]
