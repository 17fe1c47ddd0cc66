"""The timed replay of CURP and its baselines, event by event.

A request crosses the fabric to the master's dispatch thread, which serves one job after another:
writes to backups and gc requests first, then requests and acknowledgements in order of arrival. A
request goes to a worker, which executes it when the dispatch thread hands it over. What may not be
answered yet blocks its worker until the backups have it. Whoever is answered decides by
`clients.py`; the rules of master, witnesses and backups are `master.py`, `witnesses.py` and
`backups.py`. (Park and Ousterhout, NSDI 2019, sections 3 and 4, as the card of this folder reads
them.)

Events at the same time: backups, gc, records, arrivals, dispatch, waits, clients, reads near by.
"""

from __future__ import annotations

from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, GROW, RUNNING, STALLED
from rackwright.models.curp.codes import (
    ARRIVE,
    ASK_SYNC,
    ASKS,
    BACKED,
    DISPATCHED,
    GC,
    GROW_HEAP,
    HEARD,
    ISSUE,
    J_ACK,
    J_REQUEST,
    LOG_FULL,
    NEAR,
    NEXT,
    QUEUE_FULL,
    RECORD,
    WAIT,
)
from rackwright.models.curp.dispatch import ORDINARY, add_job, next_job
from rackwright.models.curp.issuing import ask_sync, finish, hand_out, issue
from rackwright.models.curp.master import END, SYNCED
from rackwright.models.curp.steps import begin, gather, hear, keep, look, reads, request_bytes
from rackwright.models.curp.syncing import back, dispatched, start_sync, wait_for_sync, write_bytes
from rackwright.models.curp.transport import answer, event, jitter_ps, land_ps, leave_ps
from rackwright.models.curp.workers import free_worker, release, work

__all__ = ["advance"]

ARRIVED = 2      # an answer in the outbox that needs no way any more


@kernel
def landed_ps(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """When the tail of the message that event `kind` is about has arrived."""
    fixed, server, ops = state.fixed, state.server, state.ops
    witnesses = 1 + fixed.backups
    source, target, nbytes = 0, 0, fixed.rpc_bytes
    if kind == RECORD:
        op = item // fixed.witnesses  # nonzero: a record is only sent to a witness
        source = witnesses + fixed.witnesses + ops.client[op]
        target = witnesses + item - op * fixed.witnesses
        nbytes = request_bytes(fixed, ops, op) + fixed.record_bytes
    elif kind == GC:
        at = server.gc_ends[item, 0] & (server.gc_from.shape[1] - 1)
        target = witnesses + item
        entries = server.gc_to[item, at] - server.gc_from[item, at]
        nbytes = fixed.gc_bytes + entries * fixed.gc_entry_bytes
    elif kind == BACKED:
        target = 1 + item % fixed.backups  # nonzero: a write is only sent to a backup
        nbytes = write_bytes(fixed, server.log_total, item)
    elif kind == ARRIVE and item >= fixed.clients:
        source = 1 + (item - fixed.clients) % fixed.backups  # nonzero: a backup has answered
    elif kind == ARRIVE or kind == NEAR:
        source = witnesses + fixed.witnesses + item
        if kind == NEAR:
            target = 1 + server.near[item]
        if server.stage[item] != ASKS:
            nbytes = fixed.read_bytes
            if not reads(ops.kind, server.op, server.wrote, item):
                nbytes = request_bytes(fixed, ops, server.op[item])
    else:
        return now_ps
    return land_ps(state.ports, state.paths, source, target, now_ps, nbytes)


@kernel
def carry_out(state, now_ps):  # type: ignore[no-untyped-def]
    """What this event has caused: clients begin, answers and messages leave."""
    outbox, fixed, paths = state.outbox, state.fixed, state.paths
    for place in range(outbox.beginning_count[0]):
        begin(state, outbox.beginning[place], now_ps)
    outbox.beginning_count[0] = 0
    for place in range(outbox.answer_count[0]):
        source, c = outbox.answer_source[place], outbox.answer_client[place]
        end = 1 + fixed.backups + fixed.witnesses + c
        good, here_ps = outbox.answer_good[place], now_ps
        if good < ARRIVED:
            nbytes = outbox.answer_nbytes[place]
            head_ps = leave_ps(state.ports, paths, source, end, outbox.answer_ps[place], nbytes)
            here_ps = land_ps(state.ports, paths, source, end, head_ps, nbytes)
            here_ps += jitter_ps(state.noise)
        if good < ARRIVED and fixed.late == 1:
            code = (state.server.turn[c] << 7) + (good << 6) + source
            event(outbox, here_ps, HEARD, (code << 9) + c)
        else:
            hear(state, source, c, good & 1, here_ps, now_ps)
    outbox.answer_count[0] = 0
    for place in range(outbox.count[0]):
        kind = outbox.kind[place]
        source, end = outbox.source[place], outbox.target[place]
        head_ps = leave_ps(state.ports, paths, source, end, outbox.at_ps[place],
                           outbox.nbytes[place])
        if paths.first[source, end] >= 0:
            head_ps += jitter_ps(state.noise)
        heap_push(state.heap, head_ps, kind, kind, outbox.item[place])
    outbox.count[0] = 0


@kernel
def arrive(outbox, turn, item, now_ps):  # type: ignore[no-untyped-def]
    """An answer is at its client, which may have gone on to another request."""
    c, code = item & 511, item >> 9
    if code >> 7 == turn[c]:
        answer(outbox, code & 63, c, now_ps, 0, ARRIVED + ((code >> 6) & 1))


@kernel
def handle(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """One event, and whatever may start after it."""
    here_ps = landed_ps(state, kind, item, now_ps)
    fixed, server, ops, outbox = state.fixed, state.server, state.ops, state.outbox
    if kind == RECORD:
        keep(state, item, here_ps)
    elif kind == ARRIVE:
        job, about = J_REQUEST, item
        if item >= fixed.clients:
            job, about = J_ACK, item - fixed.clients
        add_job(state.jobs, ORDINARY, job, about, 0, here_ps)
    elif kind == DISPATCHED:
        dispatched(state, now_ps)
    elif kind == NEXT:
        finish(fixed, server, ops, state.counts.number, outbox, item, now_ps)
    elif kind == ISSUE:
        issue(fixed, server, ops.due_ps, outbox, item)
    elif kind == WAIT:
        wait_for_sync(server, state.master.counts, item)
    elif kind == BACKED:
        back(state, item, here_ps)
    elif kind == GC:
        gather(state, item, here_ps)
    elif kind == ASK_SYNC:
        ask_sync(fixed, server, state.counts, state.clients.replied, outbox, item, now_ps)
    elif kind == NEAR:
        look(state, item, here_ps)
    elif kind == HEARD:
        arrive(outbox, server.turn, item, now_ps)
    hand_out(server, ops, outbox, now_ps)
    for at in range(server.freed_count[0]):
        release(state, server.freed[at], now_ps)
    server.freed_count[0] = 0
    while server.queue_ends[0] < server.queue_ends[1]:
        w = free_worker(server.held, server.free_ps)
        if w < 0:
            break
        c = server.queue[server.queue_ends[0] & (server.queue.shape[0] - 1)]
        server.queue_ends[0] += 1
        work(state, c, w, now_ps)
    start_sync(state, now_ps)
    next_job(state.jobs, fixed, outbox, now_ps)
    carry_out(state, now_ps)


@kernel
def broken(fixed, counts, acked, ring, gc_ends, gc_ring):  # type: ignore[no-untyped-def]
    """The code of a ring that overflows, 0 if all is well."""
    if counts[END] - counts[SYNCED] > ring // 2:
        return LOG_FULL
    for backup in range(fixed.backups * fixed.late):   # a majority goes on without it
        if counts[END] - acked[backup] > ring // 2:
            return LOG_FULL
    for which in range(gc_ends.shape[0]):
        if gc_ends[which, 1] - gc_ends[which, 0] >= gc_ring:
            return QUEUE_FULL
    return 0


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run until `until_ps` or for `max_events` events; see `rackwright.engine.status`."""
    control, heap = state.control, state.heap
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if state.server.done[0] == state.ops.kind.shape[0]:
            return DONE
        if heap_room(heap) < state.outbox.at_ps.shape[0]:
            control.code[0] = GROW_HEAP
            return GROW
        if heap.size[0] == 0:
            return STALLED
        if heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        now_ps, kind, item = heap_pop(heap)
        control.now_ps[0] = now_ps
        control.events[0] += 1
        handle(state, kind, item, now_ps)
        code = broken(state.fixed, state.master.counts, state.master.acked,
                      state.master.log_key.shape[0], state.server.gc_ends,
                      state.server.gc_from.shape[1])
        if code != 0:
            control.code[0] = code
            return FAULT
    return RUNNING
