"""``rackwright study point``: one point again, with its timeline. Thin: see `study.one_point`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.errors import Interrupted, UsageError

__all__ = ["point"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("number", type=int)
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE",
              help="Another value of a path of the scenario (options.policy=mtfs) (repeatable).")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write what `rackwright replay --out` writes: result, timeline, report "
              "[default: the file's name without .toml, with -point-NUMBER].")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def point(file: Path, number: int, settings: tuple[str, ...], out: Path | None, as_json: bool,
          quiet: bool) -> None:
    """Replay point NUMBER of the study in FILE again, and keep its timeline.

    Open timeline.json.gz of --out in https://ui.perfetto.dev. `study check FILE` lists the
    points.
    """
    from rackwright import run
    from rackwright.study import load
    from rackwright.study.one_point import chosen_point, replay_point

    loaded, changes = load(file), _changes(settings)
    chosen_point(loaded, number, changes)  # before a folder is made
    folder = run.prepare(out or file.with_name(f"{file.stem}-point-{number}"))
    notes = {"command": sys.argv[1:], "study": loaded.name, "point": number}
    try:
        with progress(quiet) as report:
            found = replay_point(loaded, number, file.parent, changes, progress=report)
    except Interrupted as stop:
        if stop.partial is not None:
            _finish(stop.partial, None, folder, notes, as_json)
        raise
    _finish(found.replays, found.fabric.graph, folder, notes, as_json)


def _finish(replays: Any, graph: Any, folder: Path, notes: dict[str, Any], as_json: bool) -> None:
    """Write and print what there is."""
    from rackwright import run
    from rackwright.report import side_by_side
    from rackwright.report.replay_html import page

    run.save(replays, folder, notes, page(replays, graph))
    if as_json:
        emit_json(replays.record())
    else:
        emit(side_by_side(replays, width()))
    click.echo(f"rackwright: wrote {', '.join(_written(folder))} to {folder}", err=True)


def _written(folder: Path) -> list[str]:
    names = ("result.json", "timeline.json.gz", "report.html")
    return [name for name in names if (folder / name).is_file()]


def _changes(settings: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in settings:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not (path and equals):
            raise UsageError(f"--set {text!r}: write PATH=VALUE, such as --set "
                             "options.policy=mtfs")
        found[path] = _value(value)
    return found


def _value(text: str) -> Any:
    """A number or a truth where the text is one, as a study file would hold it."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
