"""A timed network under the protocol: ports of varying rate, two classes, messages of real size.

Small messages (votes, requests, cancels) take the delay between their nodes and the time of their
bytes at both ports, and overtake chunks; their bytes are taken off what a port has left for
chunks. Chunks wait in a queue for each pair of nodes and class: dispersal in the order of sending,
retrieval oldest epoch first. In every tick the queues' bytes are shared over the ports (`sharing`,
weights 30 and 1); a chunk arrives a delay after its last byte left, at its own time within the
tick. A cancel drops what is queued for its sender, but for the first chunk of each epoch, which has
gone into its stream: so does the public implementation.

Kernels over `Wires` and the pool of a `Network`. Left out: loss, slow start, buffers between ports.
Units: ps, bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.sharing import share_queues
from rackwright.models.dispersedledger.world import CHUNK, RETURN

__all__ = ["Wires", "cancel", "move_chunks", "new_wires", "queue_chunk", "send_small"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DISPERSAL, RETRIEVAL = 0, 1
LEAST_RTT = 1e-3     # s: our bound, of pairs whose delay is next to nothing
# words of a chunk's message from the fifth on
HELD = 4             # 1: in its stream, not to be cancelled
EPOCH_OF = 5


class Wires(NamedTuple):
    """Ports and queues."""

    up: Floats           # (steps, N) bytes/s
    down: Floats
    delay_ps: Ints       # (N, N)
    step_ps: Ints        # (3,): of the rates, of a tick; work on a chunk of dispersal
    prefer: Floats       # (N, N): weights of pairs, whole numbers
    owed: Floats         # (2, N): bytes of small messages, out and in
    backlog: Floats      # (2, N, N): bytes queued, by class, from and to
    ends: Ints           # (2, 2, N, N): first and last place of each queue, -1 none
    after: Ints          # (room,): place behind
    left: Floats         # (room,): bytes of a chunk
    gone: Ints           # (N, instances): clients that cancelled, as bits
    room: Floats         # (3, 2, N): scratch of sharing, like the next three
    shared: Floats       # (2, N, N)
    sent: Floats         # (2, N, N)
    pace: Floats         # (2, N, N)
    total: Floats        # (6, N): dispersal in and out, retrieval in and out, output, decoded


def new_wires(up: Floats, down: Floats, delay: Floats, times: tuple[float, float, float],
              instances: int, room: int, by_rtt: bool = False) -> Wires:
    """Idle wires for `instances` dispersals and `room` messages.

    `times`: seconds of a step of the rates, of a tick, and of work on a chunk of dispersal.
    `by_rtt`: pairs share a port by the inverse of their round trip, as Reno's flows do.
    """
    n = len(delay)
    return Wires(
        np.ascontiguousarray(up), np.ascontiguousarray(down),
        np.round(delay * 1e12).astype(np.int64),
        np.array([round(time * 1e12) for time in times], np.int64), _preferences(delay, by_rtt),
        np.zeros((2, n)),
        np.zeros((2, n, n)), np.full((2, 2, n, n), -1, np.int64), np.zeros(room, np.int64),
        np.zeros(room), np.zeros((n, instances), np.int64), np.zeros((3, 2, n)),
        np.zeros((2, n, n)), np.zeros((2, n, n)), np.zeros((2, n, n)), np.zeros((6, n)))


def _preferences(delay: Floats, by_rtt: bool) -> Floats:
    """Weights of pairs; whole numbers, so that their sums are exact."""
    if not by_rtt:
        return np.ones_like(delay)
    return np.maximum(np.round(1.0 / np.maximum(delay + delay.T, LEAST_RTT)), 1.0)


@kernel
def rate_row(wires, now):  # type: ignore[no-untyped-def]
    return (now // wires.step_ps[0]) % wires.up.shape[0]  # nonzero: a step has a length


@kernel
def port_time(wires, rates, m, now, nbytes):  # type: ignore[no-untyped-def]
    """When a port has carried `nbytes` from `now` on; waits where it has no rate."""
    step = wires.step_ps[0]
    for _ in range(2 * rates.shape[0]):
        rate, end = rates[rate_row(wires, now), m], (now // step + 1) * step  # nonzero: a time
        could = rate * (end - now) * 1e-12
        if could >= nbytes:
            return now + int(1e12 * nbytes / max(rate, 1e-6))  # nonzero: at least that
        nbytes -= could
        now = end
    return now


@kernel
def send_small(wires, net, now, source, to, kind, place, nbytes):  # type: ignore[no-untyped-def]
    """A message that overtakes chunks."""
    at = now
    if source != to:
        at = port_time(wires, wires.up, source, at, nbytes) + wires.delay_ps[source, to]
        at = port_time(wires, wires.down, to, at, nbytes)
        wires.owed[0, source] += nbytes
        wires.owed[1, to] += nbytes
        wires.total[1, source] += nbytes
        wires.total[0, to] += nbytes
    heap_push(net.heap, at, 0, kind, place)


@kernel
def queue_chunk(wires, net, source, to, klass, place, nbytes, epoch):  # type: ignore[no-untyped-def]
    """Append a chunk; of retrieval, behind all chunks of its epoch or older ones."""
    words, ends = net.words[place], wires.ends
    words[EPOCH_OF] = epoch
    wires.left[place] = nbytes
    wires.backlog[klass, source, to] += nbytes
    before, at = -1, ends[klass, 0, source, to]
    last = ends[klass, 1, source, to]
    if last >= 0 and (klass == DISPERSAL or net.words[last, EPOCH_OF] <= epoch):
        before, at = last, -1
    while at >= 0 and net.words[at, EPOCH_OF] <= epoch:
        before, at = at, wires.after[at]
    words[HELD] = 1 if before < 0 or net.words[before, EPOCH_OF] != epoch else 0
    wires.after[place] = at
    if before < 0:
        ends[klass, 0, source, to] = place
    else:
        wires.after[before] = place
    if at < 0:
        ends[klass, 1, source, to] = place


@kernel
def cancel(wires, server, client, instance):  # type: ignore[no-untyped-def]
    """The client has its block: what is queued for it is dropped when its turn comes."""
    wires.gone[server, instance] |= 1 << client


@kernel
def free_place(net, place):  # type: ignore[no-untyped-def]
    net.free[net.free_count[0]] = place
    net.free_count[0] += 1


@kernel
def drop_gone(wires, net, source, to):  # type: ignore[no-untyped-def]
    """Take cancelled chunks off the front of a queue of retrieval."""
    ends = wires.ends
    while ends[RETRIEVAL, 0, source, to] >= 0:
        place = ends[RETRIEVAL, 0, source, to]
        words = net.words[place]
        if words[HELD] == 1 or (wires.gone[source, words[0]] >> to) & 1 == 0:
            words[HELD] = 1
            return
        wires.backlog[RETRIEVAL, source, to] -= wires.left[place]
        ends[RETRIEVAL, 0, source, to] = wires.after[place]
        free_place(net, place)
    ends[RETRIEVAL, 1, source, to] = -1


@kernel
def drain(wires, net, klass, kind, source, to, now):  # type: ignore[no-untyped-def]
    """Take what a tick sends off a queue; chunks that end arrive a delay later."""
    ends, budget = wires.ends, wires.sent[klass, source, to]
    used, tick, pace = 0.0, wires.step_ps[1], wires.pace[klass, source, to]
    while True:
        if klass == RETRIEVAL:
            drop_gone(wires, net, source, to)
        place = ends[klass, 0, source, to]
        if place < 0:
            wires.backlog[klass, source, to] = 0.0
            ends[klass, 1, source, to] = -1
            break
        if wires.left[place] > budget + 1e-6:
            wires.left[place] -= budget
            wires.backlog[klass, source, to] -= budget
            used += budget
            break
        budget = max(budget - wires.left[place], 0.0)
        used += wires.left[place]
        wires.backlog[klass, source, to] -= wires.left[place]
        ends[klass, 0, source, to] = wires.after[place]
        end = now + int(tick * min(used / pace, 1.0))  # nonzero: no less than what is sent
        late = wires.delay_ps[source, to] + (wires.step_ps[2] if klass == DISPERSAL else 0)
        heap_push(net.heap, end + late, 0, kind, place)
    wires.total[2 * klass, to] += used
    wires.total[2 * klass + 1, source] += used


@kernel
def move_chunks(wires, net, now):  # type: ignore[no-untyped-def]
    """A tick: share the ports and send."""
    n, row, tick = wires.delay_ps.shape[0], rate_row(wires, now), wires.step_ps[1] * 1e-12
    for m in range(n):
        for way in range(2):
            could = (wires.up[row, m] if way == 0 else wires.down[row, m]) * tick
            paid = min(could, wires.owed[way, m])
            wires.owed[way, m] -= paid
            wires.room[0, way, m] = could - paid
    share_queues(wires.backlog, wires.prefer, wires.room, wires.shared[0], wires.shared[1],
                 wires.sent, wires.pace)
    for klass in range(2):
        kind = CHUNK if klass == DISPERSAL else RETURN
        for source in range(n):
            for to in range(n):
                if wires.sent[klass, source, to] > 0.0:
                    drain(wires, net, klass, kind, source, to, now)
