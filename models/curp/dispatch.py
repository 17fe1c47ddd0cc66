"""The master's dispatch thread: one job after another, urgent ones first.

Writes to backups and gc requests are urgent; requests and acknowledgements come in their order of
arrival. Costs are affine in the entries of a job.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.codes import DISPATCHED, J_ACK, J_GC, J_REQUEST, J_SEND
from rackwright.models.curp.transport import event

__all__ = ["ORDINARY", "URGENT", "add_job", "next_job"]

URGENT, ORDINARY = 0, 1


@kernel
def add_job(jobs, line, kind, item, amount, ready_ps):  # type: ignore[no-untyped-def]
    """Put a job into a line of the dispatch thread; the rings are larger than what can wait."""
    at = jobs.tail[line] & (jobs.kind.shape[1] - 1)
    jobs.tail[line] += 1
    jobs.kind[line, at] = kind
    jobs.item[line, at] = item
    jobs.amount[line, at] = amount
    jobs.ready_ps[line, at] = ready_ps


@kernel
def next_job(jobs, fixed, outbox, now_ps):  # type: ignore[no-untyped-def]
    """Start the dispatch thread's next job, if it is idle and there is one."""
    if jobs.now[0] >= 0:
        return
    line = URGENT
    if jobs.head[URGENT] == jobs.tail[URGENT]:
        line = ORDINARY
    if jobs.head[line] == jobs.tail[line]:
        return
    at = jobs.head[line] & (jobs.kind.shape[1] - 1)
    jobs.head[line] += 1
    kind, amount = jobs.kind[line, at], jobs.amount[line, at]
    jobs.now[0], jobs.now[1], jobs.now[2] = kind, jobs.item[line, at], amount
    cost_ps = fixed.dispatch_ps
    if kind == J_ACK:
        cost_ps = fixed.ack_ps
    elif kind == J_SEND:
        cost_ps = fixed.send_fixed_ps + amount * fixed.send_entry_ps
    elif kind == J_GC:
        cost_ps = fixed.gc_fixed_ps + amount * fixed.gc_entry_ps
    jobs.busy_ps[0 if kind == J_REQUEST else 1] += cost_ps
    event(outbox, max(now_ps, jobs.ready_ps[line, at]) + cost_ps, DISPATCHED, 0)
