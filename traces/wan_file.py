"""Bandwidth files: our CSV ``time_s,site,up_bytes_per_s,down_bytes_per_s``, read and written.

A row a site and step; the sites of a step follow one another in the same order in every step, and
steps are equally long. The step of a file with one step is 1 s. Mahimahi's and iperf's files are
read by `rackwright.topologies.read_bandwidth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.table import Column, Table, decimal, open_table, short
from rackwright.traces.wan import MAX_BANDWIDTH, BandwidthTrace
from rackwright.traces.write import write_lines
from rackwright.units import MAX_TIME

__all__ = ["BANDWIDTH_HEADER", "bandwidth_from", "read_bandwidth_trace", "write_bandwidth_trace"]

BANDWIDTH_HEADER = "time_s,site,up_bytes_per_s,down_bytes_per_s"


def write_bandwidth_trace(trace: BandwidthTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_bandwidth_trace(path: str | PathLike[str], limit: int | None = None) -> BandwidthTrace:
    """Read a bandwidth file, or the whole steps in its first `limit` rows.

    Raises InputError (cannot be opened), TraceError (line, column, value), UsageError (limit).
    """
    return bandwidth_from(open_table(Path(path)), limit)


def bandwidth_from(table: Table, limit: int | None) -> BandwidthTrace:
    """The trace of an open table; see read_bandwidth_trace."""
    if table.header != BANDWIDTH_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected "
                         f"{BANDWIDTH_HEADER!r}", place=table.path, line=table.header_line)
    times: list[float] = []
    names: list[str] = []
    rates: list[tuple[float, float]] = []
    for block in table.blocks(_columns(), limit):
        times += block.columns[0]
        names += block.columns[1]
        rates += zip(block.columns[2], block.columns[3], strict=True)
    try:
        step, count = _shape(times, names, cut=limit is not None)
        table_of = np.array(rates[:len(rates) // count * count]).reshape(-1, count, 2)
        stem = table.path.name.removesuffix(".gz").removesuffix(".csv")
        return BandwidthTrace(tuple(names[:count]), step, table_of[:, :, 0], table_of[:, :, 1],
                              table.comments.get("name") or stem or "bandwidth",
                              table.comments.get("source", table.path.name))
    except TraceError as problem:
        raise table.located(problem) from None


def _shape(times: list[float], names: list[str], cut: bool) -> tuple[float, int]:
    """(seconds a step, sites); every row must stand where they say. Raises TraceError."""
    if not times:
        raise TraceError("a trace without rows; at least 1 is expected")
    count = next((at for at, name in enumerate(names) if at and name == names[0]), len(names))
    step = times[count] - times[0] if len(times) > count else 1.0
    if step <= 0:
        raise TraceError(f"row {count}: time_s {times[count]}; expected later than {times[0]}")
    for row, (time, name) in enumerate(zip(times, names, strict=True)):
        if name != names[row % count]:
            raise TraceError(f"row {row}: site {short(repr(name))}; expected "
                             f"{names[row % count]!r}: every step has the same sites in order")
        wanted = row // count * step
        if abs(time - wanted) > 1e-6 * max(step, wanted):
            raise TraceError(f"row {row}: time_s {time!r}; expected {wanted:g}: steps of "
                             f"{step:g} s from 0 on")
    if len(times) % count and not cut:
        raise TraceError(f"row {len(times) - 1}: site {names[-1]!r}; the last step has "
                         f"{len(times) % count} of {count} sites")
    if len(times) < count:
        raise TraceError("the first step is cut; read more rows")
    return step, count


def _lines(trace: BandwidthTrace) -> Iterator[str]:
    yield "# rackwright bandwidth trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield "# units: time_s in seconds from the start of the trace; rates in bytes/s, out and in"
    yield BANDWIDTH_HEADER
    for at, (up, down) in enumerate(zip(trace.up.tolist(), trace.down.tolist(), strict=True)):
        for site, out, into in zip(trace.sites, up, down, strict=True):
            yield f"{at * trace.step_time!r},{site},{out!r},{into!r}"


def _columns() -> tuple[Column, ...]:
    rate = decimal(MAX_BANDWIDTH)
    expected = f"bytes/s, 0 to {MAX_BANDWIDTH:g}"
    return (Column("time_s", decimal(MAX_TIME), "seconds from the start, in equal steps"),
            Column("site", _site, "a name without blanks and quotes"),
            Column("up_bytes_per_s", rate, expected), Column("down_bytes_per_s", rate, expected))


def _site(text: str) -> str:
    if not text or not text.isprintable() or any(mark in text for mark in ' "#'):
        raise ValueError("no name of a site")
    return text
