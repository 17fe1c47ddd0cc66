"""Clients of a fault schedule: they ask, wait, ask again, and decide by `clients.py`."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.clients import (
    FINISHED,
    MUST_SYNC,
    client_begin,
    client_decide,
    client_hears_master,
    client_hears_witness,
)
from rackwright.models.curp.master import READ, master_at
from rackwright.models.curp.outgoing import (
    OLD_LIST,
    PATIENCE,
    TAGGED,
    master_node,
    post,
    timer,
    witness_node,
)
from rackwright.models.curp.world import (
    ASK,
    COMPLETE_SHORT,
    DECIDE,
    FAST_OPS,
    FINISHED_OPS,
    RECORD,
    RETRY,
    SEND,
    STALE_FAST,
    START,
    TAGGED_OPS,
    UPDATE,
)
from rackwright.models.protocols.network import draw

__all__ = ["begin", "decide", "hear_master", "hear_witness", "retry", "send_request"]


@kernel
def send_request(w, c, asks_sync):  # type: ignore[no-untyped-def]
    """UPDATE to the master (client, rpc, row, list, 1: only sync), RECORD to witnesses."""
    rpc = w.turn[c]
    row = c * w.plan.operations + rpc
    version, master = w.config[c, 0], w.config[c, 1]
    post(w.out, c, master_node(w.plan, master), UPDATE, c, rpc, row, version, asks_sync, master, 0)
    if asks_sync == 1 or w.history.kind[row] == READ:
        return
    for which in range(w.plan.replicas):
        if (w.clients.answered[c] >> which) & 1 == 0:
            post(w.out, c, witness_node(w.plan, which), RECORD, c, rpc, row, version, master,
                 which, 0)


@kernel
def begin(w, c, now):  # type: ignore[no-untyped-def]
    """Client `c` starts its next operation."""
    rpc = w.turn[c]
    if w.dead[c] == 1 or rpc == w.plan.operations:
        return
    row = c * w.plan.operations + rpc
    w.history.start[row] = now
    w.tries[c] = 0
    needed = (1 << w.plan.replicas) - 1
    if w.history.kind[row] == READ:
        needed = 0
    client_begin(w.clients, c, rpc, needed)
    w.todo[SEND] = c
    timer(w.out, RETRY, (c << 20) | (rpc << 10) | (w.tries[c] & 1023), PATIENCE + 8 * w.tries[c])


@kernel
def retry(w, item):  # type: ignore[no-untyped-def]
    """Nothing came for a while: ask the manager who is the master, and send again."""
    c, rpc = item >> 20, (item >> 10) & 1023
    if w.dead[c] == 1 or w.turn[c] != rpc or (w.tries[c] & 1023) != item & 1023:
        return
    w.tries[c] += 1
    ask_manager(w, c, rpc)
    w.todo[SEND], w.todo[DECIDE] = c, c
    timer(w.out, RETRY, (c << 20) | (rpc << 10) | (w.tries[c] & 1023), PATIENCE + 8 * w.tries[c])


@kernel
def ask_manager(w, c, rpc):  # type: ignore[no-untyped-def]
    """Learn the list of witnesses; with a new one all answers so far count for nothing."""
    if (w.away[0] >> c) & 1 == 1 or w.config[c, 0] == w.manager[1]:
        return False
    w.config[c, 0], w.config[c, 1] = w.manager[1], w.manager[0]
    client_begin(w.clients, c, rpc, w.clients.needed[c])
    return True


@kernel
def decide(w, c, now):  # type: ignore[no-untyped-def]
    """Is the client done, or must it ask for a sync?"""
    cs, rpc = w.clients, w.turn[c]
    verdict = client_decide(cs, c)
    if verdict == MUST_SYNC and w.rules[COMPLETE_SHORT] == 1 and cs.accepted[c] != 0:
        verdict = FINISHED
    if verdict == MUST_SYNC:
        w.todo[ASK] = c
    elif verdict == FINISHED:
        row = c * w.plan.operations + rpc
        w.history.end[row] = now
        w.history.result[row] = cs.result[c]
        w.turn[c] = rpc + 1
        w.counts[FINISHED_OPS] += 1
        if cs.synced[c] == 1:
            w.counts[TAGGED_OPS] += 1
        elif cs.needed[c] != 0:
            w.counts[FAST_OPS] += 1
            if w.config[c, 0] != w.manager[1] and w.config[c, 1] != w.manager[0]:
                check_stale(w, c, rpc)
        timer(w.out, START, c, 1 + draw(w.net.dice, 12))


@kernel
def check_stale(w, c, rpc):  # type: ignore[no-untyped-def]
    """Count an update that is done in one round trip by an old list and unknown to the master."""
    m = master_at(w.masters, w.manager[0])
    if m.rifl_rpc[c, rpc & (m.rifl_rpc.shape[1] - 1)] != rpc:
        w.counts[STALE_FAST] += 1


@kernel
def hear_master(w, c, rpc, result, says, version):  # type: ignore[no-untyped-def]
    """A REPLY (client, rpc, result, what it says, list version)."""
    if w.dead[c] == 1 or w.turn[c] != rpc or w.config[c, 0] != version:
        return
    if says == OLD_LIST:
        if ask_manager(w, c, rpc):
            w.todo[SEND] = c
        return
    client_hears_master(w.clients, c, result, says == TAGGED)
    w.todo[DECIDE] = c


@kernel
def hear_witness(w, c, rpc, which, accepted, version):  # type: ignore[no-untyped-def]
    """A RECORDED (client, rpc, witness, 1: accepted, list version)."""
    if w.dead[c] == 1 or w.turn[c] != rpc or w.config[c, 0] != version:
        return
    client_hears_witness(w.clients, c, which, accepted == 1)
    w.todo[DECIDE] = c
