"""Chakra messages in protobuf: nodes and metadata to bytes and back.

Fields by number, as et_def.proto of github.com/mlcommons/chakra has them; unknown ones are errors.
Inputs, outputs and start times are read and left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

from rackwright.traces.chakra import NODE_TYPES, Attribute, ExecutionNode
from rackwright.traces.chakra_wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    WireError,
    delimited,
    field,
    fields,
    put_bytes,
    put_varint,
    signed,
    unpacked,
    zigzag,
)

__all__ = ["NODE_FIELDS", "VALUE_TYPES", "finished", "messages_of", "nodes_in", "written"]

NODE_FIELDS = {1: "id", 2: "name", 3: "type", 4: "ctrl_deps", 5: "data_deps",
               6: "start_time_micros", 7: "duration_micros", 8: "inputs", 9: "outputs",
               10: "attr", 11: "storage"}
VALUE_TYPES = ("double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64",
               "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes")
"""Of attributes: fields 3, 5, 7, ...; lists of them are 4, 6, 8, ..."""
_FIXED = {"double": "<d", "float": "<f", "fixed32": "<I", "fixed64": "<Q", "sfixed32": "<i",
          "sfixed64": "<q"}



def nodes_in(file: IO[bytes]) -> tuple[tuple[ExecutionNode, ...], str]:
    """(nodes, version) of an open file. Raises WireError."""
    messages = delimited(file)
    _, head = next(messages, (0, b""))
    version = _metadata(head)
    return tuple(_node(data, position) for position, data in messages), version


def messages_of(nodes: Iterable[ExecutionNode], version: str) -> bytes:
    """The bytes of a file: metadata, then nodes."""
    parts = [put_bytes(field(1, version))]
    for node in nodes:
        data = field(1, node.id) + field(2, node.name) + field(3, NODE_TYPES.index(node.type))
        if node.after:
            data += field(5, b"".join(put_varint(one) for one in node.after))
        if node.duration_time:
            data += field(7, round(node.duration_time * 1e6))
        for key, value in written(node):
            data += field(10, field(1, key) + _value(value))
        parts.append(put_bytes(data))
    return b"".join(parts)


def written(node: ExecutionNode) -> Iterator[tuple[str, Attribute]]:
    """Attributes as files hold them: sorted, with the exact seconds where they need it."""
    yield from sorted(node.attributes.items())
    if node.duration_time != round(node.duration_time * 1e6) * 1e-6:
        yield "duration_s", float(node.duration_time)


_FIELD_OF: dict[type, int] = {bool: 27, int: 9, float: 3, str: 29, bytes: 31}


def _value(value: Attribute) -> bytes:
    """The field of an attribute's value; lists by the type of their first entry."""
    if not isinstance(value, tuple):
        return field(_FIELD_OF[type(value)], int(value) if isinstance(value, bool) else value)
    of = type(value[0]) if value else int
    if of in (str, bytes):
        body = b"".join(field(1, one) for one in value)
    elif of is float:
        body = field(1, b"".join(struct.pack("<d", one) for one in value))
    else:
        body = field(1, b"".join(put_varint(int(one)) for one in value))
    return field(_FIELD_OF[of] + 1, body)


def _metadata(data: bytes) -> str:
    version = ""
    for number, kind, value, at in fields(data):
        if number == 1 and isinstance(value, bytes):
            version = _text(value, at)
        elif number != 2 or kind != BYTES:
            raise WireError(f"field {number} in the metadata; known: 1 (version), 2 (attr)", at)
        else:
            _attribute(_bytes(value, at), at)
    return version


def _node(data: bytes, position: int) -> ExecutionNode:
    try:
        return _node_of(data)
    except WireError as problem:
        raise WireError(str(problem), position + problem.at) from None


def _node_of(data: bytes) -> ExecutionNode:
    number_of, name, code, after, micros = 0, "", 0, set[int](), 0
    attributes: dict[str, Attribute] = {}
    for number, kind, value, at in fields(data):
        if number not in NODE_FIELDS:
            raise WireError(f"field {number} of a node; known: 1 to 11", at)
        if number in (1, 3, 6, 7) and not isinstance(value, int):
            raise WireError(f"{NODE_FIELDS[number]} has wire type {kind}; expected 0", at)
        if number == 1:
            number_of = _int(value)
        elif number == 2:
            name = _text(value, at)
        elif number == 3:
            code = _int(value)
        elif number in (4, 5):
            after.update(unpacked(value, kind))
        elif number == 7:
            micros = _int(value)
        elif number == 10:
            key, one = _attribute(_bytes(value, at), at)
            if key in attributes:
                raise WireError(f"attribute {key!r} comes twice", at)
            attributes[key] = one
    if code >= len(NODE_TYPES):
        raise WireError(f"node {number_of} ({name}): type {code}; a replay knows 1 to "
                        f"{len(NODE_TYPES) - 1}: {', '.join(NODE_TYPES[1:])}", 0)
    return finished(number_of, name, NODE_TYPES[code], after, micros, attributes)


def finished(number: int, name: str, kind: str, after: set[int], micros: int,
              attributes: dict[str, Attribute]) -> ExecutionNode:
    """A node; the exact seconds, where there, instead of whole microseconds."""
    exact = attributes.pop("duration_s", None)
    seconds = exact if isinstance(exact, float) else micros * 1e-6
    return ExecutionNode(number, name, kind, tuple(sorted(after)), seconds, attributes)


def _attribute(data: bytes, base: int) -> tuple[str, Attribute]:
    name, found = "", None
    for number, kind, value, at in fields(data):
        if number == 1:
            name = _text(value, base + at)
        elif number == 2:
            _text(value, base + at)
        elif 3 <= number <= 32:
            if found is not None:
                raise WireError(f"attribute {name!r} has two values", base + at)
            of = VALUE_TYPES[(number - 3) // 2]
            found = _scalar(of, kind, value, base + at) if number % 2 else \
                _list(of, _bytes(value, base + at), base + at)
        else:
            raise WireError(f"field {number} of an attribute; known: 1 to 32", base + at)
    if not name or found is None:
        raise WireError(f"attribute {name!r} without a {'value' if name else 'name'}", base)
    return name, found


def _scalar(of: str, kind: int, value: Any, at: int) -> Attribute:
    if of in ("string", "bytes"):
        return _text(value, at) if of == "string" else _bytes(value, at)
    if of in _FIXED:
        expected = FIXED32 if of in ("float", "fixed32", "sfixed32") else FIXED64
        if kind != expected:
            raise WireError(f"a {of} of wire type {kind}; expected {expected}", at)
        one: Attribute = struct.unpack(_FIXED[of], value)[0]
        return one
    if kind != VARINT:
        raise WireError(f"a {of} of wire type {kind}; expected 0", at)
    return _number(of, value)


def _number(of: str, value: int) -> Attribute:
    if of == "bool":
        return value != 0
    if of.startswith("sint"):
        return zigzag(value)
    return signed(value) if of.startswith("int") else value


def _list(of: str, data: bytes, base: int) -> tuple[Attribute, ...]:
    found: list[Attribute] = []
    for number, kind, value, at in fields(data):
        if number != 1:
            raise WireError(f"field {number} of a list; known: 1", base + at)
        if of in ("string", "bytes"):
            found.append(_scalar(of, kind, value, base + at))
        elif of in _FIXED and isinstance(value, bytes):
            size = struct.calcsize(_FIXED[of])
            if len(value) % size:
                raise WireError(f"{len(value)} bytes of {of}; expected a multiple of {size}",
                                base + at)
            found += [one[0] for one in struct.iter_unpack(_FIXED[of], value)]
        else:
            found += [_number(of, one) for one in unpacked(value, kind)]
    return tuple(found)


def _int(value: Any) -> int:
    return int(value)


def _bytes(value: Any, at: int) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("a number where bytes are expected", at)
    return value


def _text(value: Any, at: int) -> str:
    try:
        return _bytes(value, at).decode()
    except UnicodeDecodeError:
        raise WireError("text that is not UTF-8", at) from None
