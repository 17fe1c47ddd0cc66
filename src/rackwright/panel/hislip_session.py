"""One HiSLIP session: what its two channels share, and what it owes its client.

An answer counts as unread until the client says, in the control code of its next message or status
query, that it has been delivered. A message that comes before that interrupts it, as IEEE 488.2 and
IVI-6.1 have it: the client is told on both channels, and the error queue has -410.

PyVISA-py to 0.8.1 (vendor id ``xx``) takes whatever comes on the asynchronous channel for the
answer to its next status query: it is sent neither service requests nor AsyncInterrupted there.
"""

from __future__ import annotations

import asyncio
import struct

from rackwright.panel.exchange import Exchange
from rackwright.panel.framing import Framer
from rackwright.panel.hislip_wire import MOST_PAYLOAD, Kind, pack
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.status import MSS

__all__ = ["Session"]

_DEAF = int.from_bytes(b"xx", "big")
DELIVERED = 1  # bit of the control code


class Session:
    """Both channels of one client."""

    def __init__(self, exchange: Exchange, writer: asyncio.StreamWriter, vendor: int) -> None:
        self.exchange, self.sync, self.hears = exchange, writer, vendor != _DEAF
        self.control: asyncio.StreamWriter | None = None
        self.framer = Framer()
        self.most_payload = MOST_PAYLOAD
        self.clearing = False
        self.unread = False
        self._requesting = False
        exchange.panel.rack.listeners.append(self.look)

    def look(self) -> None:
        """Ask for service when the master summary has risen."""
        stb = self.exchange.interpreter.status_byte()
        raised = bool(stb & MSS)
        if raised and not self._requesting and self.hears and self.control is not None:
            self.control.write(pack(Kind.ASYNC_SERVICE_REQUEST, stb))
        self._requesting = raised

    def delivered(self, control: int) -> None:
        """What the control code of a message says about the last answer."""
        if control & DELIVERED:
            self.unread = self.exchange.interpreter.reading = False

    def overtake(self, message_id: int) -> None:
        """A message has come: an answer that is still unread is lost."""
        if not self.unread:
            return
        self.unread = False
        self.exchange.interpreter.fail(ScpiError(-410))
        if self.hears and self.control is not None:
            self.control.write(pack(Kind.ASYNC_INTERRUPTED, 0, message_id))
        self.sync.write(pack(Kind.INTERRUPTED, 0, message_id))

    def respond(self, response: bytes, message_id: int) -> None:
        """Send an answer, in pieces that the client takes."""
        self.unread = self.exchange.interpreter.reading = True
        size = self.most_payload
        for start in range(0, len(response), size):
            last = start + size >= len(response)
            self.sync.write(pack(Kind.DATA_END if last else Kind.DATA, 0, message_id,
                                 response[start:start + size]))

    def clear(self) -> None:
        """The end of a device clear. Of overlapped and synchronized mode, the latter is granted,
        whatever the client asks for."""
        self.clearing = self.unread = False
        self.framer.clear()
        self.exchange.interpreter.clear_device()
        self.sync.write(pack(Kind.DEVICE_CLEAR_ACKNOWLEDGE))

    def sized(self, payload: bytes) -> bytes:
        """What the client takes, header not counted; our own limit in return."""
        if len(payload) == 8:
            self.most_payload = max(256, min(struct.unpack("!Q", payload)[0] - 16, MOST_PAYLOAD))
        return pack(Kind.ASYNC_MAX_SIZE_RESPONSE, 0, 0, struct.pack("!Q", MOST_PAYLOAD))

    def close(self) -> None:
        self.exchange.panel.rack.listeners.remove(self.look)
        self.exchange.close()
        if self.control is not None:  # the other one is closed by whoever accepted it
            self.control.close()
