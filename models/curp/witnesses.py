"""The f witnesses of one master: the golden of the RTL block, one table each, and the rest.

Accepting, rejecting, collecting and freezing are `hdl/witness_table/golden.py`; here are the id of
the master that a table belongs to, the bodies of requests, records of several keys, and the list of
suspected stale entries that a witness hands back with its next gc answer. A key's hash is `mix64`
of its number: 62 bits, or 32 as in the public Redis code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import mix64
from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import (
    ACCEPT,
    FREED,
    HELD,
    REJECT_FROZEN,
    REJECT_FULL,
    REJECT_KEY,
    STALE,
    STATUS_MASK,
    WAY_MASK,
    WAY_SHIFT,
    Witness,
    new_witness,
    witness_gc,
    witness_gc_round,
    witness_probe,
    witness_record,
)

__all__ = ["M32", "Witnesses", "collect", "end_round", "holds", "key_hash", "new_witnesses",
           "record", "record_all", "table_at"]

M32 = (1 << 32) - 1
MOST_STALE = 16    # suspects that a witness remembers between two gc answers (ours; Redis: 50)


class Witnesses(NamedTuple):
    """Tables stacked along the first axis; the first eight fields are those of `Witness`."""

    valid: npt.NDArray[np.int64]
    key_hash: npt.NDArray[np.int64]
    client_id: npt.NDArray[np.int64]
    rpc_id: npt.NDArray[np.int64]
    gc_seq: npt.NDArray[np.int64]
    frozen: npt.NDArray[np.int64]
    gc_round: npt.NDArray[np.int64]
    limits: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]         # (witnesses,): epoch of the master that it serves
    body: npt.NDArray[np.int64]          # (witnesses, sets, ways): the caller's number of a request
    suspect: npt.NDArray[np.int64]       # (witnesses, MOST_STALE): bodies
    suspects: npt.NDArray[np.int64]      # (witnesses,)
    hash_mask: npt.NDArray[np.int64]     # (1,)


def new_witnesses(count: int, sets: int, ways: int, *, stale_rounds: int = 3,
                  hash_bits: int = 62) -> Witnesses:
    """`count` empty tables (at least one, so that kernels can be typed). Raises UsageError."""
    count = max(count, 1)
    one = new_witness(sets, ways, stale_rounds=stale_rounds)
    tables = {name: np.stack([getattr(one, name)] * count) for name in one._fields}
    return Witnesses(**tables, owner=np.zeros(count, np.int64),
                     body=np.zeros((count, sets, ways), np.int64),
                     suspect=np.zeros((count, MOST_STALE), np.int64),
                     suspects=np.zeros(count, np.int64),
                     hash_mask=np.full(1, (1 << hash_bits) - 1, np.int64))


@kernel
def key_hash(ws, key):  # type: ignore[no-untyped-def]
    return mix64(key) & ws.hash_mask[0]


@kernel
def table_at(ws, which):  # type: ignore[no-untyped-def]
    """The golden's table of one witness."""
    return Witness(ws.valid[which], ws.key_hash[which], ws.client_id[which], ws.rpc_id[which],
                   ws.gc_seq[which], ws.frozen[which], ws.gc_round[which], ws.limits[which])


@kernel
def record(ws, which, owner, hashed, client, rpc, body):  # type: ignore[no-untyped-def]
    """Ask a witness to keep a request: ACCEPT or why not (a status of the golden)."""
    if ws.owner[which] != owner:
        return REJECT_FROZEN
    code = witness_record(table_at(ws, which), hashed, client, rpc)
    status = code & STATUS_MASK
    row = hashed & (ws.valid.shape[1] - 1)
    way = (code >> WAY_SHIFT) & WAY_MASK
    if status == ACCEPT:
        ws.body[which, row, way] = body
    elif (status == REJECT_KEY or status == REJECT_FULL) and code & STALE != 0:
        suspect(ws, which, ws.body[which, row, way])
    return status


@kernel
def record_all(ws, which, owner, key, objects, client, rpc, body):  # type: ignore[no-untyped-def]
    """Record an update of `objects` keys from `key` on: all of them, or none."""
    status = ACCEPT
    for other in range(key, key + objects):
        status = record(ws, which, owner, key_hash(ws, other), client, rpc, body)
        if status != ACCEPT:
            forget(ws, which, key, other)
            break
    return status


@kernel
def forget(ws, which, key, end):  # type: ignore[no-untyped-def]
    """Take back the entries of keys from `key` to `end`, which were just stored."""
    for other in range(key, end):
        hashed = key_hash(ws, other)
        row = hashed & (ws.valid.shape[1] - 1)
        for way in range(ws.valid.shape[2]):
            if ws.key_hash[which, row, way] == hashed:
                ws.valid[which, row, way] = 0


@kernel
def holds(ws, which, key, objects):  # type: ignore[no-untyped-def]
    """True when an update of one of the keys is recorded: a backup may not be read for it."""
    for other in range(key, key + objects):
        if witness_probe(table_at(ws, which), key_hash(ws, other)) & STATUS_MASK == HELD:
            return True
    return False


@kernel
def suspect(ws, which, body):  # type: ignore[no-untyped-def]
    """Remember a request that seems to be garbage, once."""
    count = ws.suspects[which]
    for at in range(count):
        if ws.suspect[which, at] == body:
            return
    if count < ws.suspect.shape[1]:
        ws.suspect[which, count] = body
        ws.suspects[which] = count + 1


@kernel
def collect(ws, which, hashed, client, rpc):  # type: ignore[no-untyped-def]
    """gc of one request; True if there was such an entry."""
    return witness_gc(table_at(ws, which), hashed, client, rpc) & STATUS_MASK == FREED


@kernel
def end_round(ws, which):  # type: ignore[no-untyped-def]
    """The end of a gc request."""
    witness_gc_round(table_at(ws, which))
