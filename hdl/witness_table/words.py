"""The words of the witness table's two AXI-Stream interfaces, and what its golden answers.

One 64-bit head, then key hash, client id and RPC id, from bit 0 up, alike in both directions::

    request   op 7:0,                 way 23:16 (of read), tag 63:32
    response  status 7:0, stale 8,    way 23:16,           tag 63:32 (the request's)

`read` has its set in the low bits of the key hash. Hashes and ids are unsigned here.
"""

from __future__ import annotations

from typing import NamedTuple

from rackwright.hdl.witness_table.golden import (
    INVALID,
    WAY_SHIFT,
    Witness,
    named_entry,
    signed,
    unsigned,
    witness_freeze,
    witness_gc,
    witness_gc_round,
    witness_probe,
    witness_read,
    witness_record,
    witness_start,
)

__all__ = [
    "FREEZE", "GC", "OPERATIONS", "PROBE", "READ", "RECORD", "START", "Request", "Widths", "answer",
]

RECORD, GC, PROBE, READ, FREEZE, START = 1, 2, 3, 4, 5, 6
OPERATIONS = {RECORD: "record", GC: "gc", PROBE: "probe", READ: "read", FREEZE: "freeze",
              START: "start"}


class Request(NamedTuple):
    """One request; `last` ends a gc round and is passed through otherwise."""

    op: int
    key_hash: int = 0
    client_id: int = 0
    rpc_id: int = 0
    way: int = 0
    last: bool = True


class Widths(NamedTuple):
    """Bits of the three wide fields."""

    key: int = 64
    client: int = 64
    rpc: int = 64

    def pack(self, low: int, tag: int, fields: tuple[int, int, int]) -> int:
        """A word from the head's low half, the tag and the three fields."""
        word, shift = low | tag << 32, 64
        for value, width in zip(fields, self, strict=True):
            word |= (unsigned(value) & ((1 << width) - 1)) << shift
            shift += width
        return word

    def request(self, request: Request, tag: int) -> int:
        """The word of a request.

        >>> hex(Widths(8, 8, 8).request(Request(RECORD, 0xa, 0xb, 0xc), tag=7))
        '0xc0b0a0000000700000001'
        """
        low = request.op | request.way << WAY_SHIFT
        return self.pack(low, tag, (request.key_hash, request.client_id, request.rpc_id))

    def response(self, code: int, tag: int, fields: tuple[int, int, int]) -> int:
        """The word of a response."""
        return self.pack(code, tag, fields)


def answer(w: Witness, request: Request) -> tuple[int, tuple[int, int, int]]:
    """Do a request on the golden: its code, and the entry that the response names."""
    fields = signed(request.key_hash), signed(request.client_id), signed(request.rpc_id)
    code = int(_operate(w, request, fields))
    named = named_entry(w, code, fields)
    if request.op == GC and request.last:
        witness_gc_round(w)
    return code, named


def _operate(w: Witness, request: Request, fields: tuple[int, int, int]) -> int:
    code: int = INVALID
    if request.op == RECORD:
        code = witness_record(w, *fields)
    elif request.op == GC:
        code = witness_gc(w, *fields)
    elif request.op == PROBE:
        code = witness_probe(w, fields[0])
    elif request.op == READ:
        code = witness_read(w, fields[0], request.way)
    elif request.op == FREEZE:
        code = witness_freeze(w)
    elif request.op == START:
        code = witness_start(w)
    return code
