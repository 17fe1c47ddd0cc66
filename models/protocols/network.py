"""A network that delays, loses, doubles and reorders messages, and cuts groups of nodes off.

One heap holds messages and timers; times are whole ticks of no unit. Draws are hashes of (seed,
number of the draw), made beforehand, so that a schedule is its seed. A cut drops what crosses the
border of a set of nodes, given as bits, while it lasts. Left out: bandwidth, corruption.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import mix64
from rackwright.engine.heap import EventHeap, grown_heap, heap_push, new_heap
from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["Dice", "Network", "SCALE", "WORDS", "away_from", "draw", "grown_network", "is_cut",
           "net_clear", "net_send", "net_timer", "new_network"]

SCALE = 1 << 31      # shares are given in parts of this
WORDS = 8            # of a message's content
MOST_CUTS = 8
DRAWS = 1 << 12      # a schedule takes fewer but in the longest; a power of two

Ints = npt.NDArray[np.int64]


class Dice(NamedTuple):
    """Draws made beforehand, 31 bits each; used again from the start when spent."""

    stream: Ints       # (DRAWS,)
    draws: Ints        # (1,): taken so far


class Network(NamedTuple):
    heap: EventHeap
    words: Ints        # (room, WORDS)
    source: Ints       # (room,)
    target: Ints
    free: Ints         # (room,): stack of free places
    free_count: Ints   # (1,)
    law: Ints          # (4,): loss and doubling (of SCALE), longest usual delay, seed
    dice: Dice
    cut_from: Ints     # (MOST_CUTS,)
    cut_to: Ints
    cut_nodes: Ints
    dropped: Ints      # (2,): lost or cut; for want of room


def new_network(room: int = 1024) -> Network:
    """Room for `room` messages and timers under way. Raises UsageError."""
    if room < 16:
        raise UsageError(f"room={room}: at least 16 messages")
    def each(count: int) -> Ints:
        return np.zeros(count, np.int64)

    return Network(new_heap(2 * room), np.zeros((room, WORDS), np.int64), each(room), each(room),
                   np.arange(room, dtype=np.int64), np.full(1, room, np.int64), each(4),
                   Dice(each(DRAWS), each(1)),
                   each(MOST_CUTS), each(MOST_CUTS), each(MOST_CUTS), each(2))


def grown_network(net: Network) -> Network:
    """The same network with room for twice as many messages."""
    room, free = len(net.free), int(net.free_count[0])
    stack = np.zeros(2 * room, np.int64)
    stack[:free] = net.free[:free]
    stack[free:free + room] = np.arange(room, 2 * room)
    return net._replace(
        heap=grown_heap(net.heap), words=np.concatenate([net.words, np.zeros_like(net.words)]),
        source=np.concatenate([net.source, np.zeros_like(net.source)]),
        target=np.concatenate([net.target, np.zeros_like(net.target)]), free=stack,
        free_count=np.full(1, free + room, np.int64))


@kernel
def net_clear(net, seed, loss, double, delay):  # type: ignore[no-untyped-def]
    """Empty the network for a new schedule."""
    net.heap.size[0] = 0
    net.heap.seq[0] = 0
    for place in range(net.free.shape[0]):
        net.free[place] = place
    net.free_count[0] = net.free.shape[0]
    net.law[0], net.law[1], net.law[2], net.law[3] = loss, double, delay, seed
    net.dice.draws[0] = 0
    for place in range(net.dice.stream.shape[0]):
        net.dice.stream[place] = mix64((seed << 20) + place) >> 31
    net.dropped[0] = 0
    net.dropped[1] = 0
    for place in range(net.cut_to.shape[0]):
        net.cut_to[place] = 0


@kernel
def draw(dice, below):  # type: ignore[no-untyped-def]
    """The next draw: a whole number from 0 to `below` - 1, below 2**31."""
    number = dice.stream[dice.draws[0] & (dice.stream.shape[0] - 1)]
    dice.draws[0] += 1
    return (number * below) >> 31


@kernel
def is_cut(net, source, target, now):  # type: ignore[no-untyped-def]
    """True while a cut lies between two nodes."""
    for place in range(net.cut_to.shape[0]):
        if net.cut_from[place] <= now and now < net.cut_to[place]:
            nodes = net.cut_nodes[place]
            if (nodes >> source) & 1 != (nodes >> target) & 1:
                return True
    return False


@kernel
def away_from(net, node, now):  # type: ignore[no-untyped-def]
    """The nodes, as bits, that a cut keeps from `node`."""
    away = 0
    for place in range(net.cut_to.shape[0]):
        if net.cut_from[place] <= now and now < net.cut_to[place]:
            nodes = net.cut_nodes[place]
            if (nodes >> node) & 1 == 1:
                nodes = ~nodes
            away |= nodes
    return away


@kernel
def net_timer(heap, at, kind, item):  # type: ignore[no-untyped-def]
    """Have something happen at a node at a time."""
    heap_push(heap, at, 0, kind, item)


@kernel
def net_send(net, now, source, target, kind, a, b, c, d, e, f, g):  # type: ignore[no-untyped-def]
    """Send a message; it arrives never, once or twice, in any order."""
    copies = 1
    if is_cut(net, source, target, now) or draw(net.dice, SCALE - 1) < net.law[0]:
        copies = 0
        net.dropped[0] += 1
    elif draw(net.dice, SCALE - 1) < net.law[1]:
        copies = 2
    for _ in range(copies):
        if net.free_count[0] == 0:
            net.dropped[1] += 1
            return
        net.free_count[0] -= 1
        place = net.free[net.free_count[0]]
        net.source[place], net.target[place] = source, target
        words = net.words[place]
        words[0], words[1], words[2], words[3] = a, b, c, d
        words[4], words[5], words[6] = e, f, g
        late = 1 + draw(net.dice, net.law[2])
        if draw(net.dice, 12) == 0:            # now and then much later than usual
            late *= 1 + draw(net.dice, 12)
        heap_push(net.heap, now + late, 0, kind, place)
