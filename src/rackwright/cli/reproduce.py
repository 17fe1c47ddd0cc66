"""``rackwright reproduce``: published against simulated. Thin: the work is in `reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.errors import Interrupted
from rackwright.writing import write_text

if TYPE_CHECKING:
    from rackwright.reproduce import Reproduction

__all__ = ["reproduce"]


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--id", "ids", multiple=True, metavar="ID",
              help="Only this row, or these rows; an id or id/part (repeatable).")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder of third-party data (also RACKWRIGHT_DATA); rows without are skipped.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="For everything drawn.")
@click.option("--sensitivity", is_flag=True,
              help="Repeat predicted and stand-in rows with what was assumed or fitted moved.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="Systems simulated side by side; the answer is the same.")
@click.option("--list", "only_list", is_flag=True, help="What is published; simulate nothing.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page with tables and a plot; one file, no scripts.")
@click.option("--update", multiple=True, metavar="FILE",
              type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="Put the tables between the marks of a Markdown file (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON: a list of rows.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def reproduce(systems: tuple[str, ...], ids: tuple[str, ...], data: Path | None, seed: int,
              sensitivity: bool, jobs: int, only_list: bool, html: Path | None,
              update: tuple[Path, ...], as_json: bool, quiet: bool) -> None:
    """Simulate the published claims about each SYSTEM, row by row.

    Exits with 1 when a predicted or check row is not as its file says: it fails, or it holds
    although it is a known miss.
    """
    from rackwright.reproduce import reproduce as run

    if only_list:
        _list(systems, ids, as_json)
        return
    _check_files(html, update, bool(systems or ids))
    try:
        with progress(quiet) as report:
            found = run(systems, data, ids or None, seed, report, jobs=jobs,
                        sensitivity=sensitivity)
    except Interrupted as stop:
        if stop.partial is not None:  # printed, but no file is replaced by half of one
            _show(stop.partial, as_json)
        raise
    _write_files(found, html, update)
    _show(found, as_json)
    raise SystemExit(found.exit_code)


def _check_files(html: Path | None, update: tuple[Path, ...], some: bool) -> None:
    """Refuse what cannot be written before anything is simulated."""
    from rackwright import outdir
    from rackwright.errors import UsageError
    from rackwright.report.reproduce_markdown import check_marks

    if update and some:
        raise UsageError("--update replaces the tables of all systems; leave out SYSTEM and --id")
    for path in update:
        check_marks(path)
    if html is not None:
        outdir.prepare(html.parent)


def _write_files(found: Reproduction, html: Path | None, update: tuple[Path, ...]) -> None:
    from rackwright.report.reproduce_html import page
    from rackwright.report.reproduce_markdown import write_between_marks

    if html is not None:
        write_text(html, page(found))
    for path in update:
        write_between_marks(path, found)
    for path in (*update, *([html] if html else [])):
        click.echo(f"written: {path}", err=True)


def _show(found: Reproduction, as_json: bool) -> None:
    from rackwright.report.reproduce import reproduction_text

    if as_json:
        emit_json(found.record())
    else:
        emit(reproduction_text(found, width()))


def _list(systems: tuple[str, ...], ids: tuple[str, ...], as_json: bool) -> None:
    from rackwright.report.reproduce import claims_text
    from rackwright.reproduce import listed

    chosen = [(system.name, claims.paper, [claims[key] for key in keys])
              for system, claims, keys in listed(systems, ids or None) if keys]
    if as_json:
        emit_json([{"system": name, "paper": paper, "key": claim.key, **claim.record()}
                   for name, paper, rows in chosen for claim in rows])
    else:
        emit("\n".join(claims_text(name, paper, rows, width()) for name, paper, rows in chosen))
