"""Devices: parts with their numbers, costs and power; the catalog gives them by name.

``from rackwright.devices import catalog; catalog.gpu("h100-sxm")``. A part is a frozen dataclass
made from a TOML file in which every number has a source. `CostTable1` and `CostTable2` carry a
part's costs into compiled kernels.
"""

from rackwright.devices.cost_table import (
    CostTable1,
    CostTable2,
    build_table1,
    build_table2,
    table1_ps,
    table2_ps,
)
from rackwright.devices.gpu.part import Gpu
from rackwright.devices.host.cpu import Cpu
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import Nvme
from rackwright.devices.host.server import Server
from rackwright.devices.link import Link
from rackwright.devices.link_part import LinkPart
from rackwright.devices.nic.part import Nic, SmartNic
from rackwright.devices.part import Part
from rackwright.devices.pcie.part import Pcie
from rackwright.devices.switch import PcieSwitch, Switch
from rackwright.devices.unknown import UnknownPart

__all__ = [
    "CostTable1",
    "CostTable2",
    "Cpu",
    "Gpu",
    "Link",
    "LinkPart",
    "Memory",
    "Nic",
    "Nvme",
    "Part",
    "Pcie",
    "PcieSwitch",
    "Server",
    "SmartNic",
    "Switch",
    "UnknownPart",
    "build_table1",
    "build_table2",
    "table1_ps",
    "table2_ps",
]
