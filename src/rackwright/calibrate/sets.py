"""Which measurements a fit may see: whole groups are held back, chosen before measuring.

In each stratum of a table the groups are ordered by the SHA-256 of SEED and their name, and the
first HELD_SHARE of them (at least one, where there are two) are held. The choice depends on the
plan alone, never on a measured time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rackwright.calibrate.tables import TABLES, Point, Value

__all__ = ["HELD_SHARE", "SEED", "assign"]

SEED = 20261122    # the day the plan was written; chosen before anything was measured
HELD_SHARE = 0.3


def assign(points: Iterable[Point]) -> list[Point]:
    """`points` with their sets, in the same order."""
    points = list(points)
    held = _held_groups(points)
    return [Point(point.table, point.values, "held" if _group(point) in held else "fit")
            for point in points]


def _held_groups(points: list[Point]) -> set[tuple[str, tuple[Value, ...]]]:
    strata: dict[tuple[str, tuple[Value, ...]], set[tuple[str, tuple[Value, ...]]]] = {}
    for point in points:
        table = TABLES[point.table]
        if table.group:
            key = point.table, tuple(point[name] for name in table.stratum)
            strata.setdefault(key, set()).add(_group(point))
    held: set[tuple[str, tuple[Value, ...]]] = set()
    for groups in strata.values():
        count = max(round(HELD_SHARE * len(groups)), 1) if len(groups) > 1 else 0
        held.update(sorted(groups, key=_rank)[:count])
    return held


def _group(point: Point) -> tuple[str, tuple[Value, ...]]:
    return point.table, tuple(point[name] for name in TABLES[point.table].group)


def _rank(group: tuple[str, tuple[Value, ...]]) -> str:
    name = "/".join(str(part) for part in (SEED, group[0], *group[1]))
    return hashlib.sha256(name.encode()).hexdigest()
