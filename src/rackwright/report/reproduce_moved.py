"""What stand-ins and fitted numbers do to the rows of a system, one line a number.

For each: its value and band, how many rows take it, how many of them move, the one that moves most
and how far, and the rows that it turns from met to missed or back. `envelope` is the same for a
row: the least and the greatest that it came to, whichever number was moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rackwright.report.reproduce import number, parameter, signed
from rackwright.reproduce.rows import Row, Sensitivity

__all__ = ["HEADER", "envelope", "moved_rows"]

HEADER = ("number", "value", "from", "to", "rows", "move", "moves most", "turns")
_LEAST = 0.0005  # a relative change that is printed as 0 %
_NAMED = 4       # rows that are named in a cell


def moved_rows(rows: Iterable[Row]) -> list[list[str]]:
    """A line for each number that a row takes, as `HEADER`; those that move most come first."""
    takers: dict[str, list[tuple[Row, Sensitivity]]] = {}
    for row in rows:
        for found in row.sensitivities or ():
            takers.setdefault(found.parameter, []).append((row, found))
    lines = [(_largest(found), name, _line(name, found)) for name, found in takers.items()]
    return [line for _, _, line in sorted(lines, key=lambda each: (-each[0], each[1]))]


def envelope(row: Row) -> str:
    """The least and greatest value over all numbers moved; "-" where it was not asked for."""
    if row.sensitivities is None or row.simulated is None:
        return "-"
    ends = [row.simulated, *(end for found in row.sensitivities
                             for end in (found.at_low, found.at_high) if end is not None)]
    low, high = number(min(ends), row.claim.unit), number(max(ends), row.claim.unit)
    return low if low == high else f"{low} to {high}"


def _line(name: str, takers: Sequence[tuple[Row, Sensitivity]]) -> list[str]:
    first = takers[0][1]
    moving = [(row, found) for row, found in takers if _size(row, found) > _LEAST]
    most = max(moving, key=lambda each: _size(*each), default=None)
    turned = [row.key for row, found in takers if _turns(row, found)]
    named = turned[:_NAMED] + ([f"{len(turned) - _NAMED} more"] if len(turned) > _NAMED else [])
    return [name, *(parameter(name, value) for value in (first.value, first.low, first.high)),
            str(len(takers)), str(len(moving)),
            "-" if most is None else f"{most[0].key}: {_ends(*most)}", ", ".join(named) or "-"]


def _ends(row: Row, found: Sensitivity) -> str:
    low, high = ("-" if each is None else signed(each)
                 for each in found.changes(row.simulated or 0.0))
    return f"{low} to {high}"


def _size(row: Row, found: Sensitivity) -> float:
    return max((abs(each) for each in found.changes(row.simulated or 0.0) if each is not None),
               default=0.0)


def _largest(takers: Sequence[tuple[Row, Sensitivity]]) -> float:
    return max(_size(*each) for each in takers)


def _turns(row: Row, found: Sensitivity) -> bool:
    return any(end is not None and row.claim.allows(end) is not row.holds
               for end in (found.at_low, found.at_high))
