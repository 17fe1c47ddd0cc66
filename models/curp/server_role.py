"""Backups and witnesses of a fault schedule: what each does with a message."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import ACCEPT
from rackwright.models.curp.backups import backup_write
from rackwright.models.curp.master import SYNCED, log_at, master_at
from rackwright.models.curp.outgoing import backup_node, master_node, post, witness_node
from rackwright.models.curp.witnesses import collect, end_round, key_hash, record
from rackwright.models.curp.world import (
    ACCEPT_CONFLICTS,
    COLLECTED,
    COLLECTED_UNSYNCED,
    FROZEN_ACCEPTS,
    LOGGED,
    NO_FENCE,
    NO_FREEZE,
    RECORDED,
)

__all__ = ["gather", "keep", "store"]


@kernel
def store(w, i, b, start, to, generation):  # type: ignore[no-untyped-def]
    """A WRITE_LOG at backup `b`; it answers LOGGED (master, backup, end or REFUSED, generation)."""
    if w.up[0, b] == 0 or w.renewed[b] != generation:
        return
    epoch = i
    if w.rules[NO_FENCE] == 1:
        epoch = w.alive.shape[0]
    end = backup_write(w.backups, b, epoch, master_at(w.masters, i), start, to)
    post(w.out, backup_node(w.plan, b), master_node(w.plan, i), LOGGED, i, b, end, generation,
         0, 0, 0)


@kernel
def keep(w, c, rpc, row, version, owner, which):  # type: ignore[no-untyped-def]
    """A RECORD at a witness; it answers RECORDED."""
    if w.up[1, which] == 0:
        return
    ws = w.witnesses
    hashed = key_hash(ws, w.history.key[row] + w.rules[ACCEPT_CONFLICTS] * 1000 * (row + 1))
    frozen = ws.frozen[which, 0]
    accepted = 0
    if version < w.born[which]:
        accepted = 1      # the server that was replaced still answers those who do not know it
    elif record(ws, which, owner, hashed, c, rpc, row) == ACCEPT:
        accepted = 1
        if frozen == 1 and w.rules[NO_FREEZE] == 0:
            w.counts[FROZEN_ACCEPTS] += 1
    post(w.out, witness_node(w.plan, which), c, RECORDED, c, rpc, which, accepted, version, 0, 0)


@kernel
def gather(w, i, which, start, to, again):  # type: ignore[no-untyped-def]
    """A COLLECT at a witness; COLLECTED (master, witness, up to three suspects) goes back."""
    ws = w.witnesses
    if w.up[1, which] == 0 or ws.owner[which] != i:
        return
    m = master_at(w.masters, i)
    for position in range(start - again, to):
        if position < start:
            row = w.again[i, position - start + again]
            c = row // w.plan.operations  # nonzero: a plan has operations
            key, rpc = w.history.key[row], row - c * w.plan.operations
        else:
            key, c, rpc = log_at(m, position)
            if position >= m.counts[SYNCED]:
                w.counts[COLLECTED_UNSYNCED] += 1
        other = w.rules[ACCEPT_CONFLICTS] * 1000 * (c * w.plan.operations + rpc + 1)
        collect(ws, which, key_hash(ws, key + other), c, rpc)
    end_round(ws, which)
    count = ws.suspects[which]
    if count > 0:
        post(w.out, witness_node(w.plan, which), master_node(w.plan, i), COLLECTED, i, which,
             ws.suspect[which, 0], ws.suspect[which, 1] if count > 1 else -1,
             ws.suspect[which, 2] if count > 2 else -1, 0, 0)
    ws.suspects[which] = 0
