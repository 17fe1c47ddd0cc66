"""What happens at a client, at the witnesses and at the backups, in time.

The ends of `Paths` are numbered: the master 0, then backups, witnesses and clients.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import ACCEPT
from rackwright.models.curp.clients import (
    FINISHED,
    client_begin,
    client_decide,
    client_hears_master,
    client_hears_witness,
)
from rackwright.models.curp.master import READ, log_at
from rackwright.models.curp.state import (
    ARRIVE,
    ASK_SYNC,
    CURP,
    FREED_ENTRIES,
    MODIFY,
    NEXT,
    RECORD,
    RECORDS,
    REJECTS,
    STALE_RETRIES,
)
from rackwright.models.curp.transport import answer, event, message
from rackwright.models.curp.witnesses import collect, end_round, key_hash, record

__all__ = ["begin", "gather", "hear", "keep", "reads", "reply"]

TO_MASTER, ANSWERS, REPLICATION, WITNESSES = range(4)    # rows of Counts.sent_bytes


@kernel
def reads(kinds, op, wrote, c):  # type: ignore[no-untyped-def]
    """True while client `c` reads: a read-modify-write reads first."""
    kind = kinds[op[c]]
    return kind == READ or (kind == MODIFY and wrote[c] == 0)


@kernel
def begin(state, c, now_ps):  # type: ignore[no-untyped-def]
    """Client `c` sends its request, and records on the witnesses if it is an update."""
    fixed, server, ops = state.fixed, state.server, state.ops
    op = server.op[c]
    end = 1 + fixed.backups + fixed.witnesses + c
    nbytes, count = fixed.read_bytes, 0
    if not reads(state.ops.kind, state.server.op, state.server.wrote, c):
        nbytes = fixed.request_bytes + ops.nbytes[op]
        if fixed.variant == CURP:
            count = fixed.witnesses
    client_begin(state.clients, c, op + 1, (1 << count) - 1)
    server.stage[c] = 0
    server.trips[c] += 1
    server.answers[c] = 1 + count
    server.ready_ps[c] = 0
    sent_ps = now_ps + fixed.before_ps + count * fixed.send_ps
    state.counts.sent_bytes[TO_MASTER] += nbytes
    message(state.outbox, end, 0, sent_ps, nbytes, ARRIVE, c)
    nbytes += fixed.record_bytes
    for which in range(count):
        state.counts.sent_bytes[WITNESSES] += nbytes
        message(state.outbox, end, 1 + fixed.backups + which, sent_ps, nbytes, RECORD,
                c * fixed.witnesses + which)


@kernel
def settle(state, c, now_ps):  # type: ignore[no-untyped-def]
    """All answers to client `c` are known: it is done, or asks for a sync."""
    server, fixed = state.server, state.fixed
    if client_decide(state.clients, c) == FINISHED:
        end_ps = server.ready_ps[c]
        if state.clients.synced[c] == 1:      # whatever the witnesses say
            end_ps = max(server.reply_ps[c], now_ps)
        event(state.outbox, end_ps + fixed.after_ps, NEXT, c)
    else:
        event(state.outbox, server.ready_ps[c] + fixed.send_ps, ASK_SYNC, c)


@kernel
def hear(state, source, c, here_ps, now_ps):  # type: ignore[no-untyped-def]
    """An answer to client `c` that arrives at `here_ps` is known; the last one decides."""
    server = state.server
    if source == 0:
        server.reply_ps[c] = here_ps
    server.ready_ps[c] = max(server.ready_ps[c], here_ps)
    server.answers[c] -= 1
    if server.answers[c] == 0:
        settle(state, c, now_ps)


@kernel
def reply(state, c, at_ps, synced):  # type: ignore[no-untyped-def]
    """The master answers client `c` at `at_ps`."""
    nbytes = state.fixed.answer_bytes
    if reads(state.ops.kind, state.server.op, state.server.wrote, c):
        op = state.server.op[c]
        nbytes += state.ops.nbytes[op] * state.ops.objects[op]
    state.counts.sent_bytes[ANSWERS] += nbytes
    client_hears_master(state.clients, c, state.server.result[c], synced)
    answer(state.outbox, 0, c, at_ps, nbytes)


@kernel
def keep(state, item, here_ps):  # type: ignore[no-untyped-def]
    """A record is at its witness: it is served in turn, and answered."""
    fixed, server = state.fixed, state.server
    c = item // fixed.witnesses  # nonzero: there is a witness, or there would be no record
    which = item - c * fixed.witnesses
    op = server.op[c]
    start_ps = max(here_ps, server.witness_free_ps[which])
    server.witness_free_ps[which] = start_ps + fixed.record_ps
    server.witness_busy_ps[which] += fixed.record_ps
    status = record(state.witnesses, which, 0, key_hash(state.witnesses, state.ops.key[op]), c,
                    op + 1, op)
    state.counts.number[RECORDS] += 1
    if status != ACCEPT:
        state.counts.number[REJECTS] += 1
    state.counts.sent_bytes[WITNESSES] += fixed.record_answer_bytes
    client_hears_witness(state.clients, c, which, status == ACCEPT)
    answer(state.outbox, 1 + fixed.backups + which, c, start_ps + fixed.answer_ps,
           fixed.record_answer_bytes)


@kernel
def gather(state, which, here_ps):  # type: ignore[no-untyped-def]
    """A gc is at its witness: free what has been synced, report what seems stale."""
    fixed, server, ws = state.fixed, state.server, state.witnesses
    mask = server.gc_from.shape[1] - 1
    at = server.gc_ends[which, 0] & mask
    server.gc_ends[which, 0] += 1
    start, to = server.gc_from[which, at], server.gc_to[which, at]
    service_ps = fixed.record_ps * max(1, fixed.gc_operations * (to - start))
    server.witness_free_ps[which] = max(here_ps, server.witness_free_ps[which]) + service_ps
    server.witness_busy_ps[which] += service_ps
    freed = 0
    again = server.retry_ends[0] - server.retry_ends[1 + which]
    for position in range(start - again, to):
        if position < start:      # what some witness suspects to be stale comes first
            op = server.retry[server.retry_ends[1 + which] & mask]
            server.retry_ends[1 + which] += 1
            key, client, rpc = state.ops.key[op], state.ops.client[op], op + 1
        else:
            key, client, rpc = log_at(state.master, position)
        if collect(ws, which, key_hash(ws, key), client, rpc):
            freed += 1
    state.counts.number[FREED_ENTRIES] += freed
    end_round(ws, which)
    for place in range(ws.suspects[which]):   # the master knows them all: it only collects again
        server.retry[server.retry_ends[0] & mask] = ws.suspect[which, place]
        server.retry_ends[0] += 1
        state.counts.number[STALE_RETRIES] += 1
    ws.suspects[which] = 0
