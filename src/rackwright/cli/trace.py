"""`rackwright trace`: look at, check and generate trace files. Thin: the work is in `traces`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.traces import Uniform

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


@trace.command()
@click.argument("out")
@click.option("--rate", type=float, required=True, help="Mean requests per second (Poisson).")
@click.option("--duration", help="How long requests arrive, with a unit: 60s.")
@click.option("--count", type=int, help="How many requests, instead of --duration.")
@click.option("--input", "input_range", metavar="LOW-HIGH",
              help="Prompt tokens, uniform [default: 50-150].")
@click.option("--output", "output_range", metavar="LOW-HIGH",
              help="Answer tokens, uniform [default: 50-250].")
@click.option("--lengths-of", metavar="FILE", help="Draw length pairs from this trace instead.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--name", default="poisson", show_default=True, help="Name kept in the file.")
def generate(out: str, rate: float, duration: str | None, count: int | None,
             input_range: str | None, output_range: str | None, lengths_of: str | None, seed: int,
             name: str) -> None:
    """Write a seeded request trace to OUT (.csv or .csv.gz)."""
    from rackwright import traces, units

    made = traces.generate_requests(
        rate,
        duration_time=None if duration is None else units.parse_time(duration, what="--duration"),
        count=count,
        input_tokens=_uniform(input_range, "--input"),
        output_tokens=_uniform(output_range, "--output"),
        lengths=traces.fitted_lengths(traces.read_requests(lengths_of)) if lengths_of else None,
        seed=seed,
        name=name,
    )
    traces.write_requests(made, Path(out))
    click.echo(f"{out}: {len(made)} requests, sha256 {made.content_hash}", err=True)


def _uniform(text: str | None, option: str) -> Uniform | None:
    from rackwright.traces import Uniform

    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", text)
    if match is None:
        raise UsageError(f"{option} {text!r}: not a range of tokens; write for example '50-150'")
    return Uniform(int(match[1]), int(match[2]))


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
