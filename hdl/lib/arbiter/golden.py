"""Which of those that ask is served: golden of the round-robin arbiter."""

from __future__ import annotations

__all__ = ["served"]


def served(request: int, turn: int, size: int) -> int:
    """The first of `size` requesters, from `turn` on and round, whose bit of `request` is set; -1
    if there is none. Once it is accepted the turn is that of the one behind it.

    >>> served(0b0101, 1, 4), served(0b0101, 3, 4), served(0, 2, 4)
    (2, 0, -1)
    """
    for step in range(size):
        one = (turn + step) % size  # nonzero: the loop runs only for a size above 0
        if request >> one & 1:
            return one
    return -1
