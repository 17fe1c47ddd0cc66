"""Syncs in time: writes to the backups, acknowledgements, whom they set free, gc.

The original's updates are synced each by itself, by the worker that executed it: item `client x
backups + backup`. Everybody else's are synced in batches, one at a time: item `backup`.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.curp.dispatch import URGENT, add_job
from rackwright.models.curp.master import (
    END,
    IDLE,
    SYNC_TO,
    SYNCED,
    master_acknowledge,
    master_begin_sync,
)
from rackwright.models.curp.state import (
    ARRIVE,
    ASYNC,
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
)
from rackwright.models.curp.steps import REPLICATION, WITNESSES
from rackwright.models.curp.transport import message
from rackwright.models.curp.workers import let_go

__all__ = ["back", "dispatched", "start_sync", "wait_for_sync", "write_bytes"]


@kernel
def start_sync(state, now_ps):  # type: ignore[no-untyped-def]
    """Begin a sync if one is wanted and none is under way."""
    fixed, server, m = state.fixed, state.server, state.master
    if fixed.variant < ASYNC or fixed.backups == 0 or m.counts[SYNC_TO] != IDLE:
        return
    unsynced = m.counts[END] - m.counts[SYNCED]
    if unsynced == 0 or (unsynced < fixed.batch and server.waiting_count[0] == 0
                         and server.hot[0] == 0):
        return
    server.hot[0] = 0
    start, to = master_begin_sync(m)
    nbytes = fixed.rpc_bytes
    for position in range(start, to):
        nbytes += fixed.entry_bytes + server.log_nbytes[
            position & (server.log_nbytes.shape[0] - 1)]
    server.sync_bytes[0] = nbytes
    server.sync_start_ps[0] = now_ps
    state.counts.number[SYNCS] += 1
    state.counts.number[SYNCED_ENTRIES] += to - start
    for backup in range(fixed.backups):
        add_job(state.jobs, URGENT, J_SEND, backup, to - start, now_ps)


@kernel
def end_sync(state, start, now_ps):  # type: ignore[no-untyped-def]
    """A sync of the log from `start` on is complete: answer who waited, collect garbage."""
    fixed, server, m = state.fixed, state.server, state.master
    to = m.counts[SYNCED]
    span_add(state.spans, 0, 0, server.sync_start_ps[0], now_ps, to - start)
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
            add_job(state.jobs, URGENT, J_GC, which, to - start, now_ps)


@kernel
def write_bytes(state, item):  # type: ignore[no-untyped-def]
    """Bytes of the write that `item` names."""
    fixed, server = state.fixed, state.server
    if fixed.variant != ORIGINAL:
        return server.sync_bytes[0]
    op = server.op[item // fixed.backups]  # nonzero: a write is only sent to a backup
    return fixed.rpc_bytes + fixed.entry_bytes + state.ops.nbytes[op]


@kernel
def send_write(state, item, now_ps):  # type: ignore[no-untyped-def]
    """A write leaves for a backup: `item` is the backup; original: client x backups + backup."""
    fixed, nbytes = state.fixed, write_bytes(state, item)
    state.counts.number[SYNC_RPCS] += 1
    state.counts.sent_bytes[REPLICATION] += nbytes + fixed.rpc_bytes
    backup = item % fixed.backups  # nonzero: a write is only sent to a backup
    message(state.outbox, 0, 1 + backup, now_ps, nbytes, BACKED, item)


@kernel
def back(state, item, here_ps):  # type: ignore[no-untyped-def]
    """A write is at its backup; the acknowledgement comes back as item `clients + item`."""
    fixed, server = state.fixed, state.server
    backup = item % fixed.backups  # nonzero: a write is only sent to a backup
    start_ps = max(here_ps, server.backup_free_ps[backup])
    server.backup_free_ps[backup] = start_ps + fixed.backup_busy_ps
    message(state.outbox, 1 + backup, 0, start_ps + fixed.backup_ps, fixed.rpc_bytes, ARRIVE,
            fixed.clients + item)


@kernel
def acknowledged(state, item, now_ps):  # type: ignore[no-untyped-def]
    """The dispatch thread has seen a backup's acknowledgement."""
    fixed, server, m = state.fixed, state.server, state.master
    if fixed.variant == ORIGINAL:
        c = item // fixed.backups  # nonzero: a backup has answered
        server.acks[c] += 1
        if server.acks[c] == fixed.backups:
            # each update is synced by itself; the position only tells the log's ring what is old
            m.counts[SYNCED] = max(m.counts[SYNCED], server.wait_end[c])
            let_go(server.freed, server.freed_count, c)
        return
    start = m.counts[SYNCED]
    if master_acknowledge(m, item, m.counts[SYNC_TO]):
        end_sync(state, start, now_ps)


@kernel
def wait_for_sync(state, c, now_ps):  # type: ignore[no-untyped-def]
    """A worker has executed a request that may not be answered yet."""
    server, fixed = state.server, state.fixed
    if fixed.variant == ORIGINAL:
        server.acks[c] = 0
        for backup in range(fixed.backups):
            add_job(state.jobs, URGENT, J_SEND, c * fixed.backups + backup, 1, now_ps)
        if fixed.backups == 0:
            let_go(server.freed, server.freed_count, c)
    elif server.wait_end[c] <= state.master.counts[SYNCED]:   # while the worker ran
        let_go(server.freed, server.freed_count, c)
    else:
        server.waiting[server.waiting_count[0]] = c
        server.waiting_count[0] += 1


@kernel
def dispatched(state, now_ps):  # type: ignore[no-untyped-def]
    """The dispatch thread has done its job."""
    jobs, server, fixed = state.jobs, state.server, state.fixed
    kind, item, amount = jobs.now[0], jobs.now[1], jobs.now[2]
    jobs.now[0] = -1
    if kind == J_REQUEST:
        server.queue[server.queue_ends[1] & (server.queue.shape[0] - 1)] = item
        server.queue_ends[1] += 1
    elif kind == J_SEND:
        send_write(state, item, now_ps)
    elif kind == J_ACK:
        acknowledged(state, item, now_ps)
    else:
        nbytes = fixed.gc_bytes + amount * fixed.gc_entry_bytes
        state.counts.number[GC_RPCS] += 1
        state.counts.sent_bytes[WITNESSES] += nbytes + fixed.rpc_bytes
        message(state.outbox, 0, 1 + fixed.backups + item, now_ps, nbytes, GC, item)
