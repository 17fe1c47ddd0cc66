"""Network adapters, plain and smart."""

from rackwright.devices.nic.part import Nic, SmartNic

__all__ = ["Nic", "SmartNic"]
