"""Backups and witnesses of a fault schedule: what each does with a message."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import ACCEPT
from rackwright.models.curp.backups import backup_read, backup_write
from rackwright.models.curp.master import SYNCED, log_at, master_at
from rackwright.models.curp.outgoing import backup_node, master_node, post, witness_node
from rackwright.models.curp.witnesses import collect, end_round, holds, key_hash, record_all
from rackwright.models.curp.world import (
    ACCEPT_CONFLICTS,
    AT_BACKUP,
    AT_WITNESS,
    COLLECTED,
    COLLECTED_UNSYNCED,
    FIRST_OBJECT,
    FROZEN_ACCEPTS,
    LOGGED,
    LOOKED,
    NO_FENCE,
    NO_FREEZE,
    RECORDED,
    SHOW_UNSYNCED,
)

__all__ = ["gather", "keep", "probe", "show", "store"]


@kernel
def store(w, i, b, start, to, generation, synced):  # type: ignore[no-untyped-def]
    """A WRITE_LOG at backup `b`; it answers LOGGED (master, backup, end or REFUSED, generation)."""
    if w.up[0, b] == 0 or w.renewed[b] != generation:
        return
    epoch = i
    if w.rules[NO_FENCE] == 1:
        epoch = w.alive.shape[0]
    end = backup_write(w.backups, b, epoch, master_at(w.masters, i), start, to, synced)
    post(w.out, backup_node(w.plan, b), master_node(w.plan, i), LOGGED, i, b, end, generation,
         0, 0, 0)


@kernel
def keep(w, c, rpc, row, version, owner, which):  # type: ignore[no-untyped-def]
    """A RECORD at a witness; it answers RECORDED."""
    if w.up[1, which] == 0:
        return
    ws, objects = w.witnesses, w.history.objects[row]
    key = w.history.key[row] + w.rules[ACCEPT_CONFLICTS] * 1000 * (row + 1)
    if w.rules[FIRST_OBJECT] == 1:
        objects = 1
    frozen = ws.frozen[which, 0]
    accepted = 0
    if version < w.born[which]:
        # the server that was replaced still answers those who do not know it, unless it was frozen
        accepted = 1 if version >= w.sealed[1, which] or w.rules[NO_FREEZE] == 1 else 0
    elif record_all(ws, which, owner, key, objects, c, rpc, row) == ACCEPT:
        accepted = 1
        if frozen == 1 and w.rules[NO_FREEZE] == 0:
            w.counts[FROZEN_ACCEPTS] += 1
    post(w.out, witness_node(w.plan, which), c, RECORDED, c, rpc, which, accepted, version, 0, 0)


@kernel
def probe(w, c, rpc, row, version, which):  # type: ignore[no-untyped-def]
    """A PROBE at a witness; LOOKED says 1 if it holds no update of the keys."""
    if w.up[1, which] == 0:
        return
    good = 0
    if version < w.born[which]:
        good = 1          # the server that was replaced knows nothing of what came after
    elif not holds(w.witnesses, which, w.history.key[row], w.history.objects[row]):
        good = 1
    post(w.out, witness_node(w.plan, which), c, LOOKED, c, rpc, good, 0, version, AT_WITNESS, 0)


@kernel
def show(w, c, rpc, row, version, b):  # type: ignore[no-untyped-def]
    """A LOOK at a backup; LOOKED has the value, or says 0."""
    if w.up[0, b] == 0:
        return
    shown = w.backups.known[b]
    if w.rules[SHOW_UNSYNCED] == 1:
        shown = w.backups.end[b]
    good, result = backup_read(w.backups, b, version, shown, w.history.key[row],
                               w.history.objects[row])
    post(w.out, backup_node(w.plan, b), c, LOOKED, c, rpc, good, result, version, AT_BACKUP, 0)


@kernel
def gather(w, i, which, start, to, again):  # type: ignore[no-untyped-def]
    """A COLLECT at a witness; COLLECTED (master, witness, up to three suspects) goes back."""
    ws = w.witnesses
    if w.up[1, which] == 0 or ws.owner[which] != i:
        return
    m = master_at(w.masters, i)
    for position in range(start - again, to):
        objects = 1
        if position < start:
            row = w.again[i, position - start + again]
            c = row // w.plan.operations  # nonzero: a plan has operations
            rpc = row - c * w.plan.operations
            key, objects = w.history.key[row], w.history.objects[row]
        else:
            key, c, rpc = log_at(m, position)
            if position >= m.counts[SYNCED]:
                w.counts[COLLECTED_UNSYNCED] += 1
        key += w.rules[ACCEPT_CONFLICTS] * 1000 * (c * w.plan.operations + rpc + 1)
        for other in range(key, key + objects):
            collect(ws, which, key_hash(ws, other), c, rpc)
    end_round(ws, which)
    count = ws.suspects[which]
    if count > 0:
        post(w.out, witness_node(w.plan, which), master_node(w.plan, i), COLLECTED, i, which,
             ws.suspect[which, 0], ws.suspect[which, 1] if count > 1 else -1,
             ws.suspect[which, 2] if count > 2 else -1, 0, 0)
    ws.suspects[which] = 0
