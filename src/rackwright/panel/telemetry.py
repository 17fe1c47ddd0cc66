"""Telemetry of GPUs under the names and in the units of DCGM's fields.

What is modelled: power, energy, limits, temperature and its thresholds, why a GPU is slow, busy
share, bytes over PCIe and NVLink, replays. The names, numbers and units are those of DCGM's
`dcgm_fields.h`; transmitted is the GPU's view. Left out, rather than invented: clocks under load,
memory in use, memory temperature, XID errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rackwright.devices import Gpu
from rackwright.errors import UnknownName, UsageError
from rackwright.panel.heat import MOST_OPERATING, SHUTDOWN, SLOWDOWN

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["FIELDS", "Field", "field_value"]

_MILLI = 1e3
_IDLE, _POWER_CAP, _SLOWED, _THERMAL = 0x1, 0x4, 0x8, 0x40  # of nvml.h


@dataclass(frozen=True)
class Field:
    """A field: what it is, `unit` in words, how it is found, DCGM's number, whether it counts."""

    text: str
    unit: str
    value: Callable[[Rack, str], float]
    number: int = 0
    counts: bool = False


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


def _celsius(rack: Rack, node: str) -> float:
    return float(rack.boards.heat.celsius[rack.boards.number[node]])


def _reasons(rack: Rack, node: str) -> float:
    """The bits of NVML's clock throttle reasons: idle, power cap, hardware and thermal slowdown."""
    board = rack.boards.all[node]
    return float(_IDLE * (not board.work) | _POWER_CAP * board.limited
                 | (_SLOWED | _THERMAL) * board.hot)


def _nvlink(rack: Rack, node: str) -> float:
    """MB/s, both directions."""
    return (_rate("nvlink", True)(rack, node) + _rate("nvlink", False)(rack, node)) / 1e6


FIELDS: Mapping[str, Field] = {
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": Field("Why it is slow", "bits", _reasons, 112),
    "DCGM_FI_DEV_GPU_MAX_OP_TEMP": Field(
        "Highest operating temperature", "C", lambda rack, node: MOST_OPERATING, 152),
    "DCGM_FI_DEV_GPU_TEMP": Field("Temperature", "C", _celsius, 150),
    "DCGM_FI_DEV_GPU_UTIL": Field("Utilisation", "%", _busy, 203),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": Field("NVLink, both directions", "MB/s", _nvlink, 449),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": Field("PCIe replays", "replays", _replays, 202, True),
    "DCGM_FI_DEV_POWER_MGMT_LIMIT": Field("Power limit", "W", _limit, 160),
    "DCGM_FI_DEV_POWER_USAGE": Field(
        "Power", "W", lambda rack, node: rack.board_watts(node), 155),
    "DCGM_FI_DEV_SHUTDOWN_TEMP": Field(
        "Shutdown temperature", "C", lambda rack, node: SHUTDOWN, 159),
    "DCGM_FI_DEV_SLOWDOWN_TEMP": Field(
        "Slowdown temperature", "C", lambda rack, node: SLOWDOWN, 158),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": Field("Energy", "mJ", _energy, 156, True),
    "DCGM_FI_PROF_NVLINK_RX_BYTES": Field(
        "Received over NVLink", "B/s", _rate("nvlink", False), 1012),
    "DCGM_FI_PROF_NVLINK_TX_BYTES": Field("Sent over NVLink", "B/s", _rate("nvlink", True), 1011),
    "DCGM_FI_PROF_PCIE_RX_BYTES": Field("Received over PCIe", "B/s", _rate("pcie", False), 1010),
    "DCGM_FI_PROF_PCIE_TX_BYTES": Field("Sent over PCIe", "B/s", _rate("pcie", True), 1009),
}
