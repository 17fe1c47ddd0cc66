"""Ethernet (and InfiniBand) frames, paths in closed form, small packet networks event by event."""

from rackwright.devices.ethernet.closed import (
    headroom_nbytes,
    incast_time,
    md1_wait_time,
    pause_time,
)
from rackwright.devices.ethernet.framing import Framing
from rackwright.devices.ethernet.network import PacketNetwork, SwitchModel, star, two_tier
from rackwright.devices.ethernet.path import Hop, message_time
from rackwright.devices.ethernet.simulate import Delivery, Transfer, simulate

__all__ = [
    "Delivery",
    "Framing",
    "Hop",
    "PacketNetwork",
    "SwitchModel",
    "Transfer",
    "headroom_nbytes",
    "incast_time",
    "md1_wait_time",
    "message_time",
    "pause_time",
    "simulate",
    "star",
    "two_tier",
]
