"""The protobuf wire format, as much of it as execution traces need, strictly.

Varints, 64-bit and 32-bit values, and delimited bytes; messages in a file stand one after another,
each behind its length as a varint. Groups and field number 0 are errors, as is everything that
ends too early; a fault says at which byte it stands. Leaves out: descriptors, maps, extensions.

Source: the public encoding guide of Protocol Buffers (protobuf.dev, "Encoding"; recalled).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

__all__ = ["BYTES", "FIXED32", "FIXED64", "VARINT", "WireError", "delimited", "field", "fields",
           "put_bytes", "put_varint", "signed", "unpacked", "zigzag"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_MESSAGE = 64 << 20  # bytes: our bound on one node
Value = int | bytes


class WireError(ValueError):
    """What is wrong, in words; `at`: the byte within the message or the file."""

    def __init__(self, text: str, at: int) -> None:
        self.at = at
        super().__init__(text)


def delimited(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(position, bytes) of each message of a file. Raises WireError."""
    position = 0
    while (head := file.read(1)):
        length, shift, begin = 0, 0, position
        while True:
            position += 1
            length |= (head[0] & 0x7F) << shift
            if not head[0] & 0x80:
                break
            shift += 7
            if shift > 28:
                raise WireError("the length of a message takes more than 5 bytes", begin)
            head = file.read(1)
            if not head:
                raise WireError("the file ends within the length of a message", position)
        if length > LONGEST_MESSAGE:
            raise WireError(f"a message of {length} bytes; at most {LONGEST_MESSAGE} are read",
                            begin)
        data = file.read(length)
        if len(data) < length:
            raise WireError(f"the file ends {length - len(data)} bytes before its message does",
                            position + len(data))
        yield position, data
        position += length


def fields(data: bytes) -> Iterator[tuple[int, int, Value, int]]:
    """(number, wire type, value, position) of each field of a message. Raises WireError."""
    at = 0
    while at < len(data):
        begin = at
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"field number {number}; allowed: 1 to {(1 << 29) - 1}", begin)
        value: Value
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value, at = _take(data, at, size), at + size
        elif kind == BYTES:
            size, at = _varint(data, at)
            value, at = _take(data, at, size), at + size
        else:
            raise WireError(f"field {number} has wire type {kind}; allowed: 0, 1, 2, 5", begin)
        yield number, kind, value, begin


def unpacked(value: Value, kind: int) -> list[int]:
    """The numbers of a repeated field of varints, packed or not. Raises WireError."""
    if isinstance(value, int):
        return [value]
    if kind != BYTES:
        raise WireError(f"wire type {kind} for whole numbers; allowed: 0, 2", 0)
    found, at = [], 0
    while at < len(value):
        one, at = _varint(value, at)
        found.append(one)
    return found


def signed(value: int, bits: int = 64) -> int:
    """A varint of 64 bits as a signed number.

    >>> signed(2**64 - 1)
    -1
    """
    return value - (1 << bits) if value >> (bits - 1) else value


def zigzag(value: int) -> int:
    """A varint of the types sint32 and sint64.

    >>> [zigzag(code) for code in (0, 1, 2, 3)]
    [0, -1, 1, -2]
    """
    return (value >> 1) ^ -(value & 1)


def put_varint(value: int) -> bytes:
    """A whole number from 0 to 2**64 - 1, negative ones as two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def put_bytes(data: bytes) -> bytes:
    """Bytes behind their length."""
    return put_varint(len(data)) + data


def field(number: int, value: int | float | bytes | str) -> bytes:
    """A field: whole numbers as varints, floats as doubles, text and bytes delimited."""
    if isinstance(value, float):
        return put_varint(number << 3 | FIXED64) + struct.pack("<d", value)
    if isinstance(value, int):
        return put_varint(number << 3 | VARINT) + put_varint(value)
    data = value.encode() if isinstance(value, str) else value
    return put_varint(number << 3 | BYTES) + put_bytes(data)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found, shift, begin = 0, 0, at
    while True:
        if at >= len(data):
            raise WireError("the message ends within a number", at)
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
        shift += 7
        if shift > 63:
            raise WireError("a number takes more than 10 bytes", begin)
    if found >> 64:
        raise WireError("a number of more than 64 bits", begin)
    return found, at


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise WireError(f"a field of {size} bytes where {len(data) - at} are left", at)
    return data[at:at + size]
