"""NVLink packets in flits: what a payload costs on the wire.

A packet is one header flit, then its payload in flits of 16 bytes; a payload that does not fill
its last flit adds one byte-enable flit. Payloads go up to 256 bytes, as copy engines send them;
the SMs' stores fill packets of 128 at most.

Left out: address-extension flits (sent when the upper address bits change: once in a while in a
stream), read requests, atomics, replays. Units: bytes and flits.

Sources: flit of 128 bits: NVIDIA Apex, comment in its peer-memory kernels. Header of 16 bytes a
packet: Nsight counts on an H100, NVIDIA/nccl issue 1397 (request protocol data 1/8 of user data in
packets of 128 bytes), and NVIDIA/nccl-tests issue 258. Payloads of 128 and 256 bytes:
NVIDIA/nccl-tests issue 149. The byte-enable and address-extension flits and the order of fields
are recalled from descriptions of NVLink 1, not checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.errors import UsageError

__all__ = ["COPY_ENGINE", "FLIT_NBYTES", "PacketFormat"]

FLIT_NBYTES = 16  # see the module's sources
_MOST_PAYLOAD = 256


@dataclass(frozen=True)
class PacketFormat:
    """Packets of at most `payload_nbytes` bytes of payload behind one header flit.

    `payload_nbytes` is a multiple of 16 from 16 to 256; anything else is a `UsageError`.
    """

    payload_nbytes: int = _MOST_PAYLOAD

    def __post_init__(self) -> None:
        size = self.payload_nbytes
        if isinstance(size, bool) or size not in range(FLIT_NBYTES, _MOST_PAYLOAD + 1, FLIT_NBYTES):
            raise UsageError(f"payload_nbytes of an NVLink packet is {size!r}; multiples of "
                             f"{FLIT_NBYTES} from {FLIT_NBYTES} to {_MOST_PAYLOAD} are allowed")

    @property
    def packet_flits(self) -> int:
        """Flits of a full packet."""
        return 1 + self.payload_nbytes // FLIT_NBYTES

    @property
    def efficiency(self) -> float:
        """Payload's share of a full packet."""
        return (self.packet_flits - 1) / self.packet_flits

    def packets(self, nbytes: Floats) -> Floats:
        """Packets of a message."""
        return np.ceil(nbytes / self.payload_nbytes)

    def last_flits(self, nbytes: Floats) -> Floats:
        """Flits of a message's last packet; 0 when it has none."""
        rest = nbytes - (self.packets(nbytes) - 1) * self.payload_nbytes
        data = np.ceil(rest / FLIT_NBYTES)
        return np.where(nbytes > 0, 1 + data + (data * FLIT_NBYTES > rest), 0.0)

    def busiest(self, nbytes: Floats, links: int) -> tuple[Floats, Floats]:
        """(packets, flits of the last one) on the busiest of `links` that share a message.

        Packets go round the links; the first link has the most, and the message's last packet
        only if the rounds are even.
        """
        packets = self.packets(nbytes)
        rounds = np.ceil(packets / links)
        has_last = (packets - 1) % links == 0
        return rounds, np.where(has_last, self.last_flits(nbytes),
                                np.where(packets > 0, float(self.packet_flits), 0.0))


COPY_ENGINE = PacketFormat()
