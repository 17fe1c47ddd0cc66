"""What happens at a client, at the witnesses and at the backups, in time.

The ends of `Paths` are numbered: the master 0, then backups, witnesses and clients. A read near by
asks the witness on the backup's machine first, then the backup: one request for both.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.witness_table.golden import ACCEPT
from rackwright.models.curp.backups import backup_read
from rackwright.models.curp.clients import (
    FINISHED,
    WAITING,
    client_begin,
    client_decide,
    client_hears_master,
    client_hears_witness,
)
from rackwright.models.curp.codes import (
    ARRIVE,
    ASK_SYNC,
    CURP,
    FREED_ENTRIES,
    MODIFY,
    NEAR,
    NEARBY,
    NEXT,
    RECORD,
    RECORDS,
    REJECTS,
    REQUESTS,
    STALE_RETRIES,
)
from rackwright.models.curp.master import READ, log_at
from rackwright.models.curp.transport import answer, event, message
from rackwright.models.curp.witnesses import collect, end_round, holds, key_hash, record_all

__all__ = ["begin", "gather", "hear", "keep", "look", "reads", "reply", "request_bytes"]

TO_MASTER, ANSWERS, REPLICATION, WITNESSES, READ_NEAR = range(5)    # rows of Counts.sent_bytes


@kernel
def reads(kinds, op, wrote, c):  # type: ignore[no-untyped-def]
    """True while client `c` reads: a read-modify-write reads first."""
    kind = kinds[op[c]]
    return kind == READ or (kind == MODIFY and wrote[c] == 0)


@kernel
def request_bytes(fixed, ops, op):  # type: ignore[no-untyped-def]
    """Bytes of an update's request: the values of all its objects, and their keys."""
    more = ops.objects[op] - 1
    return fixed.request_bytes + ops.nbytes[op] * (more + 1) + fixed.key_bytes * more


@kernel
def begin(state, c, now_ps):  # type: ignore[no-untyped-def]
    """Client `c` sends its request, and records on the witnesses if it is an update."""
    fixed, server, ops = state.fixed, state.server, state.ops
    op = server.op[c]
    end = 1 + fixed.backups + fixed.witnesses + c
    nbytes, count, enough = fixed.read_bytes, 0, 0
    row, target, kind, stage = TO_MASTER, 0, ARRIVE, REQUESTS
    if not reads(state.ops.kind, state.server.op, state.server.wrote, c):
        nbytes = request_bytes(fixed, ops, op)
        if fixed.variant == CURP:
            count, enough = fixed.witnesses, fixed.quorum
    elif fixed.near == 1:
        row, target, kind, stage = READ_NEAR, 1 + server.near[c], NEAR, NEARBY
    client_begin(state.clients, c, op + 1, (1 << count) - 1, enough)
    server.turn[c] += 1
    server.stage[c] = stage
    server.trips[c] += 1
    server.answers[c] = 1 + count * (1 - fixed.late)
    server.ready_ps[c] = 0
    sent_ps = now_ps + fixed.before_ps + count * fixed.send_ps
    state.counts.sent_bytes[row] += nbytes
    message(state.outbox, end, target, sent_ps, nbytes, kind, c)
    nbytes += fixed.record_bytes
    for which in range(count):
        state.counts.sent_bytes[WITNESSES] += nbytes
        message(state.outbox, end, 1 + fixed.backups + which, sent_ps, nbytes, RECORD,
                op * fixed.witnesses + which)


@kernel
def settle(fixed, outbox, c, verdict, ready_ps, reply_ps):  # type: ignore[no-untyped-def]
    """Client `c` has heard enough: it is done, or asks for a sync (near by: asks the master).

    `reply_ps`: when it may go on already, since the master's answer says that it has synced.
    """
    if verdict == FINISHED:
        event(outbox, min(ready_ps, reply_ps) + fixed.after_ps, NEXT, c)
    else:
        event(outbox, ready_ps + fixed.send_ps, ASK_SYNC, c)


@kernel
def hear(state, source, c, good, here_ps, now_ps):  # type: ignore[no-untyped-def]
    """An answer to client `c` that arrives at `here_ps` is known; the one that is enough decides.

    Where all are waited for, answers are known before they arrive; else they are heard as they do.
    """
    server, fixed = state.server, state.fixed
    if source > fixed.backups:
        client_hears_witness(state.clients, c, source - 1 - fixed.backups, good == 1)
    elif source == 0 or good == 1:
        server.reply_ps[c] = here_ps
        client_hears_master(state.clients, c, server.result[c], source == 0 and good == 1)
    server.ready_ps[c] = max(server.ready_ps[c], here_ps)
    verdict = client_decide(state.clients, c)
    if fixed.late == 0:
        server.answers[c] -= 1
        if server.answers[c] > 0:
            return
    elif verdict == WAITING or server.answers[c] == 0:
        return
    server.answers[c] = 0
    reply_ps = server.ready_ps[c]
    if state.clients.synced[c] == 1:          # whatever the witnesses say
        reply_ps = max(server.reply_ps[c], now_ps)
    settle(fixed, state.outbox, c, verdict, server.ready_ps[c], reply_ps)


@kernel
def reply(fixed, ops, own, wrote, sent, outbox, c, at_ps, synced):  # type: ignore[no-untyped-def]
    """The master answers client `c` at `at_ps`; `own`, `wrote`: Server.op, Server.wrote."""
    nbytes = fixed.answer_bytes
    if reads(ops.kind, own, wrote, c):
        nbytes += ops.nbytes[own[c]] * ops.objects[own[c]]
    sent[ANSWERS] += nbytes
    answer(outbox, 0, c, at_ps, nbytes, 1 if synced else 0)


@kernel
def serve_witness(fixed, free_ps, busy_ps, which, objects, here_ps):  # type: ignore[no-untyped-def]
    """A witness is asked about some keys: when it can tell."""
    more_ps = fixed.record_ps * fixed.each_entry * (objects - 1)
    start_ps = max(here_ps, free_ps[which])
    free_ps[which] = start_ps + fixed.record_ps + more_ps
    busy_ps[which] += fixed.record_ps + more_ps
    return start_ps + fixed.answer_ps + more_ps


@kernel
def keep(state, item, here_ps):  # type: ignore[no-untyped-def]
    """A record is at its witness: it is served in turn, and answered."""
    fixed, server, ops = state.fixed, state.server, state.ops
    op = item // fixed.witnesses  # nonzero: there is a witness, or there would be no record
    which = item - op * fixed.witnesses
    c = ops.client[op]
    told_ps = serve_witness(fixed, server.witness_free_ps, server.witness_busy_ps, which,
                            ops.objects[op], here_ps)
    status = record_all(state.witnesses, which, 0, ops.key[op], ops.objects[op], c, op + 1, op)
    state.counts.number[RECORDS] += 1
    if status != ACCEPT:
        state.counts.number[REJECTS] += 1
    state.counts.sent_bytes[WITNESSES] += fixed.record_answer_bytes
    if server.op[c] == op:     # else enough others have accepted, and the client has gone on
        answer(state.outbox, 1 + fixed.backups + which, c, told_ps, fixed.record_answer_bytes,
               1 if status == ACCEPT else 0)


@kernel
def look(state, c, here_ps):  # type: ignore[no-untyped-def]
    """A read is at the backup of client `c`: the witness beside it is asked, then its copy."""
    fixed, server, ops = state.fixed, state.server, state.ops
    which, op = server.near[c], server.op[c]
    start_ps = max(here_ps, server.backup_free_ps[which]) + fixed.look_ps
    server.backup_free_ps[which] = start_ps
    told_ps = serve_witness(fixed, server.witness_free_ps, server.witness_busy_ps, which,
                            ops.objects[op], start_ps)
    good, nbytes = 0, fixed.rpc_bytes
    if not holds(state.witnesses, which, ops.key[op], ops.objects[op]):
        good, server.result[c] = backup_read(state.backups, which, 0, state.backups.known[which],
                                             ops.key[op], ops.objects[op])
    if good == 1:
        nbytes = fixed.answer_bytes + ops.nbytes[op] * ops.objects[op]
        told_ps += fixed.read_ps
        server.backup_free_ps[which] += fixed.read_ps
    state.counts.sent_bytes[READ_NEAR] += nbytes
    answer(state.outbox, 1 + which, c, told_ps, nbytes, good)


@kernel
def gather(state, which, here_ps):  # type: ignore[no-untyped-def]
    """A gc is at its witness: free what has been synced, report what seems stale."""
    fixed, server, ws, ops = state.fixed, state.server, state.witnesses, state.ops
    mask = server.gc_from.shape[1] - 1
    at = server.gc_ends[which, 0] & mask
    server.gc_ends[which, 0] += 1
    start, to = server.gc_from[which, at], server.gc_to[which, at]
    service_ps = fixed.record_ps * max(1, fixed.each_entry * (to - start))
    server.witness_free_ps[which] = max(here_ps, server.witness_free_ps[which]) + service_ps
    server.witness_busy_ps[which] += service_ps
    freed = 0
    again = server.retry_ends[0] - server.retry_ends[1 + which]
    for position in range(start - again, to):
        key, client, rpc = log_at(state.master, max(position, start))
        objects = 1
        if position < start:      # what some witness suspects to be stale comes first
            op = server.retry[server.retry_ends[1 + which] & mask]
            server.retry_ends[1 + which] += 1
            key, client, rpc, objects = ops.key[op], ops.client[op], op + 1, ops.objects[op]
        for other in range(key, key + objects):
            if collect(ws, which, key_hash(ws, other), client, rpc):
                freed += 1
    state.counts.number[FREED_ENTRIES] += freed
    end_round(ws, which)
    for place in range(ws.suspects[which]):   # the master knows them all: it only collects again
        server.retry[server.retry_ends[0] & mask] = ws.suspect[which, place]
        server.retry_ends[0] += 1
        state.counts.number[STALE_RETRIES] += 1
    ws.suspects[which] = 0
