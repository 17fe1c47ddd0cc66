"""What an event of a fault schedule sends, and the numbers of the nodes."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.world import MASTERS

__all__ = [
    "OLD_LIST", "PATIENCE", "TAGGED", "UNTAGGED", "backup_node", "manager_node", "master_node",
    "post", "timer", "witness_node",
]

UNTAGGED, TAGGED, OLD_LIST = 0, 1, 2     # what a reply says
PATIENCE = 30                            # ticks until a client or a master sends again


@kernel
def post(out, source, target, kind, a, b, c, d, e, f, g):  # type: ignore[no-untyped-def]
    """Note a message for the end of the event; source -1: a timer of `a` after `b` ticks."""
    row = out.rows[out.count[0]]
    out.count[0] += 1
    row[0], row[1], row[2] = source, target, kind
    row[3], row[4], row[5], row[6], row[7], row[8], row[9] = a, b, c, d, e, f, g


@kernel
def timer(out, kind, item, ticks):  # type: ignore[no-untyped-def]
    post(out, -1, 0, kind, item, ticks, 0, 0, 0, 0, 0)


@kernel
def master_node(plan, which):  # type: ignore[no-untyped-def]
    return plan.clients + which


@kernel
def backup_node(plan, which):  # type: ignore[no-untyped-def]
    return plan.clients + MASTERS + which


@kernel
def witness_node(plan, which):  # type: ignore[no-untyped-def]
    return plan.clients + MASTERS + plan.replicas + which


@kernel
def manager_node(plan):  # type: ignore[no-untyped-def]
    return plan.clients + MASTERS + 2 * plan.replicas
