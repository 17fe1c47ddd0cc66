"""An earlier measurement of ours on an H100, kept beside the device models in its own columns.

`devices/measured/h100-sxm/earlier/`: bf16 products and one expert, timed in CUDA graphs with pauses
between the points, where the packaged tables were measured without. Rows whose weight shape is
held in the packaged tables are held here too, so that no fit sees a held shape.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import TABLES, Point, Value

__all__ = ["earlier_rows"]

_FILES = {"gemm": "gemm.csv", "expert": "moe_expert.csv"}


def earlier_rows(folder: Path, rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The tables below `folder`/earlier as rows of `rows`' kind; none where it has no such folder.

    `rows`: the packaged tables, which say what is held.
    """
    return {table: _read(folder / "earlier" / name, table, rows.get(table, ()))
            for table, name in _FILES.items() if (folder / "earlier" / name).is_file()}


def _read(path: Path, table: str, known: Sequence[Row]) -> list[Row]:
    held = {_group(row.point) for row in known if row.point.set == "held"}
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for cells in csv.DictReader(file):
            point = Point(table, tuple(_value(name, cells) for name in TABLES[table].keys))
            found.append(Row(Point(table, point.values,
                                   "held" if _group(point) in held else "fit"),
                             {"time_us": float(cells["time_us"])}))
    return found


def _value(name: str, cells: Mapping[str, str]) -> Value:
    if name == "layout":
        return "linear"  # not noted then; no prediction depends on it
    return cells[name] if name == "dtype" else int(cells[name])


def _group(point: Point) -> tuple[Value, ...]:
    return tuple(point[name] for name in TABLES[point.table].group)
