"""Masters of a fault schedule: requests, syncs, suspects, by the rules of `master.py`."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.backups import REFUSED
from rackwright.models.curp.master import (
    CLEAN,
    DUPLICATE,
    END,
    IDLE,
    IGNORED,
    READ,
    SYNC_TO,
    SYNCED,
    VERSION,
    master_acknowledge,
    master_at,
    master_begin_sync,
    master_execute,
    master_read,
)
from rackwright.models.curp.outgoing import (
    OLD_LIST,
    PATIENCE,
    TAGGED,
    UNTAGGED,
    backup_node,
    master_node,
    post,
    timer,
    witness_node,
)
from rackwright.models.curp.world import (
    ANSWER_DUPLICATES,
    ANSWER_UNSYNCED,
    COLLECT,
    COLLECT_EARLY,
    DEPOSED,
    DUPLICATES,
    EXECUTE,
    HOW,
    NO_LEASE,
    NO_RIFL,
    REFUSED_LISTS,
    REPEAT,
    REPLY,
    RESEND,
    STALE_LIST,
    SUSPECTED,
    SYNC,
    WRITE_LOG,
)

__all__ = ["hear_log", "hear_suspects", "resend", "serve", "start_sync"]

REFUSED_LIST = 4                         # verdict: the client's list of witnesses is old


@kernel
def reply(out, plan, i, c, rpc, result, says, version):  # type: ignore[no-untyped-def]
    post(out, master_node(plan, i), c, REPLY, c, rpc, result, says, version, 0, 0)


@kernel
def serve(w, i, c, rpc, row, version, asks_sync, now):  # type: ignore[no-untyped-def]
    """An UPDATE at master `i`, which answers only while its lease lasts."""
    if w.alive[i] == 0 or w.serving[i] == 0 or (now >= w.lease[i] and w.rules[NO_LEASE] == 0):
        return
    m, h = master_at(w.masters, i), w.history
    seat = rpc & (m.rifl_rpc.shape[1] - 1)
    verdict, result, end = IGNORED, rpc - rpc, rpc - rpc
    if version != m.counts[VERSION] and w.rules[STALE_LIST] == 0:
        w.counts[REFUSED_LISTS] += 1
        verdict = REFUSED_LIST
    elif asks_sync == 1:
        if m.rifl_rpc[c, seat] != rpc:
            return                      # not executed here: the client will try again
        verdict, result, end = DUPLICATE, m.rifl_value[c, seat], m.rifl_end[c, seat]
    elif h.kind[row] == READ:
        verdict, result, end = master_read(m, h.key[row], h.objects[row])
        if w.rules[ANSWER_UNSYNCED] == 1:
            verdict = CLEAN
    else:
        if w.rules[NO_RIFL] == 1:
            m.rifl_rpc[c, seat] = -1
        verdict, result, end = master_execute(m, h.kind[row], h.key[row], h.objects[row],
                                              h.argument[row], c, rpc)
        if verdict == DUPLICATE:
            w.counts[DUPLICATES] += 1
    if verdict == IGNORED:
        return
    w.todo[SYNC] = i
    says = OLD_LIST
    if verdict != REFUSED_LIST:
        says = TAGGED
        if end > m.counts[SYNCED]:
            says = UNTAGGED
            if verdict != CLEAN and (verdict != DUPLICATE or asks_sync == 1
                                     or w.rules[ANSWER_DUPLICATES] == 0):
                # a duplicate may depend on what is unsynced, like the first copy: it waits as well
                w.waiting[i, c, 0], w.waiting[i, c, 1], w.waiting[i, c, 2] = rpc, end, result
                return
    reply(w.out, w.plan, i, c, rpc, result, says, version)


@kernel
def somebody_waits(waiting, i):  # type: ignore[no-untyped-def]
    for c in range(waiting.shape[1]):
        if waiting[i, c, 0] >= 0:
            return True
    return False


@kernel
def start_sync(w, i, force):  # type: ignore[no-untyped-def]
    """Begin a sync if one is wanted and none is under way."""
    m = master_at(w.masters, i)
    unsynced = m.counts[END] - m.counts[SYNCED]
    if m.counts[SYNC_TO] != IDLE or unsynced == 0 or not (
            force == 1 or unsynced >= w.plan.batch or somebody_waits(w.waiting, i)):
        return
    start, to = master_begin_sync(m, m.counts[END])
    w.todo[REPEAT] = (i << 20) | to
    if w.rules[COLLECT_EARLY] == 1:
        send_collect(w, i, start, to)


@kernel
def resend(w, item):  # type: ignore[no-untyped-def]
    """WRITE_LOG (master, backup, from, to, generation, synced) to who has not acknowledged."""
    i, to = item >> 20, item & 1048575
    m = master_at(w.masters, i)
    if w.alive[i] == 0 or m.counts[SYNC_TO] != to:
        return
    for b in range(w.plan.replicas):
        if m.acked[b] < to:
            post(w.out, master_node(w.plan, i), backup_node(w.plan, b), WRITE_LOG, i, b,
                 m.acked[b], to, w.generation[i, b], m.counts[SYNCED], 0)
    timer(w.out, RESEND, item, PATIENCE)


@kernel
def hear_log(w, i, b, end, generation):  # type: ignore[no-untyped-def]
    """A LOGGED at master `i`; one that is refused was replaced, and stops."""
    if w.alive[i] == 0 or w.generation[i, b] != generation:
        return
    if end == REFUSED:
        w.alive[i] = 0
        w.counts[DEPOSED] += 1
        return
    m = master_at(w.masters, i)
    start = m.counts[SYNCED]
    if master_acknowledge(m, b, end):
        after_sync(w, i, start)


@kernel
def after_sync(w, i, start):  # type: ignore[no-untyped-def]
    """Answer who waited for the updates from `start` on, collect their records, go on."""
    m = master_at(w.masters, i)
    to = m.counts[SYNCED]
    for c in range(w.waiting.shape[1]):
        if w.waiting[i, c, 0] >= 0 and w.waiting[i, c, 1] <= to:
            reply(w.out, w.plan, i, c, w.waiting[i, c, 0], w.waiting[i, c, 2], TAGGED,
                  m.counts[VERSION])
            w.waiting[i, c, 0] = -1
    for b in range(w.plan.replicas):
        if i == w.manager[0] and w.generation[i, b] == w.renewed[b]:
            w.filled[b] = 1
    if w.rules[COLLECT_EARLY] == 0:
        send_collect(w, i, start, to)
    w.todo[SYNC] = i


@kernel
def send_collect(w, i, start, to):  # type: ignore[no-untyped-def]
    """COLLECT (master, witness, from, to, how many once more) to every witness."""
    for which in range(w.plan.replicas):
        post(w.out, master_node(w.plan, i), witness_node(w.plan, which), COLLECT, i, which,
             start, to, w.again_count[i], 0, 0)


@kernel
def hear_suspects(w, i, first, second, third):  # type: ignore[no-untyped-def]
    """A COLLECTED at master `i`: run what seems stale through the filter, and collect it again."""
    if w.alive[i] == 0 or w.serving[i] == 0:
        return
    rows = w.found[SUSPECTED]
    rows[0], rows[1], rows[2] = first, second, third
    w.found_count[SUSPECTED] = 3
    w.todo[EXECUTE], w.todo[HOW] = i, SUSPECTED
