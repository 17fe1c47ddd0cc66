"""What a server is made of besides GPUs and adapters, and the server itself."""

from rackwright.devices.host.cpu import Cpu
from rackwright.devices.host.cycle_part import CycleMemory, CycleNvme
from rackwright.devices.host.dram_queue import DramRun, DramState, dram_advance, run_dram
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import Nvme
from rackwright.devices.host.nvme_queue import NvmeRun, NvmeState, nvme_advance, run_nvme
from rackwright.devices.host.server import Server

__all__ = [
    "Cpu",
    "CycleMemory",
    "CycleNvme",
    "DramRun",
    "DramState",
    "Memory",
    "Nvme",
    "NvmeRun",
    "NvmeState",
    "Server",
    "dram_advance",
    "nvme_advance",
    "run_dram",
    "run_nvme",
]
