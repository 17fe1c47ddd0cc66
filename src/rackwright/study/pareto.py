"""Points that no other beats in every goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["undominated"]


def undominated(costs: Mapping[int, Sequence[float]]) -> tuple[int, ...]:
    """The numbers, in their order, whose costs no other's are all at most, one of them less.

    >>> undominated({0: (1.0, 2.0), 1: (2.0, 1.0), 2: (2.0, 2.0), 3: (1.0, 2.0)})
    (0, 1, 3)
    """
    return tuple(number for number, own in costs.items()
                 if not any(_beats(other, own) for other in costs.values()))


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return tuple(one) != tuple(other) and all(a <= b for a, b in zip(one, other, strict=True))
