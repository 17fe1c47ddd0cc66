"""Telemetry of GPUs under the names and in the units of DCGM's fields.

What is modelled: power, energy, power limit, busy share, bytes over PCIe and NVLink, replays. The
names, numbers and units are those of `dcgm_fields.h` and dcgm-exporter (as noted in our reference
list; transmitted is the GPU's view). Left out, rather than invented: clocks under load, memory in
use, temperatures, XID errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rackwright.devices import Gpu
from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["FIELDS", "Field", "field_value"]

_MILLI = 1e3


class Field:
    """A field: `unit` in words, its number if DCGM's is known to us, how it is found."""

    def __init__(self, unit: str, value: Callable[[Rack, str], float], number: int = 0) -> None:
        self.unit, self.value, self.number = unit, value, number


def field_value(rack: Rack, name: str, node: str) -> float:
    """A field of a GPU, by name or number. Raises UnknownName, UsageError."""
    numbers = {str(field.number): field for field in FIELDS.values() if field.number}
    field = FIELDS.get(name) or numbers.get(name)
    if field is None:
        raise UnknownName("DCGM field", name, FIELDS)
    if not isinstance(rack.fabric.device(node), Gpu):
        raise UsageError(f"{node} is no GPU; DCGM speaks of GPUs only")
    rack.settle()
    return float(field.value(rack, node))


def _links(rack: Rack, node: str, kind: str, leaving: bool) -> list[int]:
    ends = rack.fabric.link_tails if leaving else rack.fabric.link_heads
    return [link for link, end in enumerate(ends)
            if rack.fabric.nodes[end] == node and rack.fabric.link_kinds[link] == kind]


def _rate(kind: str, leaving: bool) -> Callable[[Rack, str], float]:
    return lambda rack, node: sum(float(rack.traffic.rate[link])
                                  for link in _links(rack, node, kind, leaving))


def _energy(rack: Rack, node: str) -> float:
    return _MILLI * float(rack.boards.joules[rack.boards.number[node]])


def _busy(rack: Rack, node: str) -> float:
    """Percent; DCGM's is of the last sample period, ours is now."""
    return 100.0 if rack.boards.all[node].work else 0.0


def _limit(rack: Rack, node: str) -> float:
    limit = rack.boards.all[node].limit
    return float("nan") if limit is None else limit


def _replays(rack: Rack, node: str) -> float:
    return float(sum(int(rack.traffic.replays[link])
                     for link in _links(rack, node, "pcie", True)))


def _nvlink(rack: Rack, node: str) -> float:
    """MB/s, both directions."""
    return (_rate("nvlink", True)(rack, node) + _rate("nvlink", False)(rack, node)) / 1e6


FIELDS: Mapping[str, Field] = {
    "DCGM_FI_DEV_GPU_UTIL": Field("%", _busy),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": Field("MB/s", _nvlink),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": Field("replays", _replays),
    "DCGM_FI_DEV_POWER_MGMT_LIMIT": Field("W", _limit),
    "DCGM_FI_DEV_POWER_USAGE": Field("W", lambda rack, node: rack.board_watts(node)),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": Field("mJ", _energy),
    "DCGM_FI_PROF_NVLINK_RX_BYTES": Field("B/s", _rate("nvlink", False), 1012),
    "DCGM_FI_PROF_NVLINK_TX_BYTES": Field("B/s", _rate("nvlink", True), 1011),
    "DCGM_FI_PROF_PCIE_RX_BYTES": Field("B/s", _rate("pcie", False), 1010),
    "DCGM_FI_PROF_PCIE_TX_BYTES": Field("B/s", _rate("pcie", True), 1009),
}
