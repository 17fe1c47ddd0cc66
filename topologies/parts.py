"""What a topology needs to know about the parts that stand on its nodes and edges.

Models: the family of a part, whether it forwards traffic, the time that takes (the part's
`latency_time`, 0 when it has none), and a hash of its content. A PCIe switch's stated time, port to
port, has a receiver and a transmitter in it, which its links count too (`devices.pcie.path`): what
is left is the switch's. A processor's is what PCIe has beyond its link, 150 of 250 ns to memory.
Leaves out: costs; those are methods of the parts.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from rackwright.canonical import content_hash
from rackwright.devices import (
    Cpu,
    Gpu,
    Link,
    Memory,
    Nic,
    Nvme,
    PcieSwitch,
    SmartNic,
    Switch,
    catalog,
)
from rackwright.devices.unknown import UnknownPart
from rackwright.topologies.names import host_part

__all__ = [
    "FAMILIES",
    "SWITCHES",
    "Device",
    "family_of",
    "forwarding_time",
    "forwards",
    "host_of",
    "is_switch",
    "link_hash",
    "part_hash",
]

Device = Gpu | Nic | SmartNic | Switch | Cpu | Memory | Nvme | PcieSwitch | UnknownPart

# Subclasses first: a SmartNic is a Nic.
_CLASSES: tuple[tuple[type[Any], str], ...] = (
    (Gpu, "gpu"), (SmartNic, "smart-nic"), (Nic, "nic"), (Cpu, "cpu"), (Memory, "memory"),
    (Nvme, "nvme"), (PcieSwitch, "pcie-switch"), (Switch, "switch"),
)
FAMILIES = tuple(family for _, family in _CLASSES)
_ENDS = ("gpu", "memory", "nvme")  # never forward what is not theirs
SWITCHES = ("switch", "pcie-switch")


def family_of(device: object) -> str | None:
    """"gpu", "nic", "smart-nic", "cpu", "memory", "nvme", "switch", "pcie-switch" or None."""
    if isinstance(device, UnknownPart):
        return device.kind if device.kind in FAMILIES else None
    return next((family for kind, family in _CLASSES if isinstance(device, kind)), None)


def forwards(device: object) -> bool:
    """True for a part that carries traffic of others."""
    return family_of(device) not in _ENDS


def is_switch(device: object) -> bool:
    """True for a part that is never the end of a transfer."""
    return family_of(device) in SWITCHES


def host_of(node: str, device: object) -> str | None:
    """What stands before the slash; a bare endpoint is its own host, a bare switch has none."""
    return host_part(node) or (None if is_switch(device) else node)


def forwarding_time(device: object) -> float:
    """Seconds from a head's arrival at the part to its departure."""
    known = getattr(device, "latency_time", None) if forwards(device) else None
    if isinstance(device, PcieSwitch):
        return max(device.latency_time - catalog.pcie(device.pcie).link_time, 0.0)
    return 0.0 if known is None else float(known)


def part_hash(device: object) -> str:
    """SHA-256 of everything that a part compares by, so that a changed copy differs too."""
    return content_hash([type(device).__name__, _plain(device)])


def link_hash(link: Link) -> str:
    """SHA-256 of what a link does; where its numbers come from does not count."""
    return content_hash([link.name, link.kind, float(link.rate_bps), float(link.efficiency),
                         float(link.latency_time)])


def _plain(value: Any) -> Any:
    """Nested dataclasses as dicts of the fields that count in comparisons."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name))
                for entry in dataclasses.fields(value) if entry.compare}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return value
