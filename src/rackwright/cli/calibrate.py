"""``rackwright calibrate``: measure a GPU, check models against measurements. Thin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.calibrate_hosts import COMMANDS, check_library, fit_library, is_library
from rackwright.cli.calibrate_training import check_training, is_training, training
from rackwright.cli.output import emit, emit_json, width
from rackwright.errors import InputError, UsageError

if TYPE_CHECKING:
    from rackwright.calibrate.tables import Point

__all__ = ["calibrate"]

_OUT = click.Path(file_okay=False, path_type=Path)


@click.group()
def calibrate() -> None:
    """Measure a real part, and hold the models against measurements."""


for _one in (*COMMANDS, training):
    calibrate.add_command(_one)


@calibrate.command()
@click.option("--out", "folder", type=_OUT, required=True, metavar="DIR",
              help="Where the tables go; points that are there are not measured again.")
@click.option("--only", default="", metavar="NAME[,NAME...]",
              help="These tables only (gemm, attention ...).")
@click.option("--points", "own", type=click.Path(path_type=Path), metavar="FILE",
              help="These points only: a table's file (attention.csv ...) without values.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="SECONDS",
              help="Stop after so many seconds; the same command goes on.")
@click.option("--dry-run", is_flag=True, help="Say what would be measured and how long it takes.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def gpu(folder: Path, only: str, own: Path | None, budget: float | None, dry_run: bool,
        as_json: bool) -> None:
    """Measure the first GPU with PyTorch: products, attention, kernels, copies, power.

    Clocks and power limits are left as they are. Ctrl-C keeps what is done.
    """
    from rackwright.calibrate.plan import plan_of
    from rackwright.calibrate.session import left

    if own is not None and only:
        raise UsageError("--points says what to measure, --only too: give one of them")
    points = _own(own) if own is not None else plan_of(
        "gpu", [name.strip() for name in only.split(",") if name.strip()])
    if dry_run:
        _dry(points, left(points, folder), as_json)
        return
    from rackwright.calibrate.machine import bench, torch_with_gpu, write_description
    from rackwright.calibrate.session import run
    from rackwright.cli.progress import progress

    torch = torch_with_gpu()
    write_description(torch, folder)
    with progress() as report:
        done = run(points, folder, bench(torch), budget, report)
    if as_json:
        emit_json({"left": done.left, "measured": done.measured, "skipped": done.skipped})
    else:
        emit(f"measured {done.measured} points, skipped {done.skipped}, {done.left} are left; "
             f"the tables are in {folder}\n")


def _own(path: Path) -> list[Point]:
    """Points of a file for one GPU."""
    from rackwright.calibrate.points_file import read_points
    from rackwright.calibrate.tables import TABLES, tables_of

    points = read_points(path)
    if TABLES[points[0].table].command != "gpu":
        raise InputError(f"{points[0].table} takes several GPUs; allowed here: "
                         f"{', '.join(tables_of('gpu'))}", place=path)
    return points


@calibrate.command()
@click.argument("part")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Your own tables, as `calibrate gpu` writes them; without it: ours.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def check(part: str, data: Path | None, as_json: bool) -> None:
    """Errors of PART, a GPU or a library of collectives, on measurements, by operation and set.

    With PART-training: of the training steps measured on PART.
    """
    if is_library(part):
        check_library(part, data, as_json)
        return
    if is_training(part):
        check_training(part, data, as_json)
        return
    from rackwright.calibrate.report import error_table
    from rackwright.devices import catalog

    found = error_table(catalog.gpu(part), _measured(part, data))
    if as_json:
        emit_json([row.record() for row in found])
    else:
        _show(found)


@calibrate.command()
@click.argument("part")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Your own tables, as `calibrate gpu` writes them; without it: ours.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="A new part file, like PART, with the new coefficients.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def fit(part: str, data: Path | None, write: Path | None, as_json: bool) -> None:
    """Fit PART's coefficients to the rows for fitting; errors after it, by operation and set.

    The catalog is not changed: --write makes a part file of yours, which --catalog takes.
    """
    if is_library(part):
        fit_library(part, data, write, as_json)
        return
    from rackwright.calibrate.earlier import earlier_rows
    from rackwright.calibrate.packaged import measured_folder
    from rackwright.calibrate.part_writer import check_target
    from rackwright.calibrate.refit import refit
    from rackwright.calibrate.report import error_table
    from rackwright.devices import catalog

    if write:
        check_target(write)
    old, rows = catalog.gpu(part), _measured(part, data)
    earlier = {} if data else earlier_rows(measured_folder(part), rows)
    new, found = refit(old, rows, earlier)
    if write:
        origin = str(data or f"measured/{part}{' with earlier/' if earlier else ''}")
        _write(write, old, new, found, rows, origin)
    before, after = error_table(old, rows), error_table(new, rows)
    if as_json:
        emit_json({"after": [row.record() for row in after], "coefficients": found,
                   "before": [row.record() for row in before]})
        return
    for name, values in found.items():
        emit(f"[calibration.{name}]\n")
        emit("".join(f"{key} = {value!r}\n" for key, value in values.items()) + "\n")
    _show(after, before)


def _write(target: Path, old: Any, new: Any, found: Any, rows: Any, origin: str) -> None:
    import datetime

    from rackwright.calibrate.part_writer import write_part

    write_part(target, old, new, found, rows, origin, datetime.date.today())


def _measured(part: str, data: Path | None) -> Any:
    from rackwright.calibrate import packaged, rows

    if data is None:
        return rows.read_folder(packaged.measured_folder(part))
    if data.is_dir():
        return rows.read_folder(data)
    return {rows.table_of(data).name: rows.read_table(data)}


def _dry(points: list[Any], todo: list[Any], as_json: bool) -> None:
    from rackwright.calibrate.plan import estimated_seconds
    from rackwright.calibrate.tables import TABLES
    from rackwright.report.table import table

    rows = []
    for name in TABLES:
        all_of, here = ([point for point in some if point.table == name]
                        for some in (points, todo))
        if all_of:
            rows.append({"table": name, "points": len(all_of), "left": len(here),
                         "held": sum(point.set == "held" for point in all_of),
                         "seconds": round(estimated_seconds(here))})
    if as_json:
        emit_json(rows)
        return
    emit(table(tuple(rows[0]), [[str(cell) for cell in row.values()] for row in rows], width()))
    emit(f"\n{len(todo)} points are left, about {estimated_seconds(todo) / 60:.0f} min; held: "
         "kept out of every fit\n")


def _show(found: list[Any], before: list[Any] | None = None) -> None:
    """Errors, with the medians and p90 of before when they are given."""
    from rackwright.report.table import table

    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f}"

    def pair(one: Any) -> str:
        return "-" if one.median is None else f"{share(one.median)} / {share(one.p90)}"
    last = "stated band" if before is None else "before"
    rows = []
    for place, row in enumerate(found):
        stated = "-" if row.stated is None or row.median is None else \
            f"{row.stated[0]} {share(row.stated[1])} / {share(row.stated[2])}"
        rows.append([row.operation, row.set, str(row.rows), pair(row), share(row.worst),
                     share(row.bias), stated if before is None else pair(before[place])])
    emit(table(("operation", "set", "rows", "median / p90", "worst", "bias", last), rows,
               width()))
    emit("\nErrors in per cent of the measured value; worst and bias (the median) are signed, - "
         "means no model.\n")
