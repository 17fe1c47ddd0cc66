"""The timed replay of CURP and its baselines, event by event.

A request crosses the fabric to the master's dispatch thread, which serves one job after another:
writes to backups and gc requests first, then requests and acknowledgements in order of arrival. A
request goes to a worker, which executes it when the dispatch thread hands it over. What may not be
answered yet blocks its worker until the backups have it. Whoever is answered decides by
`clients.py`; the rules of master and witnesses are `master.py` and `witnesses.py`. (Park and
Ousterhout, NSDI 2019, sections 3 and 4, as the card of this folder reads them.)

Events at the same time: backups, gc, records, arrivals, dispatch, waits, clients.
"""

from __future__ import annotations

from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, GROW, RUNNING, STALLED
from rackwright.models.curp.dispatch import ORDINARY, add_job, next_job
from rackwright.models.curp.issuing import ask_sync, finish, hand_out, issue
from rackwright.models.curp.master import END, SYNCED
from rackwright.models.curp.state import (
    ARRIVE,
    ASK_SYNC,
    BACKED,
    DISPATCHED,
    GC,
    GROW_HEAP,
    ISSUE,
    J_ACK,
    J_REQUEST,
    LOG_FULL,
    NEXT,
    QUEUE_FULL,
    RECORD,
    WAIT,
)
from rackwright.models.curp.steps import begin, gather, hear, keep, reads
from rackwright.models.curp.syncing import back, dispatched, start_sync, wait_for_sync, write_bytes
from rackwright.models.curp.transport import land_ps, leave_ps
from rackwright.models.curp.workers import free_worker, release, work

__all__ = ["advance"]


@kernel
def landed_ps(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """When the tail of the message that event `kind` is about has arrived."""
    fixed, server = state.fixed, state.server
    witnesses = 1 + fixed.backups
    source, target, nbytes = 0, 0, fixed.rpc_bytes
    if kind == RECORD:
        c = item // fixed.witnesses  # nonzero: a record is only sent to a witness
        source, target = witnesses + fixed.witnesses + c, witnesses + item - c * fixed.witnesses
        nbytes = fixed.request_bytes + state.ops.nbytes[server.op[c]] + fixed.record_bytes
    elif kind == GC:
        at = server.gc_ends[item, 0] & (server.gc_from.shape[1] - 1)
        target = witnesses + item
        entries = server.gc_to[item, at] - server.gc_from[item, at]
        nbytes = fixed.gc_bytes + entries * fixed.gc_entry_bytes
    elif kind == BACKED:
        target, nbytes = 1 + item % fixed.backups, write_bytes(state, item)  # nonzero: see there
    elif kind == ARRIVE and item >= fixed.clients:
        source = 1 + (item - fixed.clients) % fixed.backups  # nonzero: a backup has answered
    elif kind == ARRIVE:
        source = witnesses + fixed.witnesses + item
        if server.stage[item] == 0:
            nbytes = fixed.read_bytes
            if not reads(state.ops.kind, state.server.op, state.server.wrote, item):
                nbytes = fixed.request_bytes + state.ops.nbytes[server.op[item]]
    else:
        return now_ps
    return land_ps(state.ports, state.paths, source, target, now_ps, nbytes)


@kernel
def carry_out(state, now_ps):  # type: ignore[no-untyped-def]
    """What this event has caused: clients begin, answers and messages leave."""
    outbox, fixed = state.outbox, state.fixed
    for place in range(outbox.beginning_count[0]):
        begin(state, outbox.beginning[place], now_ps)
    outbox.beginning_count[0] = 0
    for place in range(outbox.answer_count[0]):
        source, c = outbox.answer_source[place], outbox.answer_client[place]
        end = 1 + fixed.backups + fixed.witnesses + c
        nbytes = outbox.answer_nbytes[place]
        head_ps = leave_ps(state.ports, state.paths, source, end, outbox.answer_ps[place], nbytes)
        here_ps = land_ps(state.ports, state.paths, source, end, head_ps, nbytes)
        hear(state, source, c, here_ps, now_ps)
    outbox.answer_count[0] = 0
    for place in range(outbox.count[0]):
        kind = outbox.kind[place]
        head_ps = leave_ps(state.ports, state.paths, outbox.source[place], outbox.target[place],
                           outbox.at_ps[place], outbox.nbytes[place])
        heap_push(state.heap, head_ps, kind, kind, outbox.item[place])
    outbox.count[0] = 0


@kernel
def handle(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """One event, and whatever may start after it."""
    here_ps, clients = landed_ps(state, kind, item, now_ps), state.fixed.clients
    if kind == RECORD:
        keep(state, item, here_ps)
    elif kind == ARRIVE:
        if item < clients:
            add_job(state.jobs, ORDINARY, J_REQUEST, item, 0, here_ps)
        else:
            add_job(state.jobs, ORDINARY, J_ACK, item - clients, 0, here_ps)
    elif kind == DISPATCHED:
        dispatched(state, now_ps)
    elif kind == NEXT:
        finish(state, item, now_ps)
    elif kind == ISSUE:
        issue(state, item, now_ps)
    elif kind == WAIT:
        wait_for_sync(state, item, now_ps)
    elif kind == BACKED:
        back(state, item, here_ps)
    elif kind == GC:
        gather(state, item, here_ps)
    elif kind == ASK_SYNC:
        ask_sync(state, item, now_ps)
    hand_out(state, now_ps)
    server = state.server
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
    next_job(state, now_ps)
    carry_out(state, now_ps)


@kernel
def broken(state):  # type: ignore[no-untyped-def]
    """The code of a ring that overflows, 0 if all is well."""
    m, server = state.master, state.server
    if m.counts[END] - m.counts[SYNCED] > m.log_key.shape[0] // 2:
        return LOG_FULL
    for which in range(server.gc_ends.shape[0]):
        if server.gc_ends[which, 1] - server.gc_ends[which, 0] >= server.gc_from.shape[1]:
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
        if broken(state) != 0:
            control.code[0] = broken(state)
            return FAULT
    return RUNNING
