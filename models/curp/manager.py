"""The configuration manager of a fault schedule: leases, recovery, replacement of servers.

It never fails (a replicated service, as the paper assumes). A master may answer while it holds a
lease; the manager renews it as long as it reaches the master, and starts a recovery only when the
last lease is over. A recovery goes step by step, one each tick, and may crash or find a server
unreachable at every step: fence the backups, restore from ONE of them, freeze ONE witness and
replay what it holds, in any order; then bring all backups to the new log; then empty the
witnesses; then publish a new list. A list takes effect when all backups know it, since it decides
whom they let read. Within a step, servers that can be reached answer at once.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import witness_freeze, witness_start
from rackwright.models.curp.backups import backup_clear, backup_fence, backup_write
from rackwright.models.curp.master import (
    END,
    EPOCH,
    IDLE,
    SYNC_TO,
    SYNCED,
    VERSION,
    master_apply,
    master_at,
)
from rackwright.models.curp.outgoing import backup_node, master_node, timer, witness_node
from rackwright.models.curp.witnesses import table_at
from rackwright.models.curp.world import (
    ADOPTED,
    EXECUTE,
    FORCE,
    HOW,
    NO_FREEZE,
    NO_LEASE,
    RECOVERIES,
    REPLAYED_ROWS,
    SYNC,
    TICK,
)
from rackwright.models.protocols.network import draw

__all__ = ["LEASE", "MASTER", "tick", "wipe_witness"]

# places in World.manager
MASTER, LIST, GRANT, STAGE, NEXT = range(5)
SERVING, RESTORE, REPLAY, SPREAD, EMPTY, PUBLISH = range(6)    # stages
EVERY = 8         # ticks between two looks
LEASE = 60


@kernel
def reaches(away, node):  # type: ignore[no-untyped-def]
    return (away[0] >> node) & 1 == 0


@kernel
def tick(w, now):  # type: ignore[no-untyped-def]
    """Renew the lease, replace witnesses, or take the next step of a recovery."""
    state = w.manager
    timer(w.out, TICK, 0, EVERY)
    if state[STAGE] == SERVING:
        i = state[MASTER]
        if w.alive[i] == 1 and reaches(w.away, master_node(w.plan, i)):
            w.lease[i] = now + LEASE
            state[GRANT] = now + LEASE
            adopt(w, i)
        elif now >= state[GRANT] or w.rules[NO_LEASE] == 1:
            state[STAGE] = RESTORE
    elif w.alive[state[NEXT]] == 0 and state[STAGE] > RESTORE:
        state[NEXT] += 1          # the new master crashed as well: once more, with another one
        state[STAGE] = RESTORE
    elif state[NEXT] < w.alive.shape[0]:
        if state[STAGE] == RESTORE:
            restore(w, state[NEXT])
        elif state[STAGE] == REPLAY:
            w.todo[EXECUTE], w.todo[HOW] = state[NEXT], REPLAYED_ROWS
            state[STAGE] = SPREAD
        elif state[STAGE] == SPREAD:
            spread(w, state[NEXT])
        elif state[STAGE] == EMPTY:
            empty(w, state[NEXT])
        else:
            publish(w, state[NEXT], now)


@kernel
def wipe_witness(w, which, owner):  # type: ignore[no-untyped-def]
    """A witness starts empty for master `owner`."""
    witness_start(table_at(w.witnesses, which))
    w.witnesses.owner[which] = owner
    w.witnesses.suspects[which] = 0
    w.up[1, which] = 1
    w.lost[which] = 0


@kernel
def all_backups(w):  # type: ignore[no-untyped-def]
    """True when every backup answers."""
    for b in range(w.plan.replicas):
        if w.up[0, b] == 0 or not reaches(w.away, backup_node(w.plan, b)):
            return False
    return True


@kernel
def adopt(w, i):  # type: ignore[no-untyped-def]
    """Replace lost witnesses: the master syncs all first, then works by a new list."""
    m = master_at(w.masters, i)
    for which in range(w.plan.replicas):
        if w.lost[which] == 1 and reaches(w.away, witness_node(w.plan, which)):
            if m.counts[END] > m.counts[SYNCED]:
                w.todo[SYNC], w.todo[FORCE] = i, 1
                return
            if not all_backups(w):
                return
            wipe_witness(w, which, i)
            w.manager[LIST] += 1
            for b in range(w.plan.replicas):
                w.backups.version[b] = w.manager[LIST]
            w.born[which] = w.manager[LIST]
            m.counts[VERSION] = w.manager[LIST]
            w.counts[ADOPTED] += 1


@kernel
def pick_backup(w):  # type: ignore[no-untyped-def]
    """A backup that has all that was synced and answers, -1 if there is none."""
    first = draw(w.net.dice, w.plan.replicas)
    for offset in range(w.plan.replicas):
        b = (first + offset) % w.plan.replicas  # nonzero: recoveries need replicas
        if w.up[0, b] == 1 and w.filled[b] == 1 and reaches(w.away, backup_node(w.plan, b)):
            return b
    return -1


@kernel
def pick_witness(w):  # type: ignore[no-untyped-def]
    """A witness that answers and has not lost its table, -1 if there is none."""
    first = draw(w.net.dice, w.plan.replicas)
    for offset in range(w.plan.replicas):
        which = (first + offset) % w.plan.replicas  # nonzero: recoveries need replicas
        if w.up[1, which] == 1 and w.lost[which] == 0 and reaches(
                w.away, witness_node(w.plan, which)):
            return which
    return -1


@kernel
def restore(w, n):  # type: ignore[no-untyped-def]
    """Fence, read one backup's log, freeze and read one witness."""
    b, which = pick_backup(w), pick_witness(w)
    if b < 0 or which < 0:
        return
    for other in range(w.plan.replicas):
        if w.up[0, other] == 1 and reaches(w.away, backup_node(w.plan, other)):
            backup_fence(w.backups, other, n)
    m, bs = master_at(w.masters, n), w.backups
    w.alive[n] = 1
    m.counts[EPOCH] = n
    mask = bs.log_key.shape[1] - 1
    for position in range(bs.end[b]):
        at = position & mask
        master_apply(m, bs.log_key[b, at], bs.log_client[b, at], bs.log_rpc[b, at],
                     bs.log_value[b, at])
    m.counts[SYNCED] = m.counts[END]
    if w.rules[NO_FREEZE] == 0:
        witness_freeze(table_at(w.witnesses, which))
    read_witness(w, which)
    w.manager[STAGE] = REPLAY
    w.counts[RECOVERIES] += 1


@kernel
def read_witness(w, which):  # type: ignore[no-untyped-def]
    """The requests that a witness holds."""
    count, ws = 0, w.witnesses
    for row in range(ws.valid.shape[1]):
        for way in range(ws.valid.shape[2]):
            if ws.valid[which, row, way] == 1:
                w.found[REPLAYED_ROWS, count] = ws.body[which, row, way]
                count += 1
    w.found_count[REPLAYED_ROWS] = count


@kernel
def spread(w, n):  # type: ignore[no-untyped-def]
    """Give all backups the new master's log; wait until all can be reached."""
    if not all_backups(w):
        return
    m = master_at(w.masters, n)
    for b in range(w.plan.replicas):
        backup_fence(w.backups, b, n)
        backup_clear(w.backups, b)
        m.acked[b] = backup_write(w.backups, b, n, m, 0, m.counts[END], m.counts[END])
        w.backups.version[b] = w.manager[LIST] + 1
        w.filled[b] = 1
        w.generation[n, b] = w.renewed[b]
    m.counts[SYNCED] = m.counts[END]
    m.counts[SYNC_TO] = IDLE
    w.manager[STAGE] = EMPTY


@kernel
def empty(w, n):  # type: ignore[no-untyped-def]
    """Start all witnesses anew for the new master, replacing lost ones."""
    for which in range(w.plan.replicas):
        down = w.up[1, which] == 0 and w.lost[which] == 0
        if down or not reaches(w.away, witness_node(w.plan, which)):
            return
    for which in range(w.plan.replicas):
        if w.lost[which] == 1:
            w.born[which] = w.manager[LIST] + 1
            if w.sealed[0, which] == 1:
                w.sealed[1, which] = w.born[which]
        wipe_witness(w, which, n)
    w.manager[STAGE] = PUBLISH


@kernel
def publish(w, n, now):  # type: ignore[no-untyped-def]
    """The new master serves by a new list."""
    state = w.manager
    state[LIST] += 1
    state[MASTER] = n
    state[NEXT] = n + 1
    state[STAGE] = SERVING
    state[GRANT] = now + LEASE
    master_at(w.masters, n).counts[VERSION] = state[LIST]
    w.serving[n] = 1
    w.lease[n] = now + LEASE
