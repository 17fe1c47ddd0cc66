"""What a fault schedule draws from its seed: operations, faults, cuts."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.backups import backup_clear
from rackwright.models.curp.faults import CLIENT_DEATH, MASTER_CRASH
from rackwright.models.curp.manager import LEASE, wipe_witness
from rackwright.models.curp.master import ACKS, IDLE, SYNC_TO
from rackwright.models.curp.outgoing import manager_node, master_node
from rackwright.models.curp.world import FAULT, SEVERAL, START, TICK
from rackwright.models.protocols.history import NEVER
from rackwright.models.protocols.network import draw, net_clear, net_timer

__all__ = ["clear", "plan_work"]


@kernel
def clear(w, seed):  # type: ignore[no-untyped-def]
    """Everything as before the first operation."""
    net_clear(w.net, seed, draw_share(seed, 1), draw_share(seed, 2), 10)
    for i in range(w.alive.shape[0]):
        w.alive[i], w.serving[i], w.lease[i], w.again_count[i] = 0, 0, 0, 0
        for c in range(w.plan.clients):
            w.waiting[i, c, 0] = -1
        for key in range(w.masters.value.shape[1]):
            w.masters.value[i, key] = 0
            w.masters.position[i, key] = 0
        for place in range(w.masters.counts.shape[1]):
            w.masters.counts[i, place] = 0
        w.masters.counts[i, SYNC_TO] = IDLE
        w.masters.counts[i, ACKS] = w.plan.replicas
        for b in range(w.masters.acked.shape[1]):
            w.masters.acked[i, b] = 0
            w.generation[i, b] = 0
        for c in range(w.plan.clients):
            for seat in range(w.masters.rifl_rpc.shape[2]):
                w.masters.rifl_rpc[i, c, seat] = -1
    for which in range(w.plan.replicas):
        wipe_witness(w, which, 0)
        w.born[which], w.sealed[0, which], w.sealed[1, which] = 0, 0, 0
        w.up[0, which], w.filled[which], w.renewed[which] = 1, 1, 0
        backup_clear(w.backups, which)
        w.backups.whole[which], w.backups.epoch[which], w.backups.version[which] = 1, 0, 0
    for place in range(w.manager.shape[0]):
        w.manager[place] = 0
    w.manager[4] = 1                   # the next master
    w.manager[2] = LEASE
    w.alive[0], w.serving[0], w.lease[0] = 1, 1, LEASE
    w.out.count[0] = 0
    w.found_count[0], w.found_count[1] = 0, 0
    for place in range(w.todo.shape[0]):
        w.todo[place] = -1


@kernel
def draw_share(seed, salt):  # type: ignore[no-untyped-def]
    """A share of messages in parts of 2**31: 0, 1/32, 1/16 or 1/8, by the seed."""
    choice = (seed * 7 + salt * 3 + seed // 5) & 3
    return 0 if choice == 0 else (1 << 31) >> (6 - choice)


@kernel
def plan_work(w):  # type: ignore[no-untyped-def]
    """Draw the operations, the faults and the cuts."""
    net, h = w.net, w.history
    for c in range(w.plan.clients):
        w.turn[c], w.dead[c], w.config[c, 0], w.config[c, 1] = 0, 0, 0, 0
        net_timer(net.heap, draw(net.dice, 20), START, c)
        for o in range(w.plan.operations):
            row = c * w.plan.operations + o
            h.kind[row] = draw(net.dice, 3)
            h.objects[row] = 1
            if w.plan.several == 1 and draw(net.dice, 4) == 0:
                h.objects[row] = 2
                w.counts[SEVERAL] += 1
            h.key[row] = draw(net.dice, w.plan.keys - h.objects[row] + 1)
            h.argument[row] = 1 + draw(net.dice, 3) if h.kind[row] == 2 else 100 + row
            h.start[row], h.end[row], h.result[row] = NEVER, NEVER, 0
    net_timer(net.heap, 1, TICK, 0)
    for _ in range(draw(net.dice, 5)):
        kind = draw(net.dice, 9)
        if kind > CLIENT_DEATH:
            kind = MASTER_CRASH
        net_timer(net.heap, 5 + draw(net.dice, 300), FAULT, kind * 16 + draw(net.dice, 16))
    for place in range(draw(net.dice, 3)):
        net.cut_from[place] = draw(net.dice, 300)
        net.cut_to[place] = net.cut_from[place] + 20 + draw(net.dice, 250)
        net.cut_nodes[place] = draw_group(w)


@kernel
def draw_group(w):  # type: ignore[no-untyped-def]
    """Nodes to cut off: a master alone or with some clients, or any of the servers."""
    net, nodes = w.net, 0
    style = draw(net.dice, 3)
    if style < 2:
        nodes = 1 << master_node(w.plan, draw(net.dice, 2))
        for c in range(w.plan.clients):
            if style == 1 and draw(net.dice, 2) == 0:
                nodes |= 1 << c
        return nodes
    for node in range(manager_node(w.plan)):
        if draw(net.dice, 3) == 0:
            nodes |= 1 << node
    return nodes
