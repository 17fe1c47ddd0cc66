"""Results as a table of their metrics, one row a replay: CSV, Arrow, Parquet.

Columns: system, baseline, seed, complete, every metric (None where a replay has none), what limits
it, and the hash of the result. The records themselves stand in the metadata, as JSON.
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Sequence
from os import PathLike
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.errors import InputError, MissingTool
from rackwright.result import Result

__all__ = ["arrow_table", "columns", "csv_text", "write_parquet"]

_NOTE = "rackwright"


def columns(results: Sequence[Result]) -> dict[str, list[Any]]:
    """Column -> a value for each result."""
    metrics = sorted({name for found in results for name in found.metrics})
    found: dict[str, list[Any]] = {
        "system": [one.system for one in results], "baseline": [one.baseline for one in results],
        "seed": [one.seed for one in results], "complete": [one.complete for one in results]}
    found |= {name: [one.metrics.get(name) for one in results] for name in metrics}
    return found | {"bottleneck": [one.bottleneck.text for one in results],
                    "hash": [one.content_hash for one in results]}


def csv_text(results: Sequence[Result]) -> str:
    """Numbers with all their digits; an empty cell for no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    table = columns(results)
    writer.writerow(table)
    for cells in zip(*table.values(), strict=True):
        writer.writerow([_cell(value) for value in cells])
    return text.getvalue()


def arrow_table(results: Sequence[Result]) -> Any:
    """A pyarrow Table with types that do not depend on which values are there.

    Raises MissingTool.
    """
    arrow = _arrow("pyarrow")
    texts, wholes = ("system", "baseline", "bottleneck", "hash"), ("seed",)
    arrays = {}
    for name, values in columns(results).items():
        kind = (arrow.string() if name in texts else arrow.int64() if name in wholes
                else arrow.bool_() if name == "complete" else arrow.float64())
        arrays[name] = arrow.array(values, type=kind)
    records: Any = [found.record() for found in results]
    note = {_NOTE: canonical_json(records[0] if len(records) == 1 else records)}
    return arrow.table(arrays).replace_schema_metadata(note)


def write_parquet(results: Sequence[Result], path: str | PathLike[str]) -> None:
    """Raises MissingTool, and InputError when `path` cannot be written."""
    table = arrow_table(results)
    try:
        _arrow("pyarrow.parquet").write_table(table, path)
    except OSError as problem:
        raise InputError(f"cannot write: {problem.strerror or problem}", place=path) from None


def _arrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise MissingTool("Parquet and Arrow need pyarrow: pip install pyarrow") from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
