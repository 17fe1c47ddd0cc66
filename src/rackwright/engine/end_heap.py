"""The heap of live flows by (end_ps, number), indexed by slot so that a key can change.

An indexed heap keeps one entry a flow, however often its end moves. All functions take the
`FlowSlots` and the number of live flows; they never grow anything.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["ends_add", "ends_before", "ends_build", "ends_move", "ends_remove"]


@kernel
def ends_before(slots, one, other):  # type: ignore[no-untyped-def]
    """Whether flow `one` ends before flow `other`."""
    return slots.end_ps[one] < slots.end_ps[other] or (
        slots.end_ps[one] == slots.end_ps[other] and slots.number[one] < slots.number[other])


@kernel
def sift_up(slots, at):  # type: ignore[no-untyped-def]
    slot = slots.ends[at]
    while at > 0:
        above = (at - 1) >> 1
        other = slots.ends[above]
        if not ends_before(slots, slot, other):
            break
        slots.ends[at] = other
        slots.ends_at[other] = at
        at = above
    slots.ends[at] = slot
    slots.ends_at[slot] = at


@kernel
def sift_down(slots, at, size):  # type: ignore[no-untyped-def]
    slot = slots.ends[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and ends_before(slots, slots.ends[child + 1], slots.ends[child]):
            child += 1
        other = slots.ends[child]
        if not ends_before(slots, other, slot):
            break
        slots.ends[at] = other
        slots.ends_at[other] = at
        at = child
    slots.ends[at] = slot
    slots.ends_at[slot] = at


@kernel
def ends_move(slots, slot, size):  # type: ignore[no-untyped-def]
    """Put one slot back in order after its key has changed."""
    at = slots.ends_at[slot]
    sift_up(slots, at)
    sift_down(slots, slots.ends_at[slot], size)


@kernel
def ends_add(slots, slot, size):  # type: ignore[no-untyped-def]
    """Add a slot to a heap of `size` flows."""
    slots.ends[size] = slot
    slots.ends_at[slot] = size
    sift_up(slots, size)


@kernel
def ends_remove(slots, slot, size):  # type: ignore[no-untyped-def]
    """Remove a slot from a heap of `size` flows."""
    at = slots.ends_at[slot]
    slots.ends_at[slot] = -1
    last = slots.ends[size - 1]
    if last != slot:
        slots.ends[at] = last
        slots.ends_at[last] = at
        ends_move(slots, last, size - 1)


@kernel
def ends_build(slots, size):  # type: ignore[no-untyped-def]
    """Order the whole heap, after most keys have changed."""
    for at in range((size >> 1) - 1, -1, -1):
        sift_down(slots, at, size)
