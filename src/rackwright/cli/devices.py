"""``rackwright devices``: the catalog. Thin: the work is in `devices.describe`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from rackwright.cli.output import emit, emit_json, width

__all__ = ["devices"]


@click.command()
@click.argument("name", required=False)
@click.option("--kind", help="Parts of this kind only (gpu, nic, link ...).")
@click.option("--catalog", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="A folder of your own part files, beside the packaged ones.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def devices(name: str | None, kind: str | None, folder: Path | None, as_json: bool) -> None:
    """The parts of the catalog by kind; with NAME, its numbers with their sources and error bands.

    A number's class says what it rests on: stated by who makes the part, measured, computed or
    derived from such, reported by others, recalled without being checked, assumed. A band is the
    error to expect of a cost: class (calibrated: fitted to that very part; derived: another
    part's coefficients on this one's datasheet; assumed), median and p90.
    """
    from rackwright.devices import catalog, describe
    from rackwright.errors import UsageError

    if name is not None and kind is not None:
        raise UsageError("give a NAME or --kind, not both")
    if name is not None:
        found = describe.record(catalog.get(name, folder=folder))
        if as_json:
            emit_json(found)
        else:
            _show(found)
        return
    kinds = catalog.kinds() if kind is None else (kind,)
    if as_json:
        emit_json([describe.record(catalog.get(part, folder=folder))
                   for one in kinds for part in catalog.names(one, folder=folder)])
    else:
        emit("\n".join(_table(one, folder) for one in kinds if catalog.names(one, folder=folder)))


def _table(kind: str, folder: Path | None) -> str:
    from rackwright.devices import describe
    from rackwright.report.table import table

    head = [kind, *(key.replace("_", " ") for key in describe.headlines(kind, folder)),
            "weak numbers", "costs"]
    rows = describe.headlines_of(kind, folder)
    if all(row[-1] == "-" for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table(head, rows, width())


def _show(found: dict[str, Any]) -> None:
    from rackwright.devices.describe import SOURCE_CLASSES
    from rackwright.report.table import paragraph

    skip = ("title", "datasheet", "calibration")
    emit(f"{found['title'] or found['name']}\n\n")
    emit("".join(f"{key:<14} {value}\n" for key, value in found.items()
                 if key not in skip and value))
    classes = Counter(entry["class"] for entry in found["datasheet"].values())
    emit("\nnumbers: " + ", ".join(f"{classes[name]} {name}" for name in SOURCE_CLASSES
                                    if classes[name]) + "\n")
    for key, entry in found["datasheet"].items():
        unit = "" if entry["unit"] == "1" else f" {entry['unit']}"
        whence = f" (from {entry['inherited_from']})" if entry["inherited_from"] else ""
        emit(paragraph(f"  {key} = {entry['value']:.9g}{unit}",
                       f"{entry['class']:<9} {entry['source']}{whence}", 40, width()))
    for table, fit in found["calibration"].items():
        emit(f"\ncosts: {table}: {fit['class']}, relative error median {fit['median']:.1%}, "
             f"p90 {fit['p90']:.1%}\n")
        emit(paragraph("  source", fit["source"], 12, width()))
        emit(paragraph("  fitted", f"{fit['fit_set']} ({fit['date']})", 12, width()))
        for key, value in fit["coefficients"].items():
            emit(f"  {key} = {value:g}\n")
