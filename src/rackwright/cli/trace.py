"""`rackwright trace`: look at, check and generate trace files. Thin: the work is in `traces`."""

from __future__ import annotations

from typing import Any

import click

from rackwright.cli.output import emit, emit_json
from rackwright.cli.trace_generate import generate

__all__ = ["trace"]


@click.group()
def trace() -> None:
    """Look at, check and generate traces."""


@trace.command()
@click.argument("file")
@click.option("--limit", type=int, help="Read this many rows only.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def show(file: str, limit: int | None, as_json: bool) -> None:
    """Rows and statistics of FILE, or of a packaged trace by its name."""
    from rackwright.traces.detect import read_trace
    from rackwright.traces.packaged import file_of

    _show(read_trace(file_of(file), limit).summary(), as_json)


@trace.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def check(file: str, as_json: bool) -> None:
    """Read every row of FILE (or of a packaged trace); the first wrong one is an error with its
    line."""
    from rackwright.traces.detect import read_trace
    from rackwright.traces.packaged import file_of

    read = read_trace(file_of(file))
    if as_json:
        _show({"file": file, "rows": len(read), "content_hash": read.content_hash}, True)
    else:
        emit(f"{file}: good, {len(read)} rows, sha256 {read.content_hash}\n")


trace.add_command(generate)


def _show(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(summary)
        return
    width = max(map(len, summary))
    emit("".join(f"{key:<{width}}  {_shown(key, value)}".rstrip() + "\n"
                 for key, value in summary.items()))


def _shown(key: str, value: Any) -> str:
    from rackwright.units import format_time

    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown('', number)}" for name, number in value.items())
    if key.endswith("_time"):
        return format_time(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
