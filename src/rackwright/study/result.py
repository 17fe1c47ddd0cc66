"""`StudyResult`: the table of a study, as JSON, CSV, Parquet, Arrow and HTML.

It follows from the study's file, its inputs and the code alone: the same bytes for any number of
processes, executor, order or interruption.
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Any

import rackwright
from rackwright.canonical import canonical_json
from rackwright.errors import MissingTool
from rackwright.models import registry
from rackwright.study.expectations import Verdict, verdicts
from rackwright.study.rows import Row
from rackwright.study.study import Study

__all__ = ["SCHEMA", "StudyResult"]

SCHEMA = 1  # raised whenever a reader of the JSON must change


@dataclass(frozen=True)
class StudyResult:
    """The rows of a study, in the order of its points.

    `inputs`: what was replayed, each once, {topology, topology_hash, trace, trace_hash};
    `kernels`: compiled loop -> hash of its source; `parts`: part -> hash of its numbers.
    """

    study: Study
    rows: tuple[Row, ...]
    inputs: tuple[Mapping[str, str], ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    kernels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def expectations(self) -> tuple[Verdict, ...]:
        """One verdict for each ``[[expect]]``."""
        return verdicts(self.study, self.rows)

    @property
    def exit_code(self) -> int:
        """1 when an expectation fails or no point could be replayed, else 0."""
        nothing = bool(self.rows) and all(row.error for row in self.rows)
        return int(nothing or not all(verdict.holds for verdict in self.expectations))

    @property
    def failed(self) -> tuple[Row, ...]:
        """The rows with an error."""
        return tuple(row for row in self.rows if row.error)

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics that tables show: what was searched, then those of the file, or the
        headline's that have a value."""
        searched = self.study.searched
        if self.study.metrics:
            return tuple(dict.fromkeys((*searched, *self.study.metrics)))
        model = registry.get(self.study.base.system)
        return (*searched, *(name for name in model.headline if any(name in row.metrics
                                                                    for row in self.rows)))

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        from rackwright.study.analysis import knees, pareto_front, seed_statistics

        bends = {"knees": knees(self)} if self.study.knee else {}

        return {
            "schema": SCHEMA, "code": rackwright.__version__,
            "study": self.study.model_dump(mode="json", exclude_defaults=True),
            "columns": list(self.columns), "points": [row.record() for row in self.rows],
            "expectations": [verdict.record() for verdict in self.expectations],
            "pareto": list(pareto_front(self)), **bends, "seeds": seed_statistics(self),
            "inputs": [dict(entry) for entry in self.inputs], "parts": dict(self.parts),
            "kernels": dict(self.kernels)}

    def to_json(self) -> str:
        """Canonical JSON text, indented, ending with a newline."""
        return canonical_json(self.record(), indent=1) + "\n"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table: point, axes, metrics, derived, bottleneck, hash, error."""
        metrics = _sorted(row.metrics for row in self.rows)
        return ("point", *self.study.columns, *metrics, *self.study.derived, "bottleneck", "hash",
                "error")

    def table(self) -> dict[str, list[Any]]:
        """Column -> values, None where there is none."""
        records = [{"point": row.number, **row.axes, **row.metrics, **row.derived,
                    "bottleneck": row.bottleneck.get("text"), "hash": row.hash or None,
                    "error": row.error or None} for row in self.rows]
        return {name: [record.get(name) for record in records] for name in self.columns}

    def to_csv(self) -> str:
        """One row a point; numbers with all their digits, an empty cell for no value."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for cells in zip(*self.table().values(), strict=True):
            writer.writerow([_cell(value) for value in cells])
        return text.getvalue()

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """The table of `to_csv`, typed; the JSON stands in its metadata. Raises MissingTool."""
        _parquet().write_table(self._arrow_table(), path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table for anything that reads Arrow (pandas, polars, DuckDB). Raises MissingTool."""
        return self._arrow_table().__arrow_c_stream__(requested_schema)

    def _arrow_table(self) -> Any:
        arrow = _arrow()
        texts = ("bottleneck", "hash", "error")  # text too where no point has any
        columns = {name: arrow.array(_of_one_type(values),
                                     type=arrow.string() if name in texts else None)
                   for name, values in self.table().items()}
        note = {"rackwright-study": canonical_json(self.record())}
        return arrow.table(columns).replace_schema_metadata(note)

    def summary(self, width: int = 100) -> str:
        """The table, what was expected, what failed, for a person."""
        from rackwright.report.study import study_text
        from rackwright.study.tables import knees_text

        return study_text(self, width) + knees_text(self, width)

    def _repr_html_(self) -> str:
        from rackwright.report.study_html import fragment

        return fragment(self)


def _sorted(names: Iterable[Iterable[str]]) -> list[str]:
    """Each once: the system's first, then those of baselines, by name."""
    return sorted({name for some in names for name in some}, key=lambda name: ("." in name, name))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _of_one_type(values: list[Any]) -> list[Any]:
    """Arrow wants one type a column: all numbers, or all text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return [None if value is None else float(value) for value in values]
    return values if len(kinds) < 2 else [None if value is None else _cell(value)
                                          for value in values]


def _arrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError:
        raise MissingTool("Parquet and Arrow need pyarrow: pip install pyarrow") from None


def _parquet() -> Any:
    _arrow()
    return importlib.import_module("pyarrow.parquet")
