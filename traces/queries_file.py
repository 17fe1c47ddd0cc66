"""Query files: reader and writer of our CSV (schema in the README of this folder).

One row an operator, rows of a query together. Comments above the header: `name`, `source`. Strict,
streamed and deterministic like the request files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.queries import CLASSES, MAX_AMOUNT, MAX_STAGE, QueryTrace, plain_name
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.traces.write import write_lines
from rackwright.units import MAX_TIME

__all__ = ["QUERIES_HEADER", "queries_from", "read_queries", "write_queries"]

QUERIES_HEADER = ("query,template,arrival_time_s,stage,operator,class,rows_in,rows_out,bytes_in,"
                  "bytes_out,core_seconds")


def write_queries(trace: QueryTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_queries(path: str | PathLike[str], limit: int | None = None) -> QueryTrace:
    """Read a query file, or its first `limit` rows and what completes their last query.

    Raises InputError and TraceError.
    """
    return queries_from(open_table(Path(path)), limit)


def queries_from(table: Table, limit: int | None) -> QueryTrace:
    """The queries of an open table; see read_queries."""
    if table.header != QUERIES_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected "
                         f"{QUERIES_HEADER!r}", place=table.path, line=table.header_line)
    if limit is not None and limit < 1:
        list(table.blocks(_columns(), limit))  # words the error
    found: list[list[Any]] = [[] for _ in _columns()]
    for block in table.blocks(_columns(), None):
        for column, values in zip(found, block.columns, strict=True):
            column.extend(values)
        if limit is not None and len(found[0]) > limit and found[0][-1] != found[0][limit - 1]:
            break  # the query of row `limit` is complete
    trace = _trace(table, found)
    return trace if limit is None else trace.first(limit)


def _trace(table: Table, found: list[list[Any]]) -> QueryTrace:
    """The checked trace; a fault found across rows gets the line of its row."""
    stem = table.path.name.removesuffix(".gz").removesuffix(".csv")
    name = table.comments.get("name") or stem or "queries"

    def ints(at: int) -> Any:
        return np.array(found[at], np.int64)

    try:
        return QueryTrace(
            ints(0), tuple(found[1]), np.array(found[2], np.float64), ints(3), tuple(found[4]),
            ints(5), ints(6), ints(7), ints(8), ints(9), np.array(found[10], np.float64), name,
            table.comments.get("source", table.path.name))
    except TraceError as problem:
        raise table.located(problem) from None


def _lines(trace: QueryTrace) -> Iterator[str]:
    yield "# rackwright query trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield ("# units: arrival_time_s in seconds from the start; core_seconds on one core of the "
           "reference server (accel: of one accelerator)")
    yield QUERIES_HEADER
    rows = zip(trace.query.tolist(), trace.template, trace.arrival_time.tolist(),
               trace.stage.tolist(), trace.operator, trace.kind.tolist(), trace.rows_in.tolist(),
               trace.rows_out.tolist(), trace.bytes_in.tolist(), trace.bytes_out.tolist(),
               trace.core_seconds.tolist(), strict=True)
    for query, template, arrival, stage, operator, kind, *amounts, work in rows:
        counts = ",".join(map(str, amounts))
        yield (f"{query},{template},{arrival!r},{stage},{operator},{CLASSES[kind]},{counts},"
               f"{work!r}")


def _columns() -> tuple[Column, ...]:
    amount = f"a whole number, 0 to {MAX_AMOUNT}"
    label = "1 to 64 letters, digits or any of ._-"
    return (Column("query", whole(0, 2**31 - 1), "the query's number, 0 to 2147483647, never "
                                                 "falling"),
            Column("template", _label, label),
            Column("arrival_time_s", decimal(MAX_TIME),
                   f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back"),
            Column("stage", whole(0, MAX_STAGE), f"a stage, 0 to {MAX_STAGE}"),
            Column("operator", _label, label),
            Column("class", _class(), f"one of {', '.join(CLASSES)}"),
            *(Column(name, whole(0, MAX_AMOUNT), amount)
              for name in ("rows_in", "rows_out", "bytes_in", "bytes_out")),
            Column("core_seconds", decimal(MAX_TIME), f"core-seconds, 0 to {MAX_TIME:.0f}"))


def _label(text: str) -> str:
    if not plain_name(text):
        raise ValueError("no plain name")
    return text


def _class() -> Callable[[str], int]:
    numbers = {name: number for number, name in enumerate(CLASSES)}

    def read(text: str) -> int:
        if text not in numbers:
            raise ValueError("no class of operators")
        return numbers[text]

    return read
