"""HiSLIP (IVI-6.1): all instruments behind one port, told apart by sub-address.

Each session has two connections: messages on the synchronous one, status queries, device clear,
locks and service requests on the asynchronous one (none for PyVISA-py to 0.8.1, told by its vendor
id: it takes them for the answer to its next status query). Synchronized mode only. Left out:
overlapped mode, the Interrupted messages (a client drops answers whose message id is not its last
one), TLS and authentication, remote/local (accepted, without effect).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from rackwright.panel.exchange import Exchange
from rackwright.panel.framing import Framer
from rackwright.panel.hislip_wire import (
    MOST_PAYLOAD,
    Error,
    Fatal,
    Kind,
    Message,
    pack,
    read_message,
)
from rackwright.panel.scpi.status import MSS

__all__ = ["Hislip"]

_VERSION = 0x0100          # 1.0
_VENDOR = int.from_bytes(b"RW", "big")
_HANDSHAKE = 10.0          # s for the first message; our own limit
_LOCK_PAUSE = 0.005
_DEAF = int.from_bytes(b"xx", "big")  # PyVISA-py to 0.8.1: fails on a service request


class _Session:
    """Both channels of one client."""

    def __init__(self, exchange: Exchange, writer: asyncio.StreamWriter, vendor: int) -> None:
        self.exchange, self.sync, self.hears = exchange, writer, vendor != _DEAF
        self.control: asyncio.StreamWriter | None = None
        self.framer = Framer()
        self.most_payload = MOST_PAYLOAD
        self.clearing = False
        self.requesting = False
        exchange.panel.rack.listeners.append(self.look)

    def look(self) -> None:
        """Ask for service when the master summary has risen."""
        raised = bool(self.exchange.interpreter.status_byte() & MSS)
        if raised and not self.requesting and self.hears and self.control is not None:
            stb = self.exchange.interpreter.status_byte()
            self.control.write(pack(Kind.ASYNC_SERVICE_REQUEST, stb))
        self.requesting = raised

    def close(self) -> None:
        self.exchange.panel.rack.listeners.remove(self.look)
        self.exchange.close()
        if self.control is not None:  # the other one is closed by whoever accepted it
            self.control.close()


class Hislip:
    """The protocol, for a server that accepts connections. `open` makes an exchange by name."""

    def __init__(self, open_exchange: Callable[[str], Exchange]) -> None:
        self._open = open_exchange
        self._sessions: dict[int, _Session] = {}
        self._latest = 0

    def look(self) -> None:
        """Now and then: replays end without telling anybody."""
        for session in list(self._sessions.values()):
            if session.exchange.interpreter.status.service_enable:
                session.look()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, of either kind, until it ends."""
        try:
            first = await asyncio.wait_for(read_message(reader), _HANDSHAKE)
            if first.kind == Kind.INITIALIZE:
                await self._synchronous(first, reader, writer)
            elif first.kind == Kind.ASYNC_INITIALIZE:
                await self._asynchronous(first, reader, writer)
            else:
                raise Fatal(Error.BAD_INITIALIZATION, "Initialize comes first")
        except TimeoutError:
            pass
        except Fatal as problem:
            writer.write(pack(Kind.FATAL_ERROR, problem.code, 0, str(problem).encode()))

    # ---- the synchronous channel

    async def _synchronous(self, first: Message, reader: asyncio.StreamReader,
                           writer: asyncio.StreamWriter) -> None:
        name = (first.payload or b"").decode("latin-1")
        name = name.removeprefix("hislip_")
        try:
            exchange = self._open("rack" if name in ("", "hislip0") else name)
        except Exception as problem:
            raise Fatal(Error.BAD_INITIALIZATION, str(problem)) from None
        self._latest = self._latest % 0xFFFF + 1
        while self._latest in self._sessions:
            self._latest = self._latest % 0xFFFF + 1
        number, session = self._latest, _Session(exchange, writer, first.parameter & 0xFFFF)
        self._sessions[number] = session
        try:
            writer.write(pack(Kind.INITIALIZE_RESPONSE, 0, _VERSION << 16 | number))
            while True:
                await self._one(session, await read_message(reader), reader)
        finally:
            del self._sessions[number]
            session.close()

    async def _one(self, session: _Session, message: Message, reader: asyncio.StreamReader
                   ) -> None:
        """One message on the synchronous channel."""
        if session.control is None:
            raise Fatal(Error.NO_CHANNELS, "AsyncInitialize comes before messages")
        if message.kind == Kind.DEVICE_CLEAR_COMPLETE:
            self._cleared(session)
        elif session.clearing:
            return
        elif message.payload is None:
            session.sync.write(pack(Kind.ERROR, Error.TOO_LARGE, 0, b"Message too large"))
            session.framer.clear()
            await session.exchange.answer(None, reader.at_eof)
        elif message.kind in (Kind.DATA, Kind.DATA_END):
            await self._data(session, message, reader)
        elif message.kind == Kind.TRIGGER:
            await self._run(session, [b"*TRG"], message.parameter, reader)
        else:
            session.sync.write(pack(Kind.ERROR, Error.UNKNOWN_TYPE, 0,
                                    b"Unrecognized Message Type"))
        await session.sync.drain()

    async def _data(self, session: _Session, message: Message, reader: asyncio.StreamReader
                    ) -> None:
        assert message.payload is not None
        found = session.framer.feed(message.payload, message.kind == Kind.DATA_END)
        await self._run(session, found, message.parameter, reader)

    async def _run(self, session: _Session, messages: list[bytes | None], message_id: int,
                   reader: asyncio.StreamReader) -> None:
        """Carry out messages; their answers, a line each, are one response."""
        answers = []
        for message in messages:
            answers.append(await session.exchange.answer(
                message, lambda: session.clearing or reader.at_eof()))
        response = b"".join(answer + b"\n" for answer in answers if answer)
        if response and not session.clearing:
            session.exchange.interpreter.reading = True
            self._send(session, response, message_id)
        session.look()

    def _send(self, session: _Session, response: bytes, message_id: int) -> None:
        """The response in pieces that the client takes."""
        size = session.most_payload
        for start in range(0, len(response), size):
            last = start + size >= len(response)
            session.sync.write(pack(Kind.DATA_END if last else Kind.DATA, 0, message_id,
                                    response[start:start + size]))

    def _cleared(self, session: _Session) -> None:
        session.clearing = False
        session.framer.clear()
        session.exchange.interpreter.clear_device()
        session.sync.write(pack(Kind.DEVICE_CLEAR_ACKNOWLEDGE))

    # ---- the asynchronous channel

    async def _asynchronous(self, first: Message, reader: asyncio.StreamReader,
                            writer: asyncio.StreamWriter) -> None:
        session = self._sessions.get(first.parameter)
        if session is None or session.control is not None:
            raise Fatal(Error.BAD_INITIALIZATION, "no such session, or it has its channel")
        session.control = writer
        writer.write(pack(Kind.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR))
        try:
            while True:
                await self._command(session, await read_message(reader), reader)
                await writer.drain()
        finally:
            session.sync.close()  # a session without its second channel is over

    async def _command(self, session: _Session, message: Message, reader: asyncio.StreamReader
                       ) -> None:
        """One message on the asynchronous channel."""
        assert session.control is not None
        interpreter = session.exchange.interpreter
        if message.kind == Kind.ASYNC_STATUS:
            if message.control & 1:  # the client says that it has read the last answer
                interpreter.reading = False
            reply = pack(Kind.ASYNC_STATUS_RESPONSE, interpreter.status_byte())
        elif message.kind == Kind.ASYNC_MAX_SIZE:
            reply = self._sized(session, message.payload or b"")
        elif message.kind == Kind.ASYNC_DEVICE_CLEAR:
            session.clearing = True
            reply = pack(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
        elif message.kind == Kind.ASYNC_LOCK:
            reply = pack(Kind.ASYNC_LOCK_RESPONSE, await self._lock(session, message, reader))
        elif message.kind == Kind.ASYNC_LOCK_INFO:
            locks = session.exchange.locks
            reply = pack(Kind.ASYNC_LOCK_INFO_RESPONSE, int(locks.exclusive is not None),
                         len(locks.sharing) + int(locks.exclusive is not None))
        elif message.kind == Kind.ASYNC_REMOTE_LOCAL:
            reply = pack(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)
        else:
            reply = pack(Kind.ERROR, Error.UNKNOWN_TYPE, 0, b"Unrecognized Message Type")
        session.control.write(reply)

    def _sized(self, session: _Session, payload: bytes) -> bytes:
        """What the client takes, header not counted; our own limit in return."""
        if len(payload) == 8:
            session.most_payload = max(256, min(struct.unpack("!Q", payload)[0] - 16,
                                                MOST_PAYLOAD))
        return pack(Kind.ASYNC_MAX_SIZE_RESPONSE, 0, 0, struct.pack("!Q", MOST_PAYLOAD))

    async def _lock(self, session: _Session, message: Message, reader: asyncio.StreamReader
                    ) -> int:
        """The control code of the answer: 0 not in time, 1 exclusive, 2 shared, 3 error."""
        exchange = session.exchange
        if not message.control & 1:
            return {"exclusive": 1, "shared": 2, "": 3}[exchange.locks.release(exchange)]
        key = (message.payload or b"").decode("latin-1")
        deadline = asyncio.get_running_loop().time() + message.parameter / 1000
        while not exchange.locks.take(exchange, key):
            if reader.at_eof() or asyncio.get_running_loop().time() >= deadline:
                return 0
            await asyncio.sleep(_LOCK_PAUSE)
        return 1
