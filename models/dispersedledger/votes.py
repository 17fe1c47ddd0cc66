"""When votes have arrived: the thresholds of the protocol as order statistics.

A node that needs m votes has them at the m-th smallest of the senders' times plus delays. A
GotChunk from N-f makes a Ready, 2f+1 Ready complete the dispersal; the agreement on a completed
instance takes two more steps, 2f+1 Viable and N-f Agreements, when every correct node put in 1. A
time that is not known yet is `LATE`: what follows later can only move times beyond the present one.
A Ready and a Viable are also sent on f+1 of them.

Left out: a second round of such relays; agreements with inputs of both kinds. Units: seconds.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["LATE", "complete_times", "decide_times", "smallest", "step"]

LATE = 1e18


@kernel
def smallest(values, count, wanted):  # type: ignore[no-untyped-def]
    """The `wanted`-th smallest (from 1) of the first `count` of `values`, which are reordered."""
    low, high, place = 0, count - 1, wanted - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            return values[place]
    return values[place]


@kernel
def step(sent, delay, wanted, scratch, heard):  # type: ignore[no-untyped-def]
    """``heard[m]``: when `wanted` of the votes sent at `sent` have reached node m."""
    n = sent.shape[0]
    for m in range(n):
        for i in range(n):
            scratch[i] = sent[i] + delay[i, m]
        heard[m] = smallest(scratch, n, wanted)


@kernel
def step_relayed(sent, delay, faults, work):  # type: ignore[no-untyped-def]
    """2f+1 of votes that f+1 voices are enough to repeat: times heard, in ``work[1]``.

    `sent` is in ``work[1]`` or elsewhere; ``work[2]`` takes when each votes.
    """
    n = sent.shape[0]
    step(sent, delay, faults + 1, work[0], work[2])
    for m in range(n):
        work[2, m] = min(work[2, m], sent[m])
    step(work[2], delay, 2 * faults + 1, work[0], work[1])


@kernel
def complete_times(got, delay, faults, work, complete):  # type: ignore[no-untyped-def]
    """From when each node has its chunk to when the dispersal completes at each."""
    n = got.shape[0]
    step(got, delay, n - faults, work[0], work[1])
    step_relayed(work[1], delay, faults, work)
    for m in range(n):
        complete[m] = work[1, m]


@kernel
def decide_times(given, delay, faults, work, decided):  # type: ignore[no-untyped-def]
    """From when each node puts in 1 to when each decides 1."""
    step_relayed(given, delay, faults, work)
    step(work[1], delay, given.shape[0] - faults, work[0], decided)
