"""Golden of the CURP witness table: what `witness_table.v` answers, as kernels on arrays.

A witness accepts a record when it commutes with everything it holds (Park and Ousterhout,
NSDI 2019, sections 3.2 and 4.2). The set is the low bits of the key hash; an equal 64-bit hash
in any way of the set rejects, so does a full set. gc frees the lowest way of the set that holds
the given client and RPC. A gc round is one gc request of the master; an entry that was there
during three of them (the public RAMCloud code's number) is suspected to be stale: its update may
never have reached the master, which then has to retry it. Once frozen for a recovery a witness
rejects every record until it is started again; gc goes on, it only removes what is synced.

Every operation returns a code: status in bits 0 to 7, the stale flag in bit 8, the way in bits
16 to 18: the low word of the RTL's response. 64-bit hashes and ids are int64 in two's complement
(`signed`). Nothing here knows of time: `rackwright.hdl.timing` has the cycles.

Left out: the requests' bodies, records of several objects, the id of the master (one witness
belongs to one master).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = [
    "ABSENT", "ACCEPT", "DONE", "FREED", "HELD", "INVALID", "REJECT_FROZEN", "REJECT_FULL",
    "REJECT_KEY", "STALE", "STATUS_NAMES", "UNKNOWN", "WAY_SHIFT", "Witness", "named_entry",
    "new_witness", "signed", "status_of", "unsigned", "way_of", "witness_freeze", "witness_gc",
    "witness_gc_round", "witness_occupancy", "witness_probe", "witness_read", "witness_record",
    "witness_start",
]

INVALID = 0        # no such operation
ACCEPT = 1         # the record is stored
REJECT_KEY = 2     # a way of the set holds the same key hash
REJECT_FULL = 3    # the set is full
REJECT_FROZEN = 4  # a recovery has begun
FREED = 5          # gc: the entry is gone
UNKNOWN = 6        # gc: no such entry
HELD = 7           # probe, read: there is an entry
ABSENT = 8         # probe, read: there is none
DONE = 9           # freeze, start

STATUS_NAMES = ("INVALID", "ACCEPT", "REJECT_KEY", "REJECT_FULL", "REJECT_FROZEN", "FREED",
                "UNKNOWN", "HELD", "ABSENT", "DONE")

STALE = 1 << 8     # the entry that the response names has survived `stale_rounds` gc rounds
WAY_SHIFT = 16
STATUS_MASK = 255
WAY_MASK = 7


class Witness(NamedTuple):
    """One witness table; `new_witness` makes it."""

    valid: npt.NDArray[np.int64]      # shape (sets, ways): 1 where there is an entry
    key_hash: npt.NDArray[np.int64]   # shape (sets, ways)
    client_id: npt.NDArray[np.int64]  # shape (sets, ways): RIFL's clientLeaseId
    rpc_id: npt.NDArray[np.int64]     # shape (sets, ways): RIFL's rpcId
    gc_seq: npt.NDArray[np.int64]     # shape (sets, ways): the round in which it was stored
    frozen: npt.NDArray[np.int64]     # shape (1,)
    gc_round: npt.NDArray[np.int64]   # shape (1,): rounds since the start, modulo the mask + 1
    limits: npt.NDArray[np.int64]     # shape (2,): mask of round numbers, stale_rounds


def new_witness(sets: int = 1024, ways: int = 4, *, gc_width: int = 16,
                stale_rounds: int = 3) -> Witness:
    """An empty, started witness. The defaults are the RTL's: 4096 slots in 4 ways.

    `gc_width` is the width of the counter of gc rounds in bits: an entry that survives 2**gc_width
    rounds looks fresh again for `stale_rounds` of them. Raises UsageError.
    """
    _check("sets", sets, sets >= 2 and sets & (sets - 1) == 0, "a power of two, at least 2")
    _check("ways", ways, 1 <= ways <= 8, "1 to 8")
    _check("gc_width", gc_width, 1 <= gc_width <= 31, "1 to 31 bits")
    _check("stale_rounds", stale_rounds, 1 <= stale_rounds < 1 << gc_width,
           f"1 to {(1 << gc_width) - 1}, what gc_width={gc_width} can count")
    def zeros(*shape: int) -> npt.NDArray[np.int64]:
        return np.zeros(shape, np.int64)

    return Witness(
        valid=zeros(sets, ways), key_hash=zeros(sets, ways), client_id=zeros(sets, ways),
        rpc_id=zeros(sets, ways), gc_seq=zeros(sets, ways), frozen=zeros(1), gc_round=zeros(1),
        limits=np.array([(1 << gc_width) - 1, stale_rounds], np.int64))


def _check(name: str, value: int, holds: bool, allowed: str) -> None:
    if not holds:
        raise UsageError(f"witness table: {name}={value} is not possible; allowed: {allowed}")


@kernel
def entry_code(w, status, row, way):  # type: ignore[no-untyped-def]
    """`status` with the way and the stale flag of an entry."""
    code = status | (way << WAY_SHIFT)
    age = (w.gc_round[0] - w.gc_seq[row, way]) & w.limits[0]
    if age >= w.limits[1]:
        code |= STALE
    return code


@kernel
def witness_record(w, key_hash, client_id, rpc_id):  # type: ignore[no-untyped-def]
    """Store a record if it commutes with all others; ACCEPT or the reason why not.

    REJECT_KEY names the entry in the way; REJECT_FULL the lowest stale one, or none.
    """
    if w.frozen[0] != 0:
        return REJECT_FROZEN
    row = key_hash & (w.valid.shape[0] - 1)
    free = -1
    full = REJECT_FULL
    for way in range(w.valid.shape[1]):
        if w.valid[row, way] == 0:
            if free < 0:
                free = way
        elif w.key_hash[row, way] == key_hash:
            return entry_code(w, REJECT_KEY, row, way)
        elif full == REJECT_FULL and entry_code(w, REJECT_FULL, row, way) & STALE != 0:
            full = entry_code(w, REJECT_FULL, row, way)
    if free < 0:
        return full
    w.valid[row, free] = 1
    w.key_hash[row, free] = key_hash
    w.client_id[row, free] = client_id
    w.rpc_id[row, free] = rpc_id
    w.gc_seq[row, free] = w.gc_round[0]
    return entry_code(w, ACCEPT, row, free)


@kernel
def witness_gc(w, key_hash, client_id, rpc_id):  # type: ignore[no-untyped-def]
    """Free the lowest way of the key's set that holds this client and RPC: FREED or UNKNOWN.

    The key itself is not compared: the master's gc names a set (a hash index), not a key.
    """
    row = key_hash & (w.valid.shape[0] - 1)
    for way in range(w.valid.shape[1]):
        if (w.valid[row, way] != 0 and w.client_id[row, way] == client_id
                and w.rpc_id[row, way] == rpc_id):
            w.valid[row, way] = 0
            return entry_code(w, FREED, row, way)
    return UNKNOWN


@kernel
def witness_gc_round(w):  # type: ignore[no-untyped-def]
    """End a gc round (tlast on the last gc of a request): every entry grows older by one."""
    w.gc_round[0] = (w.gc_round[0] + 1) & w.limits[0]


@kernel
def witness_probe(w, key_hash):  # type: ignore[no-untyped-def]
    """HELD if an entry has this key hash (then a backup near by may not serve it), else ABSENT."""
    row = key_hash & (w.valid.shape[0] - 1)
    for way in range(w.valid.shape[1]):
        if w.valid[row, way] != 0 and w.key_hash[row, way] == key_hash:
            return entry_code(w, HELD, row, way)
    return ABSENT


@kernel
def witness_read(w, row, way):  # type: ignore[no-untyped-def]
    """HELD or ABSENT: what a recovery reads slot by slot after the freeze."""
    row = row & (w.valid.shape[0] - 1)
    if way >= 0 and way < w.valid.shape[1] and w.valid[row, way] != 0:
        return entry_code(w, HELD, row, way)
    return ABSENT


@kernel
def witness_freeze(w):  # type: ignore[no-untyped-def]
    """Begin a recovery: no record is accepted until the next `witness_start`."""
    w.frozen[0] = 1
    return DONE


@kernel
def witness_start(w):  # type: ignore[no-untyped-def]
    """Empty the table and go back to normal mode, as after a reset."""
    for row in range(w.valid.shape[0]):
        for way in range(w.valid.shape[1]):
            w.valid[row, way] = 0
    w.frozen[0] = 0
    w.gc_round[0] = 0
    return DONE


@kernel
def witness_occupancy(w):  # type: ignore[no-untyped-def]
    """Number of entries."""
    total = 0
    for row in range(w.valid.shape[0]):
        for way in range(w.valid.shape[1]):
            total += w.valid[row, way]
    return total


def status_of(code: int) -> int:
    """The status of a code.

    >>> STATUS_NAMES[status_of(REJECT_KEY | STALE | 3 << WAY_SHIFT)]
    'REJECT_KEY'
    """
    return int(code) & STATUS_MASK


def way_of(code: int) -> int:
    """The way of a code; 0 when it names none."""
    return int(code) >> WAY_SHIFT & WAY_MASK


def named_entry(w: Witness, code: int, request: tuple[int, int, int]) -> tuple[int, int, int]:
    """(key hash, client id, RPC id) that the response with `code` to `request` carries.

    That of the entry stored, freed, found or in the way; the request's own where there is none.
    Call it right after the operation.
    """
    status = status_of(code)
    if status in (REJECT_KEY, FREED, HELD) or (status == REJECT_FULL and code & STALE):
        at: Any = (request[0] & (w.valid.shape[0] - 1), way_of(code))
        return int(w.key_hash[at]), int(w.client_id[at]), int(w.rpc_id[at])
    return request


def signed(word: int) -> int:
    """The int64 that holds the 64-bit `word`.

    >>> signed(2**64 - 1), signed(5)
    (-1, 5)
    """
    return word - (word >> 63 << 64)


def unsigned(value: int) -> int:
    """The 64-bit word that the int64 `value` holds: `signed` undone."""
    return int(value) & ((1 << 64) - 1)
