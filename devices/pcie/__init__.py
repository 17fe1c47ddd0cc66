"""PCI Express, generations 1 to 6: parts, closed forms, an event model of TLPs, DMA, sharing."""

from rackwright.devices.pcie.cycle_net import PcieNetwork, PcieRun
from rackwright.devices.pcie.dma import Dma, dma_time
from rackwright.devices.pcie.part import Pcie, PcieFit
from rackwright.devices.pcie.path import PciePath
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.sharing import PcieFlow, PcieTree
from rackwright.devices.pcie.simulate import path_network, simulated_time
from rackwright.devices.pcie.switch import PcieSwitch

__all__ = [
    "Dma",
    "Pcie",
    "PcieFit",
    "PcieFlow",
    "PcieNetwork",
    "PciePath",
    "PcieRun",
    "PcieSetup",
    "PcieSwitch",
    "PcieTree",
    "dma_time",
    "path_network",
    "simulated_time",
]
