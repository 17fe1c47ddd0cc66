"""Operation files: reader and writer of our CSV, and the reader of YCSB's logs.

Ours: ``arrival_time_s,operation,key,value_bytes,objects`` (schema in the README of this folder).
YCSB: what its `basic` binding prints with ``basicdb.verbose``, one line an operation, such as
``UPDATE usertable user42 [ field0=... ]``; lines of other kinds are an error. It has no times: all
operations arrive at 0. Keys are numbered in the order of their names, so that scans run over
neighbours; a value has as many bytes as stand between the brackets, a read none.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import NoReturn

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.lines import numbered_lines
from rackwright.traces.operations import (
    KEY_LIMIT,
    MAX_OBJECTS,
    MAX_VALUE,
    OPERATIONS,
    OperationTrace,
)
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.traces.write import write_lines
from rackwright.units import MAX_TIME

__all__ = ["OPERATIONS_HEADER", "is_ycsb", "operations_from", "read_operations", "read_ycsb",
           "write_operations"]

OPERATIONS_HEADER = "arrival_time_s,operation,key,value_bytes,objects"
_YCSB = {"READ": 0, "UPDATE": 1, "INSERT": 2, "SCAN": 4}
_LINE = re.compile(r"(READ|UPDATE|INSERT|SCAN) (\S+) (\S+) (?:([0-9]{1,6}) )?\[ ?(.*?) ?\]")


def write_operations(trace: OperationTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_operations(path: str | PathLike[str], limit: int | None = None) -> OperationTrace:
    """Read an operation file, or its first `limit` rows; a YCSB log is told by its first line.

    Raises InputError (cannot be opened), TraceError (line, column, value), UsageError (limit).
    """
    table = open_table(Path(path))
    if is_ycsb(table.header):
        table.lines.close()
        return read_ycsb(path, limit)
    return operations_from(table, limit)


def is_ycsb(line: str) -> bool:
    """True for the first line of a log of YCSB's basic binding."""
    return line.split(" ")[0] in _YCSB


def operations_from(table: Table, limit: int | None) -> OperationTrace:
    """The operations of an open table; see read_operations."""
    if table.header != OPERATIONS_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected "
                         f"{OPERATIONS_HEADER!r}, or a log of YCSB's basic binding",
                         place=table.path, line=table.header_line)
    times = array("d")
    columns = tuple(array("q") for _ in range(4))
    for block in table.blocks(_columns(), limit):
        times.extend(block.columns[0])
        for column, values in zip(columns, block.columns[1:], strict=True):
            column.extend(values)
    stem = table.path.name.removesuffix(".gz").removesuffix(".csv")
    try:
        operation, key, nbytes, objects = (np.frombuffer(column, np.int64) for column in columns)
        return OperationTrace(
            np.frombuffer(times, np.float64), operation, key, nbytes, objects,
            name=table.comments.get("name") or stem or "operations",
            source=table.comments.get("source", table.path.name))
    except TraceError as problem:
        raise table.located(problem) from None


def read_ycsb(path: str | PathLike[str], limit: int | None = None) -> OperationTrace:
    """Read what YCSB's basic binding printed. Raises InputError, TraceError and UsageError."""
    place = Path(path)
    kinds, sizes, objects, names = array("q"), array("q"), array("q"), list[str]()
    for line, text in numbered_lines(place):
        if limit is not None and len(names) >= limit:
            break
        found = _LINE.fullmatch(text)
        if found is None:
            _no_ycsb(place, line, text)
        kind, _, name, count, inside = found.groups()
        if (kind == "SCAN") != (count is not None):
            _no_ycsb(place, line, text)
        kinds.append(_YCSB[kind])
        names.append(name)
        objects.append(int(count) if count else 1)
        sizes.append(len(inside) if kind in ("UPDATE", "INSERT") else 0)
    number = {name: at for at, name in enumerate(sorted(set(names)))}
    try:
        return OperationTrace(
            np.zeros(len(names)), np.array(kinds, np.int64),
            np.array([number[name] for name in names], np.int64), np.array(sizes, np.int64),
            np.array(objects, np.int64), name=place.name.removesuffix(".gz") or "ycsb",
            source=f"{place.name} (YCSB, basic binding; no times)")
    except TraceError as problem:
        raise _at_its_line(problem, place) from None


def _at_its_line(problem: TraceError, place: Path) -> TraceError:
    """A YCSB log has no header: row 0 is line 1."""
    head, _, rest = problem.message.partition(": ")
    row = head.removeprefix("row ")
    if not row.isdigit():
        return TraceError(problem.message, place=place)
    return TraceError(rest, place=place, line=1 + int(row))


def _no_ycsb(place: Path, line: int, text: str) -> NoReturn:
    raise TraceError(f"{short(repr(text))} is no operation of YCSB's basic binding; expected "
                     "READ, UPDATE, INSERT or SCAN, table, key, for SCAN a count, and the fields "
                     "in [ ], such as 'READ usertable user42 [ <all fields>]'", place=place,
                     line=line)


def _lines(trace: OperationTrace) -> Iterator[str]:
    yield "# rackwright operation trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield "# units: arrival_time_s in seconds from the start of the trace; value_bytes in bytes"
    yield OPERATIONS_HEADER
    columns = (trace.arrival_time, trace.operation, trace.key, trace.nbytes, trace.objects)
    for at, kind, key, size, count in zip(*(column.tolist() for column in columns), strict=True):
        yield f"{at!r},{OPERATIONS[kind]},{key},{size},{count}"


def _columns() -> tuple[Column, ...]:
    return (Column("arrival_time_s", decimal(MAX_TIME),
                   f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back"),
            Column("operation", _operation(), f"one of {', '.join(OPERATIONS)}"),
            Column("key", whole(0, KEY_LIMIT - 1), f"a whole number, 0 to {KEY_LIMIT - 1}"),
            Column("value_bytes", whole(0, MAX_VALUE), f"a whole number, 0 to {MAX_VALUE}"),
            Column("objects", whole(1, MAX_OBJECTS),
                   f"a whole number, 1 to {MAX_OBJECTS}; 1 for a read"))


def _operation() -> Callable[[str], int]:
    codes = {name: code for code, name in enumerate(OPERATIONS)}

    def read(text: str) -> int:
        if text not in codes:
            raise ValueError("no such operation")
        return codes[text]

    return read
