"""HiSLIP messages on the wire (IVI-6.1): a header of 16 bytes and a payload.

Numbers are those of IVI-6.1, revision 1.0 and, as far as needed, 2.0. Units: bytes.
"""

from __future__ import annotations

import asyncio
import struct
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Error", "Fatal", "Kind", "Message", "pack", "read_message"]

_HEADER = struct.Struct("!2sBBIQ")
MOST_PAYLOAD = 1 << 22  # bytes of one message that are kept; our own limit
MOST_SKIPPED = 1 << 26  # beyond that a connection is closed rather than read on


class Kind(IntEnum):
    """Types of messages."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAX_SIZE = 15
    ASYNC_MAX_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Fatal(Exception):
    """The connection must end. `code`: of a FatalError message."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class Error(IntEnum):
    """Codes of FatalError and Error messages."""

    BAD_HEADER = 1
    NO_CHANNELS = 2
    BAD_INITIALIZATION = 3
    TOO_MANY = 4
    UNKNOWN_TYPE = 1
    TOO_LARGE = 4


class Message(NamedTuple):
    """One message; `payload` is None when it was too large and has been skipped."""

    kind: int
    control: int
    parameter: int
    payload: bytes | None


def pack(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """A message as bytes."""
    return _HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message. Raises Fatal, and IncompleteReadError when the connection ends."""
    mark, kind, control, parameter, length = _HEADER.unpack(
        await reader.readexactly(_HEADER.size))
    if mark != b"HS":
        raise Fatal(Error.BAD_HEADER, "a message starts with HS")
    if length > MOST_SKIPPED:
        raise Fatal(Error.BAD_HEADER, f"{length} bytes are too many for a message")
    if length <= MOST_PAYLOAD:
        return Message(kind, control, parameter, await reader.readexactly(length))
    while length:
        length -= len(await reader.readexactly(min(length, 1 << 16)))
    return Message(kind, control, parameter, None)
