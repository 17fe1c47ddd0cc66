"""Reading and appending tables of measurements: strict, `.csv` or `.csv.gz`, one table a file.

The file's name says which table it holds (`gemm.csv`); its head must be that table's columns. A
bad row is an error with its line; nothing is dropped.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rackwright.calibrate.tables import SETS, TABLES, Point, Table
from rackwright.errors import InputError

__all__ = ["Row", "append", "key_cell", "pack", "read_folder", "read_table", "table_of",
           "text_of"]


@dataclass(frozen=True)
class Row:
    """A measured point; `measured` holds the table's value columns."""

    point: Point
    measured: Mapping[str, float]


def table_of(path: Path) -> Table:
    """The table that a file's name says it holds; raises `InputError`."""
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    if name == path.name or name not in TABLES:
        known = ", ".join(f"{table}.csv" for table in TABLES)
        raise InputError(f"no table of measurements has this name; known, also with .gz: {known}",
                         place=path)
    return TABLES[name]


def read_table(path: Path) -> list[Row]:
    """The rows of a file; raises `InputError` with the line of the first that is wrong."""
    table = table_of(path)
    lines = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    rows: list[Row] = []
    seen: dict[tuple[str, ...], int] = {}
    try:
        for cells in lines:
            if lines.line_num == 1:
                _check_head(cells, table, path)
                continue
            row = _row(cells, table, path, lines.line_num)
            key = tuple(cells[1:1 + len(table.keys)])
            if key in seen:
                raise InputError(f"the same point as line {seen[key]}; keep one of them",
                                 place=path, line=lines.line_num)
            seen[key] = lines.line_num
            rows.append(row)
    except csv.Error as problem:
        raise InputError(f"not CSV: {problem}", place=path, line=lines.line_num) from None
    if lines.line_num == 0:
        raise InputError(f"empty; its first line must read {','.join(table.columns)}", place=path)
    return rows


def read_folder(folder: Path) -> dict[str, list[Row]]:
    """All tables of a folder by name; raises `InputError` when it has none, or one twice."""
    found: dict[str, list[Row]] = {}
    for path in _tables_in(folder):
        name = table_of(path).name
        if name in found:
            raise InputError(f"{name} is there as .csv and as .csv.gz; keep one", place=path)
        found[name] = read_table(path)
    if not found:
        raise InputError("no table of measurements here (gemm.csv, attention.csv.gz ...); "
                         "`rackwright calibrate gpu --out DIR` makes them", place=folder)
    return {name: found[name] for name in TABLES if name in found}


def append(folder: Path, row: Row) -> None:
    """Put a row at the end of its table, which is made when absent. One write: all or nothing."""
    table = TABLES[row.point.table]
    path = folder / f"{table.name}.csv"
    cells = [row.point.set, *map(str, row.point.values),
             *(f"{row.measured[name]:.6g}" for name in table.values)]
    head = "" if path.exists() else ",".join(table.columns) + "\n"
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(f"{head}{','.join(cells)}\n")


def pack(path: Path, target: Path) -> None:
    """Compress a file; the same bytes every time (no name and no date inside)."""
    target.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _tables_in(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError("no such folder", place=folder)
    for path in sorted(folder.iterdir()):
        if path.name.removesuffix(".gz").removesuffix(".csv") in TABLES and ".csv" in path.name:
            yield path


def text_of(path: Path) -> str:
    """A file's text, unpacked when its name ends in .gz; raises `InputError`."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None


def _check_head(cells: Sequence[str], table: Table, path: Path) -> None:
    if tuple(cells) != table.columns:
        raise InputError(f"its first line must read {','.join(table.columns)}, not "
                         f"{','.join(cells)}", place=path, line=1)


def _row(cells: Sequence[str], table: Table, path: Path, line: int) -> Row:
    if len(cells) != len(table.columns):
        raise InputError(f"{len(cells)} cells; the table has {len(table.columns)} columns",
                         place=path, line=line)
    try:
        named = dict(zip(table.columns, cells, strict=True))
        if named["set"] not in SETS:
            raise ValueError(f"set is {named['set']!r}; allowed: {', '.join(SETS)}")
        values = tuple(key_cell(name, named[name], words) for name, words in table.keys.items())
        measured = {name: _measured(name, named[name]) for name in table.values}
    except ValueError as problem:
        raise InputError(str(problem), place=path, line=line) from None
    return Row(Point(table.name, values, named["set"]), measured)


def key_cell(name: str, cell: str, words: tuple[str, ...]) -> int | str:
    """A cell that says what was measured; `words`: those allowed, none: a whole number."""
    if words:
        if cell not in words:
            raise ValueError(f"{name} is {cell!r}; allowed: {', '.join(words)}")
        return cell
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{name} is {cell!r}; it must be a whole number >= 0")
    return int(cell)


def _measured(name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{name} is {cell!r}; it must be a number") from None
    if not math.isfinite(value) or value < 0 or (name == "time_us" and value == 0):
        raise ValueError(f"{name} is {cell!r}; it must be finite and "
                         f"{'above 0' if name == 'time_us' else '>= 0'}")
    return value
