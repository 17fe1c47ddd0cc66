"""What an event of a fault schedule leaves to do at its end.

The rules are those of the timed replay (`clients.py`, `master.py`, `witnesses.py`, `backups.py`);
here they are driven by messages that may be lost, doubled, late or out of order. Kernels are
inlined, so what several messages cause is noted and done here once.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.client_role import decide, send_request
from rackwright.models.curp.master import DUPLICATE, IGNORED, SYNCED, master_at, master_execute
from rackwright.models.curp.master_role import resend, start_sync
from rackwright.models.curp.world import (
    ACKS_IN_REPLAY,
    DECIDE,
    EXECUTE,
    FORCE,
    HOW,
    REPEAT,
    REPLAYED,
    REPLAYED_ROWS,
    SEND,
    SUSPECTS,
    SYNC,
)
from rackwright.models.protocols.network import draw

__all__ = ["clean_up"]


@kernel
def execute_found(w, i, how):  # type: ignore[no-untyped-def]
    """Run requests that came from a witness through the filter, in any order."""
    m, h, found = master_at(w.masters, i), w.history, w.found
    for left in range(w.found_count[how], 0, -1):
        place = draw(w.net.dice, left)
        row = found[how, place]
        found[how, place] = found[how, left - 1]
        if row < 0:
            continue
        c = row // w.plan.operations  # nonzero: a plan has operations
        rpc = row - c * w.plan.operations
        if w.rules[ACKS_IN_REPLAY] == 1 and how == REPLAYED_ROWS and acknowledged(m, c, rpc):
            continue
        verdict, _, end = master_execute(m, h.kind[row], h.key[row], h.objects[row],
                                         h.argument[row], c, rpc)
        if how == REPLAYED_ROWS:
            if verdict < DUPLICATE:
                w.counts[REPLAYED] += 1
            continue
        w.counts[SUSPECTS] += 1
        again = w.again_count[i]
        if (verdict == IGNORED or (verdict == DUPLICATE and end <= m.counts[SYNCED])) \
                and again < w.again.shape[1]:
            w.again[i, again] = row
            w.again_count[i] = again + 1
        w.todo[SYNC], w.todo[FORCE] = i, 1
    w.found_count[how] = 0


@kernel
def acknowledged(m, c, rpc):  # type: ignore[no-untyped-def]
    """True when a later RPC of the client is known."""
    for seat in range(m.rifl_rpc.shape[1]):
        if m.rifl_rpc[c, seat] > rpc:
            return True
    return False


@kernel
def clean_up(w, now):  # type: ignore[no-untyped-def]
    """What this event has left to do; kernels are inlined, so each of these stands here once."""
    todo = w.todo
    if todo[DECIDE] >= 0:
        decide(w, todo[DECIDE], now)
    for asks_sync in range(2):
        if todo[SEND + asks_sync] >= 0:
            send_request(w, todo[SEND + asks_sync], asks_sync)
    if todo[EXECUTE] >= 0:
        execute_found(w, todo[EXECUTE], todo[HOW])
    if todo[SYNC] >= 0:
        start_sync(w, todo[SYNC], todo[FORCE])
    if todo[REPEAT] >= 0:
        resend(w, todo[REPEAT])
    for place in range(todo.shape[0]):
        todo[place] = -1
