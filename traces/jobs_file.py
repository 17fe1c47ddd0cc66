"""Job files: reader and writer of our CSV.

``arrival_time_s,model,kind,global_batch,samples``, kind being fg or bg. Comments above the header:
`name`, `source`. No public standard was found for trainings with a fixed global batch. Strict,
streamed and deterministic like the request files.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.jobs import MAX_BATCH, MAX_SAMPLES, JobTrace
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.traces.write import write_lines
from rackwright.units import MAX_TIME

__all__ = ["JOBS_HEADER", "jobs_from", "read_jobs", "write_jobs"]

JOBS_HEADER = "arrival_time_s,model,kind,global_batch,samples"
_KINDS = {"fg": 1, "bg": 0}


def write_jobs(trace: JobTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_jobs(path: str | PathLike[str], limit: int | None = None) -> JobTrace:
    """Read a job file, or its first `limit` rows. Raises InputError and TraceError."""
    return jobs_from(open_table(Path(path)), limit)


def jobs_from(table: Table, limit: int | None) -> JobTrace:
    """The jobs of an open table; see read_jobs."""
    if table.header != JOBS_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected {JOBS_HEADER!r}",
                         place=table.path, line=table.header_line)
    times, kinds, batches, samples = array("d"), array("q"), array("q"), array("q")
    models: list[str] = []
    for block in table.blocks(_columns(), limit):
        times.extend(block.columns[0])
        models += block.columns[1]
        kinds.extend(block.columns[2])
        batches.extend(block.columns[3])
        samples.extend(block.columns[4])
    stem = table.path.name.removesuffix(".gz").removesuffix(".csv")
    try:
        return JobTrace(
            np.frombuffer(times, np.float64), tuple(models), np.frombuffer(kinds, np.int64),
            np.frombuffer(batches, np.int64), np.frombuffer(samples, np.int64),
            table.comments.get("name") or stem or "jobs",
            table.comments.get("source", table.path.name))
    except TraceError as problem:
        raise table.located(problem) from None


def _lines(trace: JobTrace) -> Iterator[str]:
    yield "# rackwright job trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield "# units: arrival_time_s in seconds from the start of the trace; the others in samples"
    yield JOBS_HEADER
    for at, model, fast, batch, samples in zip(
            trace.arrival_time.tolist(), trace.model, trace.foreground.tolist(),
            trace.global_batch.tolist(), trace.samples.tolist(), strict=True):
        yield f"{at!r},{model},{'fg' if fast else 'bg'},{batch},{samples}"


def _columns() -> tuple[Column, ...]:
    return (Column("arrival_time_s", decimal(MAX_TIME),
                   f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back"),
            Column("model", _name, "a name without blanks"),
            Column("kind", _kind, "fg or bg"),
            Column("global_batch", whole(1, MAX_BATCH), f"samples, 1 to {MAX_BATCH}"),
            Column("samples", whole(1, MAX_SAMPLES), f"samples to train, 1 to {MAX_SAMPLES}"))


def _name(text: str) -> str:
    if not text or not text.isprintable() or any(one.isspace() for one in text):
        raise ValueError("no name")
    return text


def _kind(text: str) -> int:
    if text not in _KINDS:
        raise ValueError("no kind of job")
    return _KINDS[text]
