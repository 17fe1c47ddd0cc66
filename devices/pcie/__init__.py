"""PCI Express: the part and its models."""

from rackwright.devices.pcie.part import Pcie, PcieFit

__all__ = ["Pcie", "PcieFit"]
