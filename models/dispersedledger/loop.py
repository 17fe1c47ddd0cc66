"""The ledger in time: the protocol's transitions, message by message, over timed wires.

The same `take` and `settle` as in fault schedules; what nodes send is bent if they are Byzantine
and handed to `wires`. Everything that happens is noted in the tables of the fluid, so that both
are measured alike. Kernels. Units: ps inside, seconds in the tables.
"""

from __future__ import annotations

from rackwright.engine.heap import heap_pop, heap_push
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, GROW, RUNNING
from rackwright.models.dispersedledger.bend import bent
from rackwright.models.dispersedledger.mempool import is_due, take_block
from rackwright.models.dispersedledger.node import START, settle, take
from rackwright.models.dispersedledger.votes import LATE
from rackwright.models.dispersedledger.wires import (
    cancel,
    move_chunks,
    queue_chunk,
    send_small,
)
from rackwright.models.dispersedledger.world import (
    CANCEL,
    CHUNK,
    COMPLETE,
    DECIDED,
    EPOCH,
    EVERYBODY,
    GOOD,
    LENGTH,
    LOG,
    OUTPUT,
    RETURN,
    SHUT,
    SILENT,
    STORED,
    UNKNOWN,
    VERDICT,
    WINDOW,
)

__all__ = ["LOOK", "TICK", "advance_messages"]

LOOK, TICK = 10, 11     # events: a site looks at its queue; ports send for a tick


@kernel
def carry(w, net, wires, t, now, source, to, kind, row, sizes):  # type: ignore[no-untyped-def]
    """One message of the outbox to one node."""
    value, flip = bent(w, net.dice, source, kind, row[4], row[6])
    instance = row[3]
    net.free_count[0] -= 1
    place = net.free[net.free_count[0]]
    net.source[place], net.target[place] = source, to
    words = net.words[place]
    words[0], words[1], words[2], words[3] = instance, value, row[5], flip
    if source == to or (kind != CHUNK and kind != RETURN):
        send_small(wires, net, now, source, to, kind, place, sizes[0])
        return
    n = w.plan.nodes
    epoch, proposer = instance // n, instance % n  # nonzero: at least 4
    nbytes = t.nbytes[epoch, proposer] / w.plan.needed + sizes[1]  # nonzero: k >= 1
    queue_chunk(wires, net, source, to, 0 if kind == CHUNK else 1, place, nbytes, epoch)


@kernel
def dispatch_timed(w, net, wires, pool, t, now, sizes):  # type: ignore[no-untyped-def]
    """Send what the outbox holds; a new block gets its size first."""
    n = w.plan.nodes
    for at in range(w.outbox.size[0]):
        row = w.outbox.rows[at]
        source, target, kind = row[0], row[1], row[2]
        if kind == CHUNK and t.proposed[row[3] // n, source] >= LATE:  # nonzero: at least 4
            take_block(w, pool, t, source, now)
        if w.role[source] == SILENT:
            continue
        first, last = (0, n) if target == EVERYBODY else (target, target + 1)
        for to in range(first, last):
            carry(w, net, wires, t, now, source, to, kind, row, sizes)
    w.outbox.size[0] = 0


@kernel
def note_epoch(w, t, node, epoch, now):  # type: ignore[no-untyped-def]
    """Agreements that the node has decided by now, and with the last the epoch."""
    n, decided = w.plan.nodes, 0
    for j in range(n):
        verdict = w.agreement.table[node, epoch * n + j, DECIDED]
        if verdict >= 0:
            decided += 1
            if verdict == 1 and t.decided[epoch, j, node] >= LATE:
                t.decided[epoch, j, node] = now * 1e-12
    if decided == n:
        t.ready[epoch, node] = now * 1e-12


@kernel
def note_output(w, wires, t, node, now, seen):  # type: ignore[no-untyped-def]
    """Epochs and blocks that the node has output since it was last seen."""
    n, ledger = w.plan.nodes, w.ledger
    while seen[0, node] < ledger.node[node, OUTPUT]:
        t.output[seen[0, node], node] = now * 1e-12
        seen[0, node] += 1
    while seen[1, node] < ledger.node[node, LENGTH]:
        instance = ledger.log[node, seen[1, node], LOG]
        epoch, proposer = instance // n, instance % n  # nonzero: at least 4
        if w.dispersal.table[node, instance, VERDICT] == GOOD:
            wires.total[4, node] += t.nbytes[epoch, proposer]
        if proposer == node:
            t.delivered[epoch, node] = now * 1e-12
        seen[1, node] += 1


@kernel
def note(w, wires, t, node, instance, now, seen, kind, known):  # type: ignore[no-untyped-def]
    """What is new at a node after a message about an instance; `known`: it had that block."""
    n = w.plan.nodes
    epoch, j = instance // n, instance % n  # nonzero: at least 4
    row = w.dispersal.table[node, instance]
    if row[VERDICT] != UNKNOWN and kind == RETURN and not known:
        wires.total[5, node] += t.nbytes[epoch, j]
    if row[STORED] != 0 and t.got[epoch, j, node] >= LATE:
        t.got[epoch, j, node] = now * 1e-12
    if row[COMPLETE] != 0 and t.complete[epoch, j, node] >= LATE:
        t.complete[epoch, j, node] = now * 1e-12
    if t.ready[epoch, node] >= LATE:
        note_epoch(w, t, node, epoch, now)
    note_output(w, wires, t, node, now, seen)


@kernel
def advance_messages(w, net, wires, pool, t, sizes, seen, until_ps):  # type: ignore[no-untyped-def]
    """Events up to `until_ps`: RUNNING when they are done, GROW for want of room, DONE for epochs.

    `sizes`: bytes of a small message, and of a chunk beyond its share of the block. `seen`: (3, N):
    epochs and blocks of each node noted so far; messages heard.
    """
    # most rows of the outbox go to all, those of requests to one
    margin = (w.outbox.rows.shape[0] - WINDOW * w.plan.nodes * w.plan.nodes) * w.plan.nodes
    margin += WINDOW * w.plan.nodes * w.plan.nodes
    while net.heap.size[0] > 0 and net.heap.time_ps[0] < until_ps:
        if net.free_count[0] < margin:
            return GROW
        now, kind, item = heap_pop(net.heap)
        if kind == TICK:
            move_chunks(wires, net, now)
            heap_push(net.heap, now + wires.step_ps[1], 1, TICK, 0)
            continue
        node, source, instance, b, c, d, several = item, item, 0, 0, 0, 0, 0
        if kind != START and kind != LOOK:
            words = net.words[item]
            node, source = net.target[item], net.source[item]
            instance, b, c, d, several = words[0], words[1], words[2], words[3], 1
            net.free[net.free_count[0]] = item
            net.free_count[0] += 1
            if kind == CANCEL:
                cancel(wires, node, source, instance)
        elif kind == LOOK:
            heap_push(net.heap, now + max(pool.row_ps[1], wires.step_ps[1]), 0, LOOK, node)
        seen[2, node] += 1
        known = w.dispersal.table[node, instance, VERDICT] != UNKNOWN
        take(w, None, node, source, kind, instance, b, c, d)
        w.ledger.node[node, SHUT] = 0 if is_due(pool, node, now) else 1
        settle(w, None, node, instance, instance + several)
        note(w, wires, t, node, instance, now, seen, kind, known)
        dispatch_timed(w, net, wires, pool, t, now, sizes)
        if w.ledger.node[node, EPOCH] >= w.plan.epochs - 1:
            return DONE
    return RUNNING
