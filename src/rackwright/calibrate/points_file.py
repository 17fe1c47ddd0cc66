"""Points of one's own to measure: a table's file without its values.

The file's name says which table (`attention.csv`), as for measurements; its head names the table's
keys, with `set` before them or without. Rows without a set are held: a shape that somebody asks
about is a check of the fit, unless they say that it may be fitted to.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from rackwright.calibrate.rows import key_cell, table_of, text_of
from rackwright.calibrate.tables import SETS, Point, Table
from rackwright.errors import InputError

__all__ = ["read_points"]


def read_points(path: Path) -> list[Point]:
    """The points of a file, in its order; raises `InputError` with the line of the first bad one.

    A point that stands there twice is an error: it would be measured once.
    """
    table = table_of(path)
    points: dict[Point, int] = {}
    for line, cells in _lines(path, table):
        point = _point(cells, table, path, line)
        for known in SETS:
            twin = Point(point.table, point.values, known)
            if twin in points:
                raise InputError(f"the same point as line {points[twin]}; keep one of them",
                                 place=path, line=line)
        points[point] = line
    if not points:
        raise InputError(f"no points; its first line reads {','.join(table.keys)}, each other "
                         "line is a point", place=path)
    return list(points)


def _lines(path: Path, table: Table) -> Iterator[tuple[int, Sequence[str]]]:
    """Line numbers and cells below the head, each with a set."""
    lines = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    try:
        head = tuple(next(lines, ()))
        if head not in (tuple(table.keys), ("set", *table.keys)):
            raise InputError(f"its first line must read {','.join(table.keys)}, with set before "
                             f"them or without, not {','.join(head)}", place=path, line=1)
        for cells in lines:
            if len(cells) != len(head):
                raise InputError(f"{len(cells)} cells; the head has {len(head)}", place=path,
                                 line=lines.line_num)
            yield lines.line_num, cells if head[0] == "set" else ["held", *cells]
    except csv.Error as problem:
        raise InputError(f"not CSV: {problem}", place=path, line=lines.line_num) from None


def _point(cells: Sequence[str], table: Table, path: Path, line: int) -> Point:
    try:
        if cells[0] not in SETS:
            raise ValueError(f"set is {cells[0]!r}; allowed: {', '.join(SETS)}")
        keys = zip(table.keys.items(), cells[1:], strict=True)
        return Point(table.name, tuple(key_cell(name, cell, words)
                                       for (name, words), cell in keys), cells[0])
    except ValueError as problem:
        raise InputError(str(problem), place=path, line=line) from None
