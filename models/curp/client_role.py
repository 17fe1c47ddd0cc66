"""Clients of a fault schedule: they ask, wait, ask again, and decide by `clients.py`.

Some reads go near by: first to a witness, then to the backup of its number, to the master if either
refuses or does not answer.
"""

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
    backup_node,
    master_node,
    post,
    timer,
    witness_node,
)
from rackwright.models.curp.world import (
    ASK,
    AT_BACKUP,
    AT_MASTER,
    AT_WITNESS,
    COMPLETE_SHORT,
    DECIDE,
    FAST_OPS,
    FINISHED_OPS,
    LOOK,
    NEAR,
    NEAR_REFUSED,
    PROBE,
    RECORD,
    RETRY,
    SEND,
    SKIP_PROBE,
    STALE_FAST,
    START,
    TAGGED_OPS,
    UPDATE,
)
from rackwright.models.protocols.network import draw

__all__ = ["begin", "decide", "hear_master", "hear_near", "hear_witness", "retry", "send_request"]


@kernel
def send_request(w, c, asks_sync):  # type: ignore[no-untyped-def]
    """UPDATE to the master (client, rpc, row, list, 1: only sync), RECORD to witnesses.

    A read near by: PROBE to a witness, then LOOK to a backup (client, rpc, row, list, its number).
    """
    rpc = w.turn[c]
    row = c * w.plan.operations + rpc
    version, master = w.config[c, 0], w.config[c, 1]
    target, kind, last = master_node(w.plan, master), UPDATE, master
    if w.nearby[c] != AT_MASTER:
        last = (c + rpc) % w.plan.replicas  # nonzero: a plan has replicas
        target, kind = witness_node(w.plan, last), PROBE
        if w.nearby[c] == AT_BACKUP:
            target, kind = backup_node(w.plan, last), LOOK
    post(w.out, c, target, kind, c, rpc, row, version, asks_sync, last, 0)
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
    witnesses, w.nearby[c] = w.plan.replicas, AT_MASTER
    if w.history.kind[row] == READ:
        witnesses = 0
        if w.plan.reads == 1 and draw(w.net.dice, 2) == 0:
            w.nearby[c] = AT_BACKUP if w.rules[SKIP_PROBE] == 1 else AT_WITNESS
    client_begin(w.clients, c, rpc, (1 << witnesses) - 1, witnesses)
    w.todo[SEND] = c
    timer(w.out, RETRY, (c << 20) | (rpc << 10) | (w.tries[c] & 1023), PATIENCE + 8 * w.tries[c])


@kernel
def retry(w, item):  # type: ignore[no-untyped-def]
    """Nothing came for a while: ask the manager who is the master, and send again."""
    c, rpc = item >> 20, (item >> 10) & 1023
    if w.dead[c] == 1 or w.turn[c] != rpc or (w.tries[c] & 1023) != item & 1023:
        return
    w.tries[c] += 1
    w.nearby[c] = AT_MASTER
    ask_manager(w, c, rpc)
    w.todo[SEND], w.todo[DECIDE] = c, c
    timer(w.out, RETRY, (c << 20) | (rpc << 10) | (w.tries[c] & 1023), PATIENCE + 8 * w.tries[c])


@kernel
def ask_manager(w, c, rpc):  # type: ignore[no-untyped-def]
    """Learn the list of witnesses; with a new one all answers so far count for nothing."""
    if (w.away[0] >> c) & 1 == 1 or w.config[c, 0] == w.manager[1]:
        return False
    w.config[c, 0], w.config[c, 1] = w.manager[1], w.manager[0]
    client_begin(w.clients, c, rpc, w.clients.asked[c], w.clients.enough[c])
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
        elif cs.enough[c] != 0:
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
def hear_near(w, c, rpc, good, result, version, who):  # type: ignore[no-untyped-def]
    """A LOOKED (client, rpc, 1: go on, result, list version, who says so)."""
    if w.dead[c] == 1 or w.turn[c] != rpc or w.config[c, 0] != version or w.nearby[c] != who:
        return
    if good == 1 and who == AT_BACKUP:
        client_hears_master(w.clients, c, result, False)
        w.todo[DECIDE] = c
        w.counts[NEAR] += 1
        return
    if good == 0:
        w.counts[NEAR_REFUSED] += 1
    w.nearby[c] = AT_BACKUP if good == 1 else AT_MASTER
    w.todo[SEND] = c


@kernel
def hear_witness(w, c, rpc, which, accepted, version):  # type: ignore[no-untyped-def]
    """A RECORDED (client, rpc, witness, 1: accepted, list version)."""
    if w.dead[c] == 1 or w.turn[c] != rpc or w.config[c, 0] != version:
        return
    client_hears_witness(w.clients, c, which, accepted == 1)
    w.todo[DECIDE] = c
