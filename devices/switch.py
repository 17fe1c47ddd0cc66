"""Switches: Ethernet, InfiniBand, NVSwitch, PCIe.

Models: the time from a head's arrival to its departure, ports, buffers, power; messages through
the switch and incast at one of its ports (closed forms; event models with ``fidelity="cycle"``).
Every switch is taken as non-blocking inside. Leaves out: routing between switches (topologies),
in-network reduction.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.arguments import Seconds, Sizes, sizes
from rackwright.devices.ethernet.closed import incast_time
from rackwright.devices.ethernet.framing import Framing
from rackwright.devices.ethernet.network import SwitchModel
from rackwright.devices.ethernet.path import Hop, message_time
from rackwright.devices.link_part import LinkPart
from rackwright.devices.nvlink.bundle import Bundle
from rackwright.devices.part import Part, quantity, text
from rackwright.devices.pcie.switch import PcieSwitch
from rackwright.errors import UsageError

__all__ = ["PcieSwitch", "Switch"]

_FORWARDING = ("cut-through", "store-and-forward")
_PROTOCOLS = {"ethernet": "rocev2", "infiniband": "infiniband"}


@dataclass(frozen=True, kw_only=True)
class Switch(Part):
    """An Ethernet or InfiniBand switch, an NVSwitch, or the NVSwitch plane of one host.

    `rate_bps` is that of one port, one direction; `latency_time` seconds through the switch;
    `buffer_nbytes` shared by its ports (None: not known, taken as unbounded); `forwarding`:
    "cut-through" or "store-and-forward". An NVSwitch says what its ports carry: `nvlink`, a link
    of the catalog, of which one port joins `port_links` (None: all of a GPU's).
    """

    medium: str = text()
    forwarding: str = text("cut-through")
    nvlink: str = text("")
    ports: int = quantity("count")
    rate_bps: float = quantity("rate", "port_rate")
    latency_time: float = quantity("time", "latency")
    buffer_nbytes: int | None = quantity("bytes", "buffer", required=False)
    port_links: int | None = quantity("count", required=False)
    power_watts: float | None = quantity("power", "power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    def transfer_time(self, nbytes: Sizes) -> Seconds:
        """Seconds for a message from port to port, cables of no length; nothing else going on.

        No bytes take no time. Raises `UsageError`.
        """
        if self.medium == "nvlink":
            return self.bundle().p2p_time("single", nbytes)
        return message_time(nbytes, [self.hop(), self.hop()], self.framing())

    def incast_time(self, senders: int, nbytes: Sizes) -> Seconds:
        """Seconds until `senders` ports have sent `nbytes` each to one other; nothing is lost.

        Raises `UsageError` for more senders than there are other ports.
        """
        if isinstance(senders, bool) or senders not in range(1, self.ports):
            raise UsageError(f"senders is {senders!r}; {self.name} has {self.ports} ports, so 1 to "
                             f"{self.ports - 1} can send to another")
        if self.medium == "nvlink":
            return self.bundle().p2p_time(f"incast{senders}", nbytes)
        sizes(nbytes=nbytes)
        return self._incast_time(senders, nbytes)

    def model(self) -> SwitchModel:
        """Its numbers for packet networks; queues, pauses and classes are the caller's.

        ``dataclasses.replace(part.model(), pfc=True, xoff_nbytes=100_000)``.
        """
        self.framing()
        unbounded = SwitchModel().buffer_nbytes
        return SwitchModel(self.latency_time, self.cuts_through,
                           unbounded if self.buffer_nbytes is None else self.buffer_nbytes)

    def hop(self, latency_time: float = 0.0) -> Hop:
        """The switch before a link of its ports' rate, for `message_time`."""
        return Hop(self.rate_bps, latency_time, self.latency_time, self.cuts_through)

    @property
    def cuts_through(self) -> bool:
        """True when heads leave before tails came. Raises `UsageError` for other words."""
        if self.forwarding not in _FORWARDING:
            raise UsageError(f"forwarding of {self.name} is {self.forwarding!r}; "
                             f"{' or '.join(_FORWARDING)} is allowed")
        return self.forwarding == _FORWARDING[0]

    def framing(self) -> Framing:
        """How its ports frame messages. Raises `UsageError` for media without frames."""
        if self.medium not in _PROTOCOLS:
            raise UsageError(f"{self.name} is a {self.medium} switch; frames are for "
                             f"{', '.join(sorted(_PROTOCOLS))}")
        return Framing(_PROTOCOLS[self.medium])

    def bundle(self) -> Bundle:
        """The NVLinks of one of its ports, wires of no length. Raises `UsageError`."""
        from rackwright.devices import catalog

        if not self.nvlink:
            raise UsageError(f"{self.name} names no NVLink; its part file needs nvlink = \"...\"")
        link = catalog.get(self.nvlink)
        assert isinstance(link, LinkPart)
        whole = link.bundle()
        return self._bundle_class()(
            self.port_links or whole.links, whole.link_bandwidth, whole.link_share,
            whole.response_flits, 0.0, self.latency_time)

    def _bundle_class(self) -> type[Bundle]:
        return Bundle

    def _incast_time(self, senders: int, nbytes: Sizes) -> Seconds:
        return incast_time(senders, nbytes, self.hop(), self.framing())
