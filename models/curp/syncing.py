"""Syncs in time: writes to the backups, acknowledgements, whom they set free, gc.

One sync at a time, of all that is unsynced when it starts. The original works so too: its workers
queue for a lock, and the write of who gets it takes along what others had appended by then
(`Log::sync` of RAMCloud's public code). Item of a write: ((position << 20) | updates) x backups +
backup, so that one that comes late says what it was about.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.curp.backups import backup_write
from rackwright.models.curp.codes import (
    ARRIVE,
    BACKED,
    CURP,
    GC,
    GC_RPCS,
    J_ACK,
    J_GC,
    J_REQUEST,
    J_SEND,
    ORIGINAL,
    SYNC_RPCS,
    SYNCED_ENTRIES,
    SYNCS,
    UNREPLICATED,
)
from rackwright.models.curp.dispatch import URGENT, add_job
from rackwright.models.curp.master import (
    END,
    IDLE,
    SYNC_TO,
    SYNCED,
    master_acknowledge,
    master_begin_sync,
)
from rackwright.models.curp.steps import REPLICATION, WITNESSES
from rackwright.models.curp.transport import message
from rackwright.models.curp.workers import let_go

__all__ = ["back", "dispatched", "start_sync", "wait_for_sync", "write_bytes"]

M20 = (1 << 20) - 1


@kernel
def start_sync(state, now_ps):  # type: ignore[no-untyped-def]
    """Begin a sync if one is wanted and none is under way."""
    fixed, server, m = state.fixed, state.server, state.master
    if fixed.variant == UNREPLICATED or fixed.backups == 0 or m.counts[SYNC_TO] != IDLE:
        return
    unsynced = m.counts[END] - m.counts[SYNCED]
    full = unsynced >= fixed.batch and fixed.variant != ORIGINAL
    if unsynced == 0 or not (full or server.waiting_count[0] > 0 or server.hot[0] == 1):
        return
    server.hot[0] = 0
    to = m.counts[END]
    if fixed.variant == ORIGINAL:      # not what a worker is still executing
        to = m.counts[SYNCED]
        for at in range(server.waiting_count[0]):
            to = max(to, server.wait_end[server.waiting[at]])
    start, to = master_begin_sync(m, to)
    server.sync_start_ps[0] = now_ps
    state.counts.number[SYNCS] += 1
    state.counts.number[SYNCED_ENTRIES] += to - start
    for backup in range(fixed.backups):
        add_job(state.jobs, URGENT, J_SEND, backup, to - start, now_ps)


@kernel
def end_sync(fixed, server, jobs, spans, start, to, now_ps):  # type: ignore[no-untyped-def]
    """A sync of the log from `start` to `to` is complete: answer who waited, collect garbage."""
    span_add(spans, 0, 0, server.sync_start_ps[0], now_ps, to - start)
    kept = 0
    for at in range(server.waiting_count[0]):
        c = server.waiting[at]
        if server.wait_end[c] <= to:
            let_go(server.freed, server.freed_count, c)
        else:
            server.waiting[kept] = c
            kept += 1
    server.waiting_count[0] = kept
    if fixed.variant == CURP:
        mask = server.gc_from.shape[1] - 1
        for which in range(fixed.witnesses):
            at = server.gc_ends[which, 1] & mask
            server.gc_from[which, at] = start
            server.gc_to[which, at] = to
            server.gc_ends[which, 1] += 1
            add_job(jobs, URGENT, J_GC, which, to - start, now_ps)


@kernel
def write_bytes(fixed, total, item):  # type: ignore[no-untyped-def]
    """Bytes of the write that `item` names; `total` is Server.log_total."""
    code = item // fixed.backups  # nonzero: a write is only sent to a backup
    to, count = code >> 20, code & M20
    mask = total.shape[0] - 1
    return (fixed.rpc_bytes + count * fixed.entry_bytes
            + total[(to - 1) & mask] - total[(to - count - 1) & mask])


@kernel
def send_write(fixed, counts, outbox, total, to, backup, count, now_ps):  # type: ignore[no-untyped-def]
    """The write of the sync under way leaves for a backup."""
    item = ((to << 20) | count) * fixed.backups + backup
    nbytes = write_bytes(fixed, total, item)
    counts.number[SYNC_RPCS] += 1
    counts.sent_bytes[REPLICATION] += nbytes + fixed.rpc_bytes
    message(outbox, 0, 1 + backup, now_ps, nbytes, BACKED, item)


@kernel
def back(state, item, here_ps):  # type: ignore[no-untyped-def]
    """A write is at its backup; the acknowledgement comes back as item `clients + item`."""
    fixed, server = state.fixed, state.server
    code = item // fixed.backups  # nonzero: a write is only sent to a backup
    backup = item - code * fixed.backups
    if fixed.near == 1:
        start = (code >> 20) - (code & M20)
        backup_write(state.backups, backup, 0, state.master, start, code >> 20, start)
    start_ps = max(here_ps, server.backup_free_ps[backup])
    server.backup_free_ps[backup] = start_ps + fixed.backup_busy_ps
    message(state.outbox, 1 + backup, 0, start_ps + fixed.backup_ps, fixed.rpc_bytes, ARRIVE,
            fixed.clients + item)


@kernel
def wait_for_sync(server, counts, c):  # type: ignore[no-untyped-def]
    """A worker has executed a request that may not be answered yet; `counts`: the master's."""
    if server.wait_end[c] <= counts[SYNCED]:   # while the worker ran
        let_go(server.freed, server.freed_count, c)
    else:
        server.waiting[server.waiting_count[0]] = c
        server.waiting_count[0] += 1


@kernel
def dispatched(state, now_ps):  # type: ignore[no-untyped-def]
    """The dispatch thread has done its job."""
    jobs, server, fixed, m = state.jobs, state.server, state.fixed, state.master
    kind, item, amount = jobs.now[0], jobs.now[1], jobs.now[2]
    jobs.now[0] = -1
    if kind == J_REQUEST:
        server.queue[server.queue_ends[1] & (server.queue.shape[0] - 1)] = item
        server.queue_ends[1] += 1
    elif kind == J_SEND:
        send_write(fixed, state.counts, state.outbox, server.log_total, m.counts[SYNC_TO], item,
                   amount, now_ps)
    elif kind == J_ACK:
        start, code = m.counts[SYNCED], item // fixed.backups  # nonzero: a backup has answered
        if master_acknowledge(m, item - code * fixed.backups, code >> 20):
            end_sync(fixed, server, jobs, state.spans, start, m.counts[SYNCED], now_ps)
    else:
        nbytes = fixed.gc_bytes + amount * fixed.gc_entry_bytes
        state.counts.number[GC_RPCS] += 1
        state.counts.sent_bytes[WITNESSES] += nbytes + fixed.rpc_bytes
        message(state.outbox, 0, 1 + fixed.backups + item, now_ps, nbytes, GC, item)
