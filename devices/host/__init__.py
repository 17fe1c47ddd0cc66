"""What a server is made of besides GPUs and adapters: processors, memory, drives."""

from rackwright.devices.host.cpu import Cpu
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import Nvme

__all__ = ["Cpu", "Memory", "Nvme"]
