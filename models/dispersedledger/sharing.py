"""Weighted max-min fair rates between N sites that each have one port out and one port in.

Every ordered pair may carry flows of two classes: dispersal, weight `HEAVY`, and retrieval, weight
1 (the congestion weights of the public implementation: 30 to 1). All rise together until a port is
full; its flows keep that level and the others go on. A dispersal that needs less than its rate in a
tick is held to what it needs, and the rest shared once more.

Kernel over arrays. The engine's `flows` do the same per flow and event; here the N * N pairs change
together in every tick. Left out: several streams of one pair and class; loss and slow start.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["HEAVY", "fill_ports", "share_queues", "share_tick"]

HEAVY = 30.0


@kernel
def fill_ports(room, weight, level):  # type: ignore[no-untyped-def]
    """Set `level` of every pair with weight; rate = weight * level.

    `room`: (2 or 3, 2, N): for out and in, bytes/s that are free (overwritten), and scratch.
    `weight`, `level`: (N, N), from and to; weights are whole numbers, so that their sums are exact.
    """
    n = weight.shape[0]
    for i in range(n):
        room[1, 0, i] = 0.0
        room[1, 1, i] = 0.0
    for i in range(n):
        for j in range(n):
            room[1, 0, i] += weight[i, j]
            room[1, 1, j] += weight[i, j]
            level[i, j] = -1.0
    while True:
        side, port, lowest = 0, -1, 0.0
        for which in range(2):
            for i in range(n):
                if room[1, which, i] > 0.0:
                    at = room[0, which, i] / room[1, which, i]  # nonzero: just looked
                    if port < 0 or at < lowest:
                        side, port, lowest = which, i, at
        if port < 0:
            return
        lowest = max(lowest, 0.0)
        room[1, side, port] = 0.0
        for other in range(n):
            i, j = (port, other) if side == 0 else (other, port)
            if weight[i, j] > 0.0 and level[i, j] < 0.0:
                level[i, j] = lowest
                room[0, 1 - side, other] -= weight[i, j] * lowest
                room[1, 1 - side, other] -= weight[i, j]


@kernel
def share_tick(up, down, tick, heavy, light, room, weight, level, sent):  # type: ignore[no-untyped-def]
    """Bytes of one tick: dispersal in ``sent[0]``, retrieval in ``sent[1]``, both (N, N).

    `up`, `down`: (N,) bytes/s; `heavy`: (N, N) dispersal bytes left; `light`: (N,) 1 for sites
    that retrieve.
    """
    n = heavy.shape[0]
    for i in range(n):
        room[0, 0, i] = up[i]
        room[0, 1, i] = down[i]
        for j in range(n):
            sent[0, i, j] = 0.0
            weight[i, j] = 0.0
            if i != j:
                weight[i, j] = (HEAVY if heavy[i, j] > 0.0 else 0.0) + light[j]
    fill_ports(room, weight, level)
    for i in range(n):
        room[0, 0, i] = up[i]
        room[0, 1, i] = down[i]
    for i in range(n):
        for j in range(n):
            if i != j and heavy[i, j] > 0.0 and HEAVY * level[i, j] * tick >= heavy[i, j]:
                sent[0, i, j] = heavy[i, j]
                weight[i, j] = light[j]
                room[0, 0, i] -= heavy[i, j] / tick  # nonzero: an option above 0
                room[0, 1, j] -= heavy[i, j] / tick  # nonzero: an option above 0
    fill_ports(room, weight, level)
    for i in range(n):
        for j in range(n):
            sent[1, i, j] = 0.0
            if weight[i, j] > 0.0:
                sent[1, i, j] = light[j] * level[i, j] * tick
                if weight[i, j] >= HEAVY:
                    sent[0, i, j] = min(HEAVY * level[i, j] * tick, heavy[i, j])


@kernel
def share_queues(backlog, prefer, room, weight, level, sent, pace):  # type: ignore[no-untyped-def]
    """Bytes that queues send in a tick: like `share_tick`, but retrieval too has what it has.

    `backlog`, `sent`: (2, N, N) bytes of dispersal and retrieval; `prefer`: (N, N) whole numbers
    that multiply the weights of a pair; ``room[0]``: bytes that ports out
    and in carry in the tick; (3, 2, N) with scratch; `pace`: (2, N, N) bytes that a queue could
    send in the tick at its share. Queues that need less than their share are
    held to what they need, and the rest is shared once more.
    """
    n = weight.shape[0]
    for i in range(n):
        room[2, 0, i] = room[0, 0, i]
        room[2, 1, i] = room[0, 1, i]
        for j in range(n):
            weight[i, j] = prefer[i, j] * ((HEAVY if backlog[0, i, j] > 0.0 else 0.0) + (
                1.0 if backlog[1, i, j] > 0.0 else 0.0))
    fill_ports(room, weight, level)
    for i in range(n):
        for j in range(n):
            for which in range(2):
                share, want = prefer[i, j] * (HEAVY if which == 0 else 1.0), backlog[which, i, j]
                sent[which, i, j] = 0.0
                if want > 0.0 and share * level[i, j] >= want:
                    sent[which, i, j] = want
                    pace[which, i, j] = share * level[i, j]
                    weight[i, j] -= share
                    room[2, 0, i] -= want
                    room[2, 1, j] -= want
    for i in range(n):
        room[0, 0, i] = max(room[2, 0, i], 0.0)
        room[0, 1, i] = max(room[2, 1, i], 0.0)
    fill_ports(room, weight, level)
    for i in range(n):
        for j in range(n):
            for which in range(2):
                if backlog[which, i, j] > 0.0 and sent[which, i, j] == 0.0:
                    share = prefer[i, j] * (HEAVY if which == 0 else 1.0)
                    pace[which, i, j] = share * max(level[i, j], 0.0)
                    sent[which, i, j] = min(pace[which, i, j], backlog[which, i, j])
