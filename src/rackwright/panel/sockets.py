"""Raw TCP sockets: one port an instrument, messages and answers end with a newline.

There is no end-of-message but the newline, no serial poll (`*STB?` instead) and no device clear:
closing the connection does that. An answer to a message that had none is nothing at all.
"""

from __future__ import annotations

import asyncio

from rackwright.panel.exchange import Exchange
from rackwright.panel.framing import Framer

__all__ = ["serve_socket"]

_CHUNK = 1 << 16


async def serve_socket(exchange: Exchange, reader: asyncio.StreamReader,
                       writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it ends."""
    framer = Framer()
    while data := await reader.read(_CHUNK):
        for message in framer.feed(data):
            answer = await exchange.answer(message, reader.at_eof)
            if answer:
                exchange.interpreter.reading = False
                writer.write(answer + b"\n")
                await writer.drain()
            await asyncio.sleep(0)  # others have their turn between two messages of one chunk
