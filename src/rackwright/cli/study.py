"""``rackwright study``: run what-if studies, check their files. Thin: the work is in `study`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.cli.study_between import optimise, sensitivity
from rackwright.cli.study_places import FILE, FOLDER, executor, replaying
from rackwright.cli.study_point import point
from rackwright.errors import Interrupted

if TYPE_CHECKING:
    from rackwright.study import StudyResult

__all__ = ["study"]


@click.group()
def study() -> None:
    """What-if studies: one question, many scenarios, one table.

    \b
    rackwright study check nvlink.toml
    rackwright study run nvlink.toml --jobs 2 --out out/
    rackwright study sensitivity nvlink.toml --metric itl_p99_s
    rackwright study optimise nvlink.toml --minimise itl_p99_s
    """


study.add_command(sensitivity)
study.add_command(optimise)
study.add_command(point)


@study.command()
@click.argument("file", type=FILE)
@click.option("--shard", metavar="I/N", help="Only part I of N; `study merge` joins the parts.")
@replaying("-out")
def run(file: Path, jobs: int, resume: bool, shard: str | None, out: Path | None,
        scheduler: str | None, as_json: bool, quiet: bool) -> None:
    """Replay every point of the study in FILE, and write results.csv, study.json, report.html.

    Each result is kept as it comes: whatever ends a run, --resume goes on from there. Exits with 1
    when an expectation of the file fails.
    """
    from rackwright import outdir
    from rackwright.study import Shard, load
    from rackwright.study import run as run_study

    part = Shard.read(shard) if shard else None
    loaded = load(file)
    folder = outdir.prepare(out or file.with_name(f"{file.stem}-out"))
    try:
        with executor(scheduler, jobs) as pool, progress(quiet) as report:
            found = run_study(loaded, folder, jobs=jobs, executor=pool, resume=resume,
                              shard=part, progress=report, folder=file.parent)
    except Interrupted as stop:
        if stop.partial is not None and stop.partial.rows:
            _show(stop.partial, as_json)
        raise
    _finish(found, folder, file, part is not None, as_json)


def _finish(found: StudyResult, folder: Path, file: Path, part: bool, as_json: bool) -> None:
    from rackwright.study import save

    _show(found, as_json)
    if part:
        click.echo(f"rackwright: kept {len(found.rows)} points in {folder}/store; join the parts: "
                   f"rackwright study merge {file} DIR... --out DIR", err=True)
        return
    save(found, folder, file.parent)
    click.echo(f"rackwright: wrote results.csv, study.json, report.html to {folder}", err=True)
    raise SystemExit(found.exit_code)


def _show(found: StudyResult, as_json: bool) -> None:
    if as_json:
        emit_json(found.record())
    else:
        emit(found.summary(width()))


@study.command()
@click.argument("file", type=FILE)
@click.argument("parts", nargs=-1, required=True, type=FOLDER, metavar="DIR...")
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="Where the whole goes.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def merge(file: Path, parts: tuple[Path, ...], out: Path, as_json: bool, quiet: bool) -> None:
    """Join the parts (--shard) of the study in FILE; what no part has is replayed here."""
    from rackwright.study import load
    from rackwright.study import merge as merge_stores
    from rackwright.study import run as run_study

    loaded = load(file)
    merge_stores(out, list(parts))
    with progress(quiet) as report:
        found = run_study(loaded, out, resume=True, progress=report, folder=file.parent)
    _finish(found, out, file, False, as_json)


@study.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON: a list of points.")
def check(file: Path, as_json: bool) -> None:
    """Read the study in FILE and list its points; replay nothing."""
    from rackwright.report.study import axis_text
    from rackwright.report.table import table
    from rackwright.study import load, points

    loaded = load(file)
    found = points(loaded)
    if as_json:
        emit_json([{"point": point.number, "axes": dict(point.axes),
                    "scenario": dict(point.scenario)} for point in found])
        return
    each = "searches" if loaded.search else "replays"
    rows = [[str(point.number), *map(axis_text, point.axes.values())] for point in found]
    replays = len(found) * (1 + len(loaded.baselines))
    emit(table(["point", *loaded.columns], rows, width())
         + f"{len(found)} points, {replays} {each} with {len(loaded.baselines)} baselines\n")


@study.command()
def schema() -> None:
    """Print the JSON Schema of study files, for editors."""
    from rackwright.study import schema as study_schema

    emit_json(study_schema())
