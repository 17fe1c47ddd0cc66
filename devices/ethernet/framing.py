"""Frames: what a message costs on an Ethernet or InfiniBand wire.

A message is cut into payloads as large as the MTU allows; each gets its headers, is padded to the
shortest frame, and takes preamble and gap on the wire. RoCEv2 and InfiniBand are RDMA writes: the
first packet carries the RETH, payloads are padded to 4 bytes, the MTU is the path MTU (256 to 4096
bytes of payload). For UDP and TCP it is the IP MTU.

Left out: acknowledgements and their frames, TCP's slow start and retransmission, IP options,
fragmentation, VXLAN and other tunnels, line coding and FEC (the rates are those of the MAC).

Sources: IEEE 802.3 (preamble 7 + start delimiter 1, gap 12, header 14, FCS 4, shortest frame 64)
and 802.1Q (tag 4), RFC 791 (IPv4 20), RFC 8200 (IPv6 40), RFC 768 (UDP 8), RFC 9293 and 7323 (TCP
20, time stamps 12), InfiniBand Architecture Specification vol. 1 (LRH 8, BTH 12, RETH 16, ICRC 4,
VCRC 2; RoCEv2 in annex A17): recalled, the InfiniBand sizes checked against public descriptions.
Units: bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.errors import UnknownName, UsageError

__all__ = ["PROTOCOLS", "ROCE", "Framing"]

PREAMBLE, GAP, MAC_HEADER, VLAN_TAG, FCS, SHORTEST = 8, 12, 14, 4, 4, 64
IP_HEADER = {4: 20, 6: 40}
UDP, TCP, TCP_STAMPS = 8, 20, 12
LRH, BTH, RETH, ICRC, VCRC = 8, 12, 16, 4, 2
PROTOCOLS = ("ethernet", "udp", "tcp", "rocev2", "infiniband")
_RDMA = ("rocev2", "infiniband")
_PATH_MTUS = (256, 512, 1024, 2048, 4096)  # InfiniBand Architecture Specification vol. 1
_IP_MTU = (576, 9216)  # RFC 791's datagram for every host; jumbo frames of switches (recalled)


@dataclass(frozen=True)
class Framing:
    """How messages become frames.

    `protocol`: one of `PROTOCOLS`; `mtu` bytes (None: 4096 for RDMA, else 1500); `ip` 4 or 6;
    `vlan`: an 802.1Q tag; `stamps`: TCP time stamps. Raises `UnknownName`, `UsageError`.
    """

    protocol: str = "rocev2"
    mtu: int | None = None
    ip: int = 4
    vlan: bool = False
    stamps: bool = True

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UnknownName("protocol", self.protocol, PROTOCOLS)
        if self.ip not in IP_HEADER:
            raise UsageError(f"ip is {self.ip!r}; 4 or 6 is allowed")
        if self.protocol in _RDMA and self.unit not in _PATH_MTUS:
            raise UsageError(f"mtu of {self.protocol} is {self.mtu!r}; a path MTU of "
                             f"{', '.join(map(str, _PATH_MTUS))} bytes is allowed")
        least, most = _IP_MTU
        if self.protocol not in _RDMA and (
                isinstance(self.unit, bool) or self.unit not in range(least, most + 1)):
            raise UsageError(f"mtu of {self.protocol} is {self.mtu!r}; {least} to {most} bytes are "
                             "allowed")

    @property
    def unit(self) -> int:
        """The MTU in use."""
        return self.mtu if self.mtu is not None else 4096 if self.protocol in _RDMA else 1500

    @property
    def payload_nbytes(self) -> int:
        """Most bytes of a message in one frame."""
        ip = IP_HEADER[self.ip]
        inner = {"udp": ip + UDP, "tcp": ip + TCP + TCP_STAMPS * self.stamps}
        return self.unit - inner.get(self.protocol, 0)

    @property
    def header_nbytes(self) -> int:
        """Bytes around each payload within the frame, FCS or VCRC included; not the RETH."""
        if self.protocol == "infiniband":
            return LRH + BTH + ICRC + VCRC
        mac = MAC_HEADER + VLAN_TAG * self.vlan + FCS
        if self.protocol == "rocev2":
            return mac + IP_HEADER[self.ip] + UDP + BTH + ICRC
        return mac + self.unit - self.payload_nbytes

    @property
    def spacing_nbytes(self) -> int:
        """Preamble and gap around a frame; InfiniBand's delimiters are left out."""
        return 0 if self.protocol == "infiniband" else PREAMBLE + GAP

    @property
    def first_extra_nbytes(self) -> int:
        """Bytes that only a message's first frame carries."""
        return RETH if self.protocol in _RDMA else 0

    @property
    def efficiency(self) -> float:
        """Payload over wire bytes in a long message."""
        return self.payload_nbytes / float(self.full_nbytes)

    @property
    def full_nbytes(self) -> int:
        """Wire bytes of a full frame, preamble and gap included."""
        return self.payload_nbytes + self.header_nbytes + self.spacing_nbytes

    def frames(self, nbytes: Floats) -> Floats:
        """Frames of a message; an empty message sends none."""
        count: Floats = np.ceil(np.asarray(nbytes) / self.payload_nbytes)
        return count

    def ends(self, nbytes: Floats) -> tuple[Floats, Floats]:
        """Wire bytes of a message's (first, last) frame; the same when it has one, 0 for none."""
        count = self.frames(nbytes)
        rest = np.asarray(nbytes) - (count - 1) * self.payload_nbytes
        first = np.where(count > 1, float(self.full_nbytes + self.first_extra_nbytes),
                         self._wire(rest, self.first_extra_nbytes))
        last = np.where(count > 1, self._wire(rest, 0), first)
        return np.where(count > 0, first, 0.0), np.where(count > 0, last, 0.0)

    def wire_nbytes(self, nbytes: Floats) -> Floats:
        """Wire bytes of all frames of a message."""
        first, last = self.ends(nbytes)
        middle = np.maximum(self.frames(nbytes) - 2, 0) * self.full_nbytes
        whole: Floats = first + middle + np.where(self.frames(nbytes) > 1, last, 0.0)
        return whole

    def goodput(self, rate_bps: float) -> float:
        """Payload bytes/s of long messages at a MAC rate."""
        return rate_bps / 8 * self.efficiency

    def _wire(self, payload: Floats, extra: int) -> Floats:
        padded: Floats = np.ceil(payload / 4) * 4 if self.protocol in _RDMA else payload
        frame: Floats = padded + float(self.header_nbytes + extra)
        if self.protocol != "infiniband":
            frame = np.maximum(frame, float(SHORTEST + VLAN_TAG * self.vlan))
        return frame + self.spacing_nbytes


ROCE = Framing()
