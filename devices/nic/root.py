"""A smart NIC as PCIe root: which GPUs and drives it can host, and what it serves from them.

Models: lanes as a hard limit, each device at the width of the PCIe part that it names or is
given; a storage node's rate. Leaves out: bifurcation rules (which widths a port splits into),
slots, power budgets of slots, PCIe switches (put one between with a topology).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rackwright.devices.part import Part
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.devices.host.nvme import Nvme
    from rackwright.devices.nic.part import SmartNic

__all__ = ["Hosted", "LaneBudget", "lane_budget", "storage_bandwidth"]

Hosted = Part | tuple[Part, str]
"""A part at the width that its file names, or with the name of another PCIe part."""


@dataclass(frozen=True)
class LaneBudget:
    """Lanes that there are, and those that each device takes, in the order given."""

    lanes: int
    taken: tuple[tuple[str, int], ...]

    @property
    def used(self) -> int:
        return sum(lanes for _, lanes in self.taken)

    @property
    def left(self) -> int:
        return self.lanes - self.used


def lane_budget(nic: SmartNic, devices: Iterable[Hosted],
                folder: str | Path | None = None) -> LaneBudget:
    """Raises `UsageError` for more lanes than `nic` has for what it hosts, with the sum, and
    for a device without PCIe; `UnknownName` for a PCIe part that is not there."""
    from rackwright.devices import catalog

    taken = tuple((name, catalog.pcie(pcie, folder=folder).lanes)
                  for name, pcie in map(_named, devices))
    budget = LaneBudget(root_lanes(nic), taken)
    if budget.left < 0:
        counts: dict[tuple[str, int], int] = {}
        for device in taken:
            counts[device] = counts.get(device, 0) + 1
        listed = " + ".join(f"{count} x {name} (x{lanes})"
                            for (name, lanes), count in counts.items())
        raise UsageError(f"{nic.name} has {budget.lanes} PCIe lanes for what it hosts; {listed} "
                         f"need {budget.used}: take fewer devices, narrower links or more NICs")
    return budget


def root_lanes(nic: SmartNic) -> int:
    """Lanes for hosted devices: its own figure, else all lanes (no host being there)."""
    return nic.pcie_lanes if nic.root_lanes is None else nic.root_lanes


def storage_bandwidth(nic: SmartNic, drive: Nvme, drives: int,
                      folder: str | Path | None = None) -> float:
    """Bytes/s read from `drives` drives and sent: min(drives, lanes, memory / 2, line)."""
    from rackwright.devices import catalog

    if not isinstance(drives, int) or drives < 0:
        raise UsageError(f"drives must be a whole number >= 0, not {drives!r}")
    lane_budget(nic, [drive] * drives, folder)
    link = catalog.pcie(drive.pcie, folder=folder).bandwidth
    return min(drives * min(drive.read_bandwidth, link), nic.stream_bandwidth / 2,
               nic.rate_bps / 8)


def _named(device: Hosted) -> tuple[str, str]:
    part, pcie = device if isinstance(device, tuple) else (device, getattr(device, "pcie", ""))
    if not pcie:
        raise UsageError(f"{part.name} ({part.kind}) names no PCIe part: give "
                         f"({part.name}, \"gen4-x16\"), say")
    return part.name, pcie
