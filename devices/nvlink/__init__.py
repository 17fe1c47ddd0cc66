"""NVLink: packets in flits, a GPU's links in closed form and flit by flit, software around them."""

from rackwright.devices.nvlink.bundle import Bundle
from rackwright.devices.nvlink.cycle import CycleBundle
from rackwright.devices.nvlink.format import FLIT_NBYTES, PacketFormat
from rackwright.devices.nvlink.launch import PYTORCH_COPIES, LaunchCost
from rackwright.devices.nvlink.patterns import pairs_of

__all__ = [
    "FLIT_NBYTES",
    "PYTORCH_COPIES",
    "Bundle",
    "CycleBundle",
    "LaunchCost",
    "PacketFormat",
    "pairs_of",
]
