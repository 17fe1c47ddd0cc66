"""Messages on the fabric: booked port by port, an event where a message meets others.

A message leaves through the first link of its route, whose port is booked when it is sent, and
arrives through the last one, whose port is booked by the event at which its head gets there (an
answer to a client: at once, since nothing else goes that way but the answers to the same machine).
Links in between add their latency, and no queue: their contention is left out. Jitter, where there
is any, delays a message between its links (an answer behind them), so that it delays no other one.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.ports import port_cross

__all__ = ["answer", "event", "jitter_ps", "land_ps", "leave_ps", "message"]


@kernel
def message(outbox, source, target, at_ps, nbytes, kind, item):  # type: ignore[no-untyped-def]
    """Send a message; its event comes when its head is at its last link."""
    place = outbox.count[0]
    outbox.count[0] += 1
    outbox.at_ps[place] = at_ps
    outbox.source[place] = source
    outbox.target[place] = target
    outbox.nbytes[place] = nbytes
    outbox.kind[place] = kind
    outbox.item[place] = item


@kernel
def event(outbox, at_ps, kind, item):  # type: ignore[no-untyped-def]
    """Have something happen at `at_ps`."""
    message(outbox, 0, 0, at_ps, 0, kind, item)


@kernel
def answer(outbox, source, c, at_ps, nbytes, good):  # type: ignore[no-untyped-def]
    """Answer client `c` at `at_ps`; `good`: see Outbox."""
    place = outbox.answer_count[0]
    outbox.answer_count[0] += 1
    outbox.answer_ps[place] = at_ps
    outbox.answer_source[place] = source
    outbox.answer_client[place] = c
    outbox.answer_nbytes[place] = nbytes
    outbox.answer_good[place] = good


@kernel
def jitter_ps(noise):  # type: ignore[no-untyped-def]
    """The next message's jitter."""
    at = noise.taken[0] & (noise.delay_ps.shape[0] - 1)
    noise.taken[0] += 1
    return noise.delay_ps[at]


@kernel
def leave_ps(ports, paths, source, target, at_ps, nbytes):  # type: ignore[no-untyped-def]
    """When the head of a message that is sent at `at_ps` is at its last link."""
    first = paths.first[source, target]
    if first < 0:
        return at_ps
    head_ps, _ = port_cross(ports, first, at_ps, at_ps, nbytes)
    return head_ps + paths.middle_ps[source, target]


@kernel
def land_ps(ports, paths, source, target, head_ps, nbytes):  # type: ignore[no-untyped-def]
    """When the tail of a message has arrived whose head is at its last link at `head_ps`."""
    tail_ps = head_ps + int(nbytes * paths.ps_per_byte[source, target])
    last = paths.last[source, target]
    if last >= 0:
        _, tail_ps = port_cross(ports, last, head_ps, tail_ps, nbytes)
    return tail_ps
