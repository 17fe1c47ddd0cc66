"""NVLinks and NVSwitches under `fidelity="cycle"`: times from the flit model."""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.link_part import LinkPart
from rackwright.devices.nvlink.bundle import Bundle
from rackwright.devices.nvlink.cycle import CycleBundle
from rackwright.devices.switch import Switch

__all__ = ["CycleNvSwitch", "CycleNvlink"]


@dataclass(frozen=True, kw_only=True)
class CycleNvlink(LinkPart):
    """A bundle whose `transfer_time` and `p2p_time` run flit by flit."""

    def _bundle_class(self) -> type[Bundle]:
        return CycleBundle


@dataclass(frozen=True, kw_only=True)
class CycleNvSwitch(Switch):
    """An NVSwitch whose `transfer_time` and `incast_time` run flit by flit."""

    def _bundle_class(self) -> type[Bundle]:
        return CycleBundle
