"""The ledger as a fluid: ports shared in ticks, votes as delays, epochs as the protocol has them.

In every tick the bytes of dispersal and retrieval are shared over the sites' ports (`sharing`). A
chunk that has arrived is voted for; votes and agreements take the delays between sites (`votes`). A
site proposes its next block when its epoch is decided (HB, HB-Link: output); it retrieves epochs in
order, `overshoot` times the bytes of their blocks, from the first block that is complete on. An
epoch is decided when all N agreements are, or four delays after N-f were (those without input then
decide 0).

Left out: which server sends which chunk (a site pulls from all in step), Byzantine sites, loss,
transactions one by one (they arrive as a fluid). Units: seconds, bytes.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.sharing import share_tick
from rackwright.models.dispersedledger.votes import (
    complete_times,
    decide_times,
    smallest,
)

__all__ = ["run_ticks"]


@kernel
def is_committed(r, t, s, e, j):  # type: ignore[no-untyped-def]
    """True if more than f sites had block j complete when N - f agreements were decided there."""
    n, count = r.nodes, 0
    for m in range(n):
        for i in range(n):
            s.work[0, i] = t.decided[e, i, m]
        if t.complete[e, j, m] <= smallest(s.work[0], n, n - r.faults):
            count += 1
    return count > r.faults


@kernel
def propose(r, t, s, now):  # type: ignore[no-untyped-def]
    """Blocks of sites that may start an epoch."""
    n = r.nodes
    for j in range(n):
        e = s.epoch[j]
        if e >= 0:
            gate = t.output[e, j] if r.serial == 1 else t.ready[e, j]
            if gate > now:
                continue
            if r.requeue == 1 and r.load > 0.0 and t.born[e, j, 0] >= 0.0 and \
                    not is_committed(r, t, s, e, j):
                s.taken[j] -= t.nbytes[e, j]
                t.born[e, j, 0], t.born[e, j, 1] = -1.0, -1.0
        if e + 1 >= t.nbytes.shape[0]:
            s.first[1] = 1
            continue
        amount = r.block
        if r.load == 0.0:
            if e >= 0 and now < s.looked[j] + r.propose_time:
                continue
            s.looked[j] = now
        else:
            queued = r.load * now - s.taken[j]
            if queued < r.propose_bytes and now < s.looked[j] + r.propose_time:
                continue
            s.looked[j] = now
            amount = min(max(queued, 0.0), r.block)
        if r.coupled >= 0 and e + 1 - s.fetch[j] > r.coupled:
            amount = 0.0
        if r.load > 0.0:
            t.born[e + 1, j, 0] = s.taken[j] / r.load  # nonzero: just looked
            s.taken[j] += amount
            t.born[e + 1, j, 1] = s.taken[j] / r.load  # nonzero: just looked
        s.epoch[j] = e + 1
        t.nbytes[e + 1, j] = amount
        t.proposed[e + 1, j] = now
        for i in range(n):
            if i == j:
                t.got[e + 1, j, i] = now + r.proc_delay
            else:
                s.marks[j, i] += amount / r.needed + r.extra  # nonzero: k >= 1
                s.ends[e + 1, j, i] = s.marks[j, i]


@kernel
def arrivals(r, t, s, now):  # type: ignore[no-untyped-def]
    """Chunks that the tick up to `now` has brought."""
    for j in range(r.nodes):
        for i in range(r.nodes):
            while i != j and s.turn[j, i] <= s.epoch[j] and \
                    s.moved[j, i] >= s.ends[s.turn[j, i], j, i] - 1e-3:
                e = s.turn[j, i]
                t.got[e, j, i] = now + t.delay[j, i] + r.proc_delay
                s.dirty[e, j] = 1
                s.turn[j, i] = e + 1


@kernel
def count_votes(r, t, s, now):  # type: ignore[no-untyped-def]
    """Completion and agreement of the instances with news, and what that means for epochs."""
    n, newest = r.nodes, -1
    for j in range(n):
        newest = max(newest, s.epoch[j])
    for e in range(s.first[0], newest + 1):
        fresh = False
        for j in range(n):
            if s.dirty[e, j] == 1:
                s.dirty[e, j] = 0
                fresh = True
                complete_times(t.got[e, j], t.delay, r.faults, s.work, t.complete[e, j])
                decide_times(t.complete[e, j], t.delay, r.faults, s.work, t.decided[e, j])
        if fresh:
            for m in range(n):
                close_epoch(r, t, s, e, m)
    while s.first[0] < newest and over(r, t, s.first[0], now):
        s.first[0] += 1


@kernel
def close_epoch(r, t, s, e, m):  # type: ignore[no-untyped-def]
    """When epoch e is decided at node m, and when its blocks may be asked for."""
    n, late, mean = r.nodes, 0.0, 0.0
    for j in range(n):
        s.work[0, j] = t.decided[e, j, m]
        late = max(late, t.decided[e, j, m])
        mean += t.delay[j, m] / n  # nonzero: at least 4 nodes
    most = smallest(s.work[0], n, n - r.faults)
    t.ready[e, m] = min(late, most + 4.0 * mean)
    for j in range(n):
        s.work[0, j] = t.complete[e, j, m]
    t.asked[e, m] = smallest(s.work[0], n, 1)


@kernel
def over(r, t, e, now):  # type: ignore[no-untyped-def]
    """True when no chunk of the epoch is under way."""
    for j in range(r.nodes):
        for i in range(r.nodes):
            if t.got[e, j, i] > now:
                return False
    return True


@kernel
def wanted_bytes(r, t, e):  # type: ignore[no-untyped-def]
    """Bytes that a site pulls for epoch e: of all N blocks, also of those still to be proposed."""
    if r.serial == 1 and r.load == 0.0:
        return r.overshoot * r.nodes * r.block
    wanted = 0.0
    for j in range(r.nodes):
        wanted += r.overshoot * t.nbytes[e, j]
    return wanted


@kernel
def is_fetching(r, t, s, m, now):  # type: ignore[no-untyped-def]
    """True if site m has bytes to pull."""
    e = s.fetch[m]
    return e <= s.epoch[m] and t.asked[e, m] <= now and s.pulled[m] < wanted_bytes(r, t, e)


@kernel
def fetch(r, t, s, now, tick):  # type: ignore[no-untyped-def]
    """Retrieval of the tick that starts at `now`, epoch by epoch."""
    n = r.nodes
    for m in range(n):
        arrived = 0.0
        for i in range(n):
            arrived += s.sent[1, i, m]
            s.total[3, i] += s.sent[1, i, m]
        left = arrived
        while s.fetch[m] <= s.epoch[m] and t.asked[s.fetch[m], m] <= now:
            e = s.fetch[m]
            wanted = wanted_bytes(r, t, e)
            part = min(left, max(wanted - s.pulled[m], 0.0))
            if part > 0.0:
                left -= part
                s.pulled[m] += part
                for i in range(n):
                    s.work[0, i] = t.delay[m, i] + t.delay[i, m]
                # the way of the request and of the last chunk needed is not in the fluid
                s.done[m] = (now + (1.0 - left / arrived) * tick  # nonzero: some of it was taken
                             + smallest(s.work[0], n, int(r.needed)))
            if s.pulled[m] < wanted - 1.0 or t.ready[e, m] > now + tick:
                break
            t.output[e, m] = max(s.done[m], t.ready[e, m])
            s.pulled[m] = 0.0
            s.fetch[m] = e + 1
        s.total[2, m] += arrived - left


@kernel
def run_ticks(r, t, s, first, last):  # type: ignore[no-untyped-def]
    """Ticks `first` .. `last` - 1."""
    n = r.nodes
    for at in range(first, last):
        now = at * r.tick
        propose(r, t, s, now)
        row = int(now / r.step) % t.up.shape[0]  # nonzero: checked
        for m in range(n):
            s.light[m] = 1.0 if is_fetching(r, t, s, m, now) else 0.0
        for j in range(n):
            for i in range(n):
                s.pairs[0, j, i] = s.marks[j, i] - s.moved[j, i]
        share_tick(t.up[row], t.down[row], r.tick, s.pairs[0], s.light, s.room, s.pairs[1],
                   s.pairs[2], s.sent)
        for j in range(n):
            for i in range(n):
                s.moved[j, i] += s.sent[0, j, i]
                s.total[0, i] += s.sent[0, j, i]
                s.total[1, j] += s.sent[0, j, i]
        arrivals(r, t, s, now + r.tick)
        count_votes(r, t, s, now + r.tick)
        fetch(r, t, s, now, r.tick)
