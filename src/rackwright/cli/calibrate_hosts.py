"""``rackwright calibrate pcie|nvlink|collectives``: measure what passes between GPUs. Thin.

Also `check` and `fit` for a library of collectives, which ``rackwright calibrate check NAME`` and
``fit NAME`` hand over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.writing import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rackwright.calibrate.tables import Point

__all__ = ["COMMANDS", "check_library", "fit_library", "is_library"]

_OUT = click.Path(file_okay=False, path_type=Path)
_TELL = {
    "pcie": "Measure copies between host memory and the GPUs: alone, and several at once.",
    "nvlink": "Measure transfers between GPUs: pairs, both ways, many to one, rings.",
    "collectives": "Measure all_reduce, all_gather and the others on 2, 4 and 8 GPUs.",
}
_MORE = """

Needs PyTorch with CUDA and two GPUs or more; one process a GPU is started. NCCL runs as its
variables in the environment say. Ctrl-C keeps what is done.
"""


def _command(name: str) -> click.Command:
    """The command that measures the tables of `name`."""
    @click.command(name, help=_TELL[name] + _MORE)
    @click.option("--out", "folder", type=_OUT, required=True, metavar="DIR",
                  help="Where the tables go; points that are there are not measured again.")
    @click.option("--only", default="", metavar="NAME[,NAME...]", help="These tables only.")
    @click.option("--budget", type=click.FloatRange(min=0), metavar="SECONDS",
                  help="Stop after so many seconds; the same command goes on.")
    @click.option("--dry-run", is_flag=True,
                  help="Say what would be measured and how long it takes.")
    @click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
    def command(folder: Path, only: str, budget: float | None, dry_run: bool, as_json: bool
                ) -> None:
        from rackwright.calibrate.plan import plan_of

        points = plan_of(name, [word.strip() for word in only.split(",") if word.strip()])
        if dry_run:
            from rackwright.calibrate.session import left
            from rackwright.cli.calibrate import _dry

            _dry(points, left(points, folder), as_json)
        else:
            _measure(points, folder, budget, as_json)
    return command


COMMANDS = tuple(_command(name) for name in _TELL)


def _measure(points: Sequence[Point], folder: Path, budget: float | None, as_json: bool) -> None:
    from rackwright.calibrate.crew import crew, describe, possible, usable
    from rackwright.calibrate.machine import torch_with_gpu, write_description
    from rackwright.calibrate.session import run
    from rackwright.cli.progress import progress

    torch = torch_with_gpu()
    here = possible(points, usable(torch))
    write_description(torch, folder, describe(torch))
    with crew(torch) as measure, progress() as report:
        done = run(here, folder, measure, budget, report)
    if as_json:
        emit_json({"left": done.left, "measured": done.measured, "skipped": done.skipped})
    else:
        emit(f"measured {done.measured} points, skipped {done.skipped}, {done.left} are left, "
             f"{len(points) - len(here)} need more GPUs; the tables are in {folder}\n")


def is_library(part: str) -> bool:
    """Whether `part` is a library of collectives of the catalog."""
    from rackwright.devices import catalog

    return part in catalog.names("collectives")


def check_library(part: str, data: Path | None, as_json: bool) -> None:
    """Errors of library `part` on measured collectives, by operation and set."""
    from rackwright.calibrate.fit_collectives import library_errors
    from rackwright.devices import catalog

    library = catalog.collectives(part)
    found = library_errors(library, _gpu_of(part), _rows(part, data))
    if as_json:
        emit_json(found)
    else:
        _show(found)


def fit_library(part: str, data: Path | None, write: Path | None, as_json: bool) -> None:
    """Fit library `part` to rows of set "fit"; print, or write a part file."""
    import datetime

    from rackwright.calibrate.fit_collectives import part_text, refit_collectives
    from rackwright.devices import catalog
    from rackwright.errors import UsageError

    if write and (write.suffix != ".toml" or write.exists()):
        raise UsageError(f"--write takes a new .toml file; {write} "
                         f"{'is there' if write.exists() else 'has another ending'}")
    library = catalog.collectives(part)
    new, found = refit_collectives(library, _gpu_of(part), _rows(part, data))
    name = write.stem if write else f"{part}-fitted"
    text = part_text(name, library, new, found, str(data or "the packaged measurements"),
                     datetime.date.today().isoformat())
    if write:
        write_text(write, text)
    if as_json:
        emit_json([{"coefficients": dict(one.coefficients), "errors": dict(one.errors),
                    "rows": one.rows, "table": one.table} for one in found])
        return
    emit(f"{write} is written\n\n" if write else text + "\n")
    _show([{"operation": one.table, "set": name, "rows": one.rows, "median": median, "p90": p90}
           for one in found for name, (median, p90) in one.errors.items()])


def _gpu_of(part: str) -> str:
    from rackwright.devices import catalog

    return catalog.collectives(part).gpus.split(",")[0].strip()


def _rows(part: str, data: Path | None) -> dict[str, list[Any]]:
    """Rows of `data`, or of all packaged hosts of the library's GPUs."""
    from rackwright.calibrate import packaged, rows
    from rackwright.devices import catalog
    from rackwright.errors import UnknownName

    if data is not None:
        return rows.read_folder(data) if data.is_dir() else {
            rows.table_of(data).name: rows.read_table(data)}
    gpus = [gpu.strip() for gpu in catalog.collectives(part).gpus.split(",")]
    homes = [name for name in packaged.measured_parts()
             if any(name.startswith(f"{gpu}-x") for gpu in gpus)]
    if not homes:
        raise UnknownName("library with packaged measurements", part, sorted(
            name for name in catalog.names("collectives") if name != part))
    found: dict[str, list[Any]] = {}
    for home in homes:
        for table, members in rows.read_folder(packaged.measured_folder(home)).items():
            found.setdefault(table, []).extend(members)
    return found


def _show(found: Sequence[dict[str, Any]]) -> None:
    from rackwright.report.table import table

    def share(value: float) -> str:
        return f"{100 * value:.1f}"
    emit(table(("operation", "set", "rows", "median / p90"), [
        [one["operation"], one["set"], str(one["rows"]),
         f"{share(one['median'])} / {share(one['p90'])}"] for one in found], width()))
    emit("\nErrors in per cent of the measured value.\n")
