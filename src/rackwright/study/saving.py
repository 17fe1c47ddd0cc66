"""What ``--out DIR`` holds after a study: table, JSON, report, and the store of single results.

``results.csv``, ``study.json`` and ``report.html`` have the same bytes for the same study, inputs
and code; ``results.parquet`` when pyarrow is installed. Each is written beside its place and
renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from rackwright import outdir
from rackwright.errors import InputError, MissingTool
from rackwright.study.result import StudyResult
from rackwright.study.store import Store
from rackwright.writing import write_text, write_whole

__all__ = ["merge", "save"]


def save(result: StudyResult, folder: str | PathLike[str], base: str | PathLike[str] = ".",
         more: Mapping[str, str] = MappingProxyType({})) -> tuple[Path, ...]:
    """Write `result` into `folder`; the paths written. `base`: what its files are relative to;
    `more`: name -> text of other files. The report shows more of results that the folder keeps.

    Raises InputError when the folder cannot be written.
    """
    from rackwright.report.study_html import page

    place = outdir.prepare(Path(folder))
    texts = {"results.csv": result.to_csv(), "study.json": result.to_json(),
             "report.html": page(result, Path(base), Store(place / "store").get), **more}
    written = [write_text(place / name, text) for name, text in texts.items()]
    try:
        written.append(write_whole(place / "results.parquet", result.to_parquet))
    except MissingTool:
        (place / "results.parquet").unlink(missing_ok=True)  # of an earlier run
    return tuple(written)


def merge(folder: str | PathLike[str], others: list[Path]) -> int:
    """Copy what the stores of other runs hold into the store of `folder`; how many results."""
    place = outdir.prepare(Path(folder))
    for other in others:
        if not (other / "store").is_dir():
            raise InputError("has no store: not the --out folder of a study", place=other)
    return sum(Store(place / "store").take(Store(other / "store")) for other in others)
