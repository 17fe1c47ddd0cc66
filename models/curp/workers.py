"""The master's workers: what they execute, and whom they wait for.

A worker executes when the dispatch thread hands a request over, and is busy until it is done. What
may not be answered yet blocks it until the backups have it (`polls`).
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.codes import ASKS, CONFLICTS, CURP, ORIGINAL, UNREPLICATED, WAIT
from rackwright.models.curp.master import (
    CLEAN,
    CONFLICT,
    END,
    SYNCED,
    WRITE,
    master_execute,
    master_read,
)
from rackwright.models.curp.steps import reads, reply
from rackwright.models.curp.transport import event

__all__ = ["free_worker", "let_go", "release", "work"]


@kernel
def free_worker(held, free_ps):  # type: ignore[no-untyped-def]
    """The worker that is free first, -1 if all wait for a sync."""
    best = -1
    for w in range(free_ps.shape[0]):
        if held[w] == 0 and (best < 0 or free_ps[w] < free_ps[best]):
            best = w
    return best


@kernel
def update(state, c, op):  # type: ignore[no-untyped-def]
    """Execute an update at the master: 1 if its answer must wait for the backups."""
    fixed, server, m = state.fixed, state.server, state.master
    key, objects, hot = state.ops.key[op], state.ops.objects[op], 0
    for other in range(key, key + objects):
        before = m.position[other]
        if before > 0 and m.counts[END] + objects - before <= fixed.hot_entries:
            hot = 1
    start, total = m.counts[END], server.log_total
    verdict, server.result[c], end = master_execute(m, WRITE, key, objects, op, c, op + 1)
    server.wait_end[c] = end
    mask = total.shape[0] - 1
    for position in range(start, end):
        total[position & mask] = total[(position - 1) & mask] + state.ops.nbytes[op]
    if fixed.variant == UNREPLICATED or fixed.backups == 0:
        m.counts[SYNCED] = end
        return 0
    if fixed.variant == ORIGINAL:
        return 1
    if hot == 1:
        server.hot[0] = 1
    if verdict == CONFLICT and fixed.variant == CURP:
        state.counts.number[CONFLICTS] += 1
        return 1
    return 0


@kernel
def work(state, c, w, now_ps):  # type: ignore[no-untyped-def]
    """Worker `w` runs the request of client `c`."""
    fixed, server, m = state.fixed, state.server, state.master
    op = server.op[c]
    wait, run_ps, verdict = 0, fixed.read_ps, CLEAN
    if server.stage[c] == ASKS:
        if server.wait_end[c] > m.counts[SYNCED]:
            wait = 1
    elif reads(state.ops.kind, state.server.op, state.server.wrote, c):
        verdict, server.result[c], server.wait_end[c] = master_read(
            m, state.ops.key[op], state.ops.objects[op])
        if verdict == CONFLICT and fixed.variant == CURP:
            state.counts.number[CONFLICTS] += 1
            wait = 1
    else:
        run_ps = fixed.write_ps
        wait = update(state, c, op)
    done_ps = max(now_ps, server.free_ps[w]) + run_ps
    server.free_ps[w] = done_ps
    server.worker_busy_ps[0] += run_ps
    server.worker_of[c] = w
    if wait == 0:
        reply(fixed, state.ops, server.op, server.wrote, state.counts.sent_bytes, state.outbox, c,
              done_ps, server.stage[c] == ASKS)
        return
    server.trips[c] += 1
    if fixed.polls == 1:
        server.held[w] = 1
    event(state.outbox, done_ps, WAIT, c)


@kernel
def release(state, c, now_ps):  # type: ignore[no-untyped-def]
    """The backups have what client `c` waits for: it is answered, and its worker goes on."""
    server, fixed = state.server, state.fixed
    w = server.worker_of[c]
    reply(fixed, state.ops, server.op, server.wrote, state.counts.sent_bytes, state.outbox, c,
          now_ps, True)
    if fixed.polls == 1:
        server.worker_busy_ps[1] += now_ps - server.free_ps[w]
        server.free_ps[w] = now_ps
        server.held[w] = 0


@kernel
def let_go(freed, freed_count, c):  # type: ignore[no-untyped-def]
    """Have client `c` released at the end of this event."""
    freed[freed_count[0]] = c
    freed_count[0] += 1
