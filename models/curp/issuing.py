"""Clients in time: which operation comes next, and when."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.codes import (
    ARRIVE,
    ASKS,
    FAST,
    ISSUE,
    MODIFY,
    NEAR_READS,
    NEAR_REFUSED,
    NEARBY,
    READS,
    REQUESTS,
    SYNC_ASKED,
    TAGGED,
    UPDATES,
)
from rackwright.models.curp.steps import TO_MASTER, reads
from rackwright.models.curp.transport import event, message

__all__ = ["ask_sync", "finish", "hand_out", "issue"]


@kernel
def ask_sync(fixed, server, counts, replied, outbox, c, now_ps):  # type: ignore[no-untyped-def]
    """A client that a witness has refused asks the master to sync, or to read in its stead."""
    nbytes, count, stage = fixed.rpc_bytes, SYNC_ASKED, ASKS
    if server.stage[c] == NEARBY:
        nbytes, count, stage = fixed.read_bytes, NEAR_REFUSED, REQUESTS
    counts.number[count] += 1
    server.stage[c] = stage
    server.trips[c] += 1
    server.answers[c] = 1
    replied[c] = 0
    counts.sent_bytes[TO_MASTER] += nbytes
    end = 1 + fixed.backups + fixed.witnesses + c
    message(outbox, end, 0, now_ps, nbytes, ARRIVE, c)


@kernel
def begin_later(outbox, c):  # type: ignore[no-untyped-def]
    """Have client `c` begin its request at the end of this event."""
    outbox.beginning[outbox.beginning_count[0]] = c
    outbox.beginning_count[0] += 1


@kernel
def finish(fixed, server, ops, number, outbox, c, now_ps):  # type: ignore[no-untyped-def]
    """A client has its answer: the write of a read-modify-write follows, or it is idle."""
    op = server.op[c]
    if server.stage[c] == NEARBY:
        number[NEAR_READS] += 1
    if ops.kind[op] == MODIFY and server.wrote[c] == 0:
        number[READS] += 1
        server.wrote[c] = 1
        server.trips[c] = 0
        begin_later(outbox, c)
        return
    if reads(ops.kind, server.op, server.wrote, c):
        number[READS] += 1
    else:
        number[UPDATES] += 1
        if server.trips[c] == 1:
            number[FAST] += 1
        elif server.stage[c] == REQUESTS:
            number[TAGGED] += 1
    ops.finish_ps[op] = now_ps
    ops.trips[op] = server.trips[c]
    server.op[c] = -1
    server.done[0] += 1
    server.resume_ps[c] += fixed.gap_ps
    if fixed.closed == 0:
        server.idle[server.idle_count[0]] = c
        server.idle_count[0] += 1
    else:
        event(outbox, max(now_ps, server.resume_ps[c]), ISSUE, c)


@kernel
def issue(fixed, server, due_ps, outbox, item):  # type: ignore[no-untyped-def]
    """A client of a closed loop goes on, or (item = clients) an operation arrives."""
    if item < fixed.clients:
        if server.next_op[0] < server.arrived[0]:
            server.idle[server.idle_count[0]] = item
            server.idle_count[0] += 1
        return
    server.arrived[0] += 1
    if server.arrived[0] < due_ps.shape[0]:
        event(outbox, due_ps[server.arrived[0]], ISSUE, fixed.clients)


@kernel
def hand_out(server, ops, outbox, now_ps):  # type: ignore[no-untyped-def]
    """Idle clients take operations that have arrived."""
    while server.idle_count[0] > 0 and server.next_op[0] < server.arrived[0]:
        server.idle_count[0] -= 1
        c = server.idle[server.idle_count[0]]
        op = server.next_op[0]
        server.next_op[0] += 1
        server.op[c] = op
        server.wrote[c] = 0
        server.trips[c] = 0
        ops.client[op] = c
        ops.start_ps[op] = now_ps
        begin_later(outbox, c)
