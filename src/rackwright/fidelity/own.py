"""Reading a user's own measurements: CSV with the columns that `rackwright calibrate gpu` writes.

A file holds one table. Which one is told by its columns, so it may have any name; where two
tables have the same columns, by its name. Columns may stand in any order. The first value column
(`time_us`, or `watts`) is needed, the others may be absent; `set` may be absent too, and then
nothing in the file was fitted to: every row counts as "held". Text is UTF-8, with or without a
byte-order mark; the file may be compressed (`.csv.gz`). Blank lines are skipped.

A bad cell is an `InputError` with file, line and column. Nothing is dropped, nothing is guessed.
Whether a shape makes sense (heads that groups share evenly, say) is for the models: `Own.lines`
says where a point was read.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import SETS, TABLES, Point, Table
from rackwright.errors import InputError

__all__ = ["Own", "read_own"]

NO_TABLE = ("skipped.csv", "skipped.csv.gz")  # `calibrate gpu` writes it beside the tables
MOST = dict.fromkeys(("experts", "gpus", "world"), 2 ** 16)  # models make lists of so many


@dataclass(frozen=True)
class Own:
    """Rows by table, with file and line of each; `digest`: SHA-256 of names and bytes."""

    rows: Mapping[str, list[Row]]
    lines: Mapping[str, list[int]]
    files: Mapping[str, Path]
    digest: str


def read_own(path: Path) -> Own:
    """A file, or all `.csv` and `.csv.gz` of a folder. Raises `InputError`."""
    digest = hashlib.sha256()
    rows, lines, files = dict[str, list[Row]](), dict[str, list[int]](), dict[str, Path]()
    for file in _files(path):
        data = _bytes(file)
        digest.update(f"{file.name}\n".encode() + data)
        table, found = _read(file, data)
        if table.name in rows:
            raise InputError(f"holds {table.name}, as {files[table.name]} does; put the rows of "
                             "a table into one file", place=file)
        rows[table.name], lines[table.name] = list(found.values()), list(found)
        files[table.name] = file
    return Own({name: rows[name] for name in TABLES if name in rows}, lines, files,
               digest.hexdigest())


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir()
                   if file.name.endswith((".csv", ".csv.gz")) and file.name not in NO_TABLE)
    if not files:
        raise InputError("no .csv or .csv.gz here; `rackwright calibrate gpu --out DIR` makes "
                         "them", place=path)
    return files


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror or problem}", place=path) from None


def _text(path: Path, data: bytes) -> str:
    try:
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object[:problem.start].count(b"\n") + 1
        raise InputError(f"byte {problem.object[problem.start]:#04x} is not UTF-8; save the file "
                         "as CSV in UTF-8", place=path, line=line) from None
    except (OSError, EOFError, zlib.error) as problem:
        raise InputError(f"cannot be unpacked: {problem}", place=path) from None


def _read(path: Path, data: bytes) -> tuple[Table, dict[int, Row]]:
    """The table, and its rows by line."""
    lines = csv.reader(io.StringIO(_text(path, data), newline=""), strict=True)
    rows: dict[int, Row] = {}
    seen: dict[Point, int] = {}
    table, head = None, tuple[str, ...]()
    try:
        for cells in lines:
            if not cells or (table and not any(cells)):
                continue
            if table is None:
                head = tuple(cell.strip() for cell in cells)
                table = _table(path, head, lines.line_num)
                continue
            row = _row(path, lines.line_num, table, head, cells)
            first = seen.setdefault(Point(table.name, row.point.values), lines.line_num)
            if first != lines.line_num:
                raise InputError(f"the same point as line {first} ({row.point}); keep one row, "
                                 "with the median", place=path, line=lines.line_num)
            rows[lines.line_num] = row
    except csv.Error as problem:
        raise InputError(f"not CSV: {problem}", place=path, line=lines.line_num) from None
    if table is None or not rows:
        raise InputError("no rows" if table else "empty; its first line must name the columns",
                         place=path)
    return table, rows


def _table(path: Path, head: Sequence[str], line: int) -> Table:
    """The table whose columns `head` names."""
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        raise InputError(f"column {twice[0]!r} is there twice", place=path, line=line)
    fitting = [table for table in TABLES.values() if set(table.keys) <= set(head)
               and set(head) <= set(table.columns) and table.values[0] in head]
    named = path.name.removesuffix(".gz").removesuffix(".csv")
    for table in fitting:
        if len(fitting) == 1 or table.name == named:
            return table
    raise InputError(_no_table(head, named, fitting), place=path, line=line)


def _no_table(head: Sequence[str], named: str, fitting: Sequence[Table]) -> str:
    if fitting:
        names = " or ".join(f"{table.name}.csv" for table in fitting)
        return f"the columns are those of several tables; call the file {names}"
    near = TABLES.get(named) or max(TABLES.values(), key=lambda table: (
        len(set(table.keys) & set(head)) / len(table.keys), len(table.keys)))
    missing = [name for name in (*near.keys, near.values[0]) if name not in head]
    more = [name for name in head if name not in near.columns]
    faults = [f"lacks {', '.join(missing)}"] * bool(missing) + \
             [f"has {', '.join(map(repr, more))} besides"] * bool(more)
    return (f"the columns are those of no table; the nearest, {near.name}, has "
            f"{', '.join(near.columns)}, and this {' and '.join(faults)}. Needed: "
            f"{', '.join((*near.keys, near.values[0]))}")


def _row(path: Path, line: int, table: Table, head: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(head):
        raise InputError(f"{len(cells)} cells, but the first line names {len(head)} columns "
                         "(decimals take a point, not a comma)", place=path, line=line)
    try:
        named = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
        one = _word("set", named.get("set", "held"), SETS)
        least = 0 if "none" in named.values() else 1  # of nothing there is no size
        values = tuple(_word(name, named[name], words) if words
                       else _count(name, named[name], least)
                       for name, words in table.keys.items())
        measured = _measured(table, named)
    except ValueError as problem:
        raise InputError(str(problem), place=path, line=line) from None
    return Row(Point(table.name, values, one), measured)


def _measured(table: Table, named: Mapping[str, str]) -> dict[str, float]:
    return {name: _number(name, named[name], above_zero=name == table.values[0])
            for name in table.values if name in named}


def _word(name: str, cell: str, allowed: tuple[str, ...]) -> str:
    if cell not in allowed:
        raise ValueError(f"column {name}: {cell!r}; allowed: {', '.join(allowed)}")
    return cell


def _count(name: str, cell: str, least: int) -> int:
    most = MOST.get(name, 2 ** 53 - 1)
    if not (cell.isascii() and cell.isdigit() and len(cell) < 17 and least <= int(cell) <= most):
        raise ValueError(f"column {name}: {cell!r}; allowed: whole numbers from {least} to {most}")
    return int(cell)


def _number(name: str, cell: str, above_zero: bool) -> float:
    try:
        value = float(cell) if cell.isascii() and "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (above_zero and value == 0):
        raise ValueError(f"column {name}: {cell!r}; allowed: numbers "
                         f"{'above 0' if above_zero else '>= 0'}, with a point for decimals")
    return value
