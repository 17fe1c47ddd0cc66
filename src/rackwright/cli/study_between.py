"""``rackwright study sensitivity`` and ``optimise``: points between the ends of a study's axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.cli.study_places import FILE, executor, replaying
from rackwright.errors import Interrupted

if TYPE_CHECKING:
    from rackwright.study import StudyResult

__all__ = ["optimise", "sensitivity"]


@click.command()
@click.argument("file", type=FILE)
@click.option("--metric", required=True, metavar="EXPRESSION",
              help="What depends on the axes: a metric, or an expression over metrics.")
@click.option("--method", type=click.Choice(["one", "morris", "sobol"]), default="sobol",
              show_default=True, help="One axis at a time, Morris' elementary effects, or Sobol's "
              "shares of variance (the last two need SALib).")
@click.option("--samples", type=click.IntRange(min=2), metavar="N",
              help="Base samples: about N x axes points [default: 2, 16, 64 by method].")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of the samples; equal seeds, equal points.")
@replaying("-sensitivity")
def sensitivity(file: Path, metric: str, method: str, samples: int | None, seed: int,
                **places: Any) -> None:
    """How a metric depends on each axis of the study in FILE, ranges taken from end to end.

    Writes sensitivity.json and the table of all points that were replayed.
    """
    from rackwright import study

    def asked(**where: Any) -> tuple[Any, StudyResult]:
        found = study.sensitivity(file, metric, method=method, samples=samples, seed=seed, **where)
        return found, found.result

    _answer(file, "sensitivity", asked, **places)


@click.command()
@click.argument("file", type=FILE)
@click.option("--minimise", multiple=True, metavar="EXPRESSION", help="Less is better.")
@click.option("--maximise", multiple=True, metavar="EXPRESSION", help="More is better. Without "
              "either: the goals of [pareto].")
@click.option("--trials", type=click.IntRange(min=1), default=50, show_default=True,
              help="Points to replay.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Trials chosen at once, to be replayed side by side.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of the optimiser; equal seeds, equal trials.")
@click.option("--optimiser", type=click.Choice(["optuna", "random"]), default="optuna",
              show_default=True, help="What chooses the trials.")
@replaying("-optimise")
def optimise(file: Path, minimise: tuple[str, ...], maximise: tuple[str, ...], trials: int,
             batch: int, seed: int, optimiser: str, **places: Any) -> None:
    """Look for the best point between the ends of the axes of the study in FILE.

    Writes trials.json and the table of all trials. Several goals give the trials that no other
    beats. Each trial is kept as it comes: --resume goes on from there, with more --trials too.
    """
    from rackwright import study

    def asked(**where: Any) -> tuple[Any, StudyResult]:
        found = study.optimise(file, minimise=minimise, maximise=maximise, trials=trials,
                               batch=batch, seed=seed, optimiser=optimiser, **where)
        return found, found.result

    _answer(file, "optimise", asked, **places)


_WRITTEN = {"sensitivity": "sensitivity.json", "optimise": "trials.json"}


def _answer(file: Path, word: str, asked: Any, *, jobs: int, resume: bool, out: Path | None,
            scheduler: str | None, as_json: bool, quiet: bool) -> None:
    """Ask, print, write. An interruption shows the points so far."""
    from rackwright import outdir
    from rackwright.canonical import canonical_json
    from rackwright.study import save

    folder = outdir.prepare(out or file.with_name(f"{file.stem}-{word}"))
    try:
        with executor(scheduler, jobs) as pool, progress(quiet) as report:
            found, result = asked(out=folder, jobs=jobs, executor=pool, resume=resume,
                                  progress=report)
    except Interrupted as stop:
        if stop.partial is not None and stop.partial.rows:
            emit(stop.partial.summary(width()))
        raise
    if as_json:
        emit_json(found.record())
    else:
        emit(found.text(width()))
    save(result, folder, file.parent,
         {_WRITTEN[word]: canonical_json(found.record(), indent=1) + "\n"})
    click.echo(f"rackwright: wrote {_WRITTEN[word]}, results.csv, study.json, report.html to "
               f"{folder}", err=True)
    raise SystemExit(result.exit_code)
