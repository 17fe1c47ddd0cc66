"""A message over a chain of links in closed form: store-and-forward and cut-through.

Exact for one message alone and unbounded buffers: frames follow each other through the hops as a
tandem of queues, whose end is the longest way through (frame, hop). A switch cuts through when its
output is no faster than its input: the head leaves when 64 bytes are in. A frame counts as arrived
with its gap (12 bytes late). Vectorised over messages.

Left out: other traffic (`network` has it), pauses, losses. Units: seconds, bytes, bits/s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.ethernet.framing import ROCE, Framing
from rackwright.errors import UsageError

__all__ = ["CUT_NBYTES", "Hop", "message_time", "transit_time"]

CUT_NBYTES = 64 + 8  # shortest frame and preamble: assumed, what a switch needs for its decision


@dataclass(frozen=True)
class Hop:
    """A link, and the switch at its beginning if there is one.

    `switch_time`: seconds from arrival to departure; 0 and not used on the first hop.
    """

    rate_bps: float
    latency_time: float = 0.0
    switch_time: float = 0.0
    cut_through: bool = True

    def __post_init__(self) -> None:
        for name in ("rate_bps", "latency_time", "switch_time"):
            value = getattr(self, name)
            if not 0 <= value < 1e15 or (name == "rate_bps" and value < 1e3):
                raise UsageError(f"{name} of a hop is {value!r}; a finite number >= "
                                 f"{'1000 bits/s' if name == 'rate_bps' else '0 s'} is needed")


def message_time(nbytes: Sizes, hops: Sequence[Hop], framing: Framing = ROCE) -> Seconds:
    """Seconds from a message's first bit on the first hop to the end of its last frame.

    No bytes take no time. Raises `UsageError` for sizes that are no whole numbers and no hops.
    """
    n, = sizes(nbytes=nbytes)
    count = framing.frames(n)
    first, last = framing.ends(n)
    _, full = np.broadcast_arrays(n, float(framing.full_nbytes))
    return bare(np.where(n > 0, transit_time(count, first, full, last, hops), 0.0))


def transit_time(count: Floats, first: Floats, full: Floats, last: Floats, hops: Sequence[Hop]
                 ) -> Floats:
    """As `message_time` for `count` frames of these wire bytes."""
    if not hops:
        raise UsageError("a path needs at least one hop")
    per_byte = [8.0 / hop.rate_bps for hop in hops]
    forward = [_forwarding(hops, index) for index in range(len(hops) - 1)]
    waits = sum(hop.latency_time for hop in hops) + sum(hop.switch_time for hop in hops[1:])
    end = len(hops) - 1
    longest = _along(first, per_byte, forward, 0, end) + first * per_byte[end]
    for left in range(len(hops)):          # the hop where the first frame holds up the second
        for right in range(left, len(hops)):  # and where the last one is held up
            worst = max(per_byte[left: right + 1])
            pile = (_along(first, per_byte, forward, 0, left) + first * per_byte[left]
                    + _along(full, per_byte, forward, left, right)
                    + np.maximum(count - 3, 0) * full * worst + full * per_byte[right])
            if left == right:
                pile = np.where(count == 2, pile - full * per_byte[right], pile)
            tail = _along(last, per_byte, forward, right, end) + last * per_byte[end]
            allowed = (count > 2) | ((count == 2) & (left == right))
            longest = np.where(allowed, np.maximum(longest, pile + tail), longest)
    return waits + longest


def _forwarding(hops: Sequence[Hop], index: int) -> float | None:
    """Bytes of a frame that hop `index` + 1 waits for; None: all of it."""
    following = hops[index + 1]
    cuts = following.cut_through and following.rate_bps <= hops[index].rate_bps
    return float(CUT_NBYTES) if cuts else None


def _along(frame: Floats, per_byte: Sequence[float], forward: Sequence[float | None], start: int,
           end: int) -> Floats:
    """From a frame's start on hop `start` to its start on hop `end`, nothing in its way."""
    total = np.zeros_like(frame)
    for index in range(start, end):
        needed = forward[index]
        size = frame if needed is None else np.minimum(frame, needed)
        total = total + size * per_byte[index]
    return total
