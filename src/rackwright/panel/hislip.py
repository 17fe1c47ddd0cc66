"""HiSLIP (IVI-6.1): all instruments behind one port, told apart by sub-address.

Each session (`hislip_session`) has two connections: messages on the synchronous one, status
queries, device clear, locks and service requests on the asynchronous one. The mode is synchronized:
the server prefers it, and grants no other after a device clear. Left out: overlapped mode, TLS and
authentication, remote/local (accepted, without effect).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rackwright.panel.exchange import Exchange
from rackwright.panel.hislip_session import Session
from rackwright.panel.hislip_wire import (
    Error,
    Fatal,
    Kind,
    Message,
    pack,
    read_message,
)

__all__ = ["Hislip"]

_VERSION = 0x0100          # 1.0
_VENDOR = int.from_bytes(b"RW", "big")
_HANDSHAKE = 10.0          # s for the first message; our own limit
_LOCK_PAUSE = 0.005


class Hislip:
    """The protocol, for a server that accepts connections. `open` makes an exchange by name."""

    def __init__(self, open_exchange: Callable[[str], Exchange]) -> None:
        self._open = open_exchange
        self._sessions: dict[int, Session] = {}
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
        number, session = self._latest, Session(exchange, writer, first.parameter & 0xFFFF)
        self._sessions[number] = session
        try:
            writer.write(pack(Kind.INITIALIZE_RESPONSE, 0, _VERSION << 16 | number))
            while True:
                await self._one(session, await read_message(reader), reader)
        finally:
            del self._sessions[number]
            session.close()

    async def _one(self, session: Session, message: Message, reader: asyncio.StreamReader
                   ) -> None:
        """One message on the synchronous channel."""
        if session.control is None:
            raise Fatal(Error.NO_CHANNELS, "AsyncInitialize comes before messages")
        if message.kind == Kind.DEVICE_CLEAR_COMPLETE:
            session.clear()
        elif session.clearing:
            return
        elif message.payload is None:
            session.sync.write(pack(Kind.ERROR, Error.TOO_LARGE, 0, b"Message too large"))
            session.framer.clear()
            await session.exchange.answer(None, reader.at_eof)
        elif message.kind in (Kind.DATA, Kind.DATA_END):
            await self._data(session, message, reader)
        elif message.kind == Kind.TRIGGER:
            await self._run(session, [b"*TRG"], message, reader)
        else:
            session.sync.write(pack(Kind.ERROR, Error.UNKNOWN_TYPE, 0,
                                    b"Unrecognized Message Type"))
        await session.sync.drain()

    async def _data(self, session: Session, message: Message, reader: asyncio.StreamReader
                    ) -> None:
        assert message.payload is not None
        found = session.framer.feed(message.payload, message.kind == Kind.DATA_END)
        await self._run(session, found, message, reader)

    async def _run(self, session: Session, messages: list[bytes | None], message: Message,
                   reader: asyncio.StreamReader) -> None:
        """Carry out messages; their answers, a line each, are one response."""
        session.delivered(message.control)
        session.overtake(message.parameter)
        answers = []
        for each in messages:
            answers.append(await session.exchange.answer(
                each, lambda: session.clearing or reader.at_eof()))
        response = b"".join(answer + b"\n" for answer in answers if answer)
        if response and not session.clearing:
            session.respond(response, message.parameter)
        session.look()

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

    async def _command(self, session: Session, message: Message, reader: asyncio.StreamReader
                       ) -> None:
        """One message on the asynchronous channel."""
        assert session.control is not None
        interpreter = session.exchange.interpreter
        if message.kind == Kind.ASYNC_STATUS:
            session.delivered(message.control)
            reply = pack(Kind.ASYNC_STATUS_RESPONSE, interpreter.status_byte())
        elif message.kind == Kind.ASYNC_MAX_SIZE:
            reply = session.sized(message.payload or b"")
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

    async def _lock(self, session: Session, message: Message, reader: asyncio.StreamReader
                    ) -> int:
        """The control code of the answer: 0 not in time, 1 exclusive, 2 shared, 3 error."""
        exchange = session.exchange
        if not message.control & 1:
            return {"exclusive": 1, "shared": 2, "": 3}[exchange.locks.release(exchange)]
        key = (message.payload or b"").decode("latin-1")
        if exchange in exchange.locks.sharing if key else exchange.locks.exclusive is exchange:
            return 3  # it has it
        deadline = asyncio.get_running_loop().time() + message.parameter / 1000
        while not exchange.locks.take(exchange, key):
            if reader.at_eof() or asyncio.get_running_loop().time() >= deadline:
                return 0
            await asyncio.sleep(_LOCK_PAUSE)
        return 1
