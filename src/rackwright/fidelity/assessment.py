"""One assessment: columns, operations, points, peers; and its record for JSON.

The record's `schema` is raised whenever a reader of it must change. It holds no date, no path and
no machine's name but those of packaged folders: same measurements and same models, same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rackwright
from rackwright.calibrate.report import predicted_values
from rackwright.calibrate.tables import SETS, Point
from rackwright.devices import catalog
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import InputError, UsageError
from rackwright.fidelity.columns import Column, own_column, packaged_columns
from rackwright.fidelity.compare import (
    Operation,
    Series,
    compared,
    operations_of,
    rooflines_of,
    series,
)
from rackwright.fidelity.own import read_own
from rackwright.fidelity.peers import Peer, peers, statistic_of
from rackwright.fidelity.roofline import Roofline

__all__ = ["SCHEMA", "Assessment", "assess", "assess_columns", "assess_own"]

SCHEMA = 1  # raised whenever a reader of the JSON must change
HELD = "held"


@dataclass(frozen=True, eq=False)
class Assessment:
    """Models against measurements.

    `operations` and `points` go together, one for each operation, column and set, in the order
    of columns and tables; sets "fit" are among them when they were asked for.
    """

    columns: tuple[Column, ...]
    operations: tuple[Operation, ...]
    points: tuple[Series, ...]

    def of(self, column: str, *, one: str = HELD, covered: bool = True) -> list[Operation]:
        """Operations of a column in set `one`; `covered`: only those that a model predicts."""
        return [found for found in self.operations if found.column == column
                and found.errors.set == one and (found.errors.predicted or not covered)]

    def beside(self, peer: Peer, column: str) -> float | None:
        """The peer's statistic of our errors on held points of the peer's tables."""
        return statistic_of(peer.statistic, [
            one.errors for one in self.points
            if one.column == column and one.set == HELD and one.table in peer.tables
            and one.operation.startswith(peer.operations)])

    def record(self, *, everything: bool = False) -> dict[str, Any]:
        """For JSON: held operations with a model; `everything`: all that was assessed."""
        chosen = [found for found in self.operations if everything
                  or (found.errors.set == HELD and found.errors.predicted)]
        return {
            "schema": SCHEMA, "package": f"rackwright {rackwright.__version__}",
            "columns": [_column(column) for column in self.columns],
            "operations": [_operation(found) for found in chosen],
            "peers": [asdict(peer) | {"ours": {
                column.name: self.beside(peer, column.name) for column in self.columns}
                if peer.tables else {}} for peer in peers()]}


def assess(parts: Sequence[str] = (), *, folder: Path | None = None, fitted: bool = False
           ) -> Assessment:
    """Models of `parts` (of all measured ones when empty) against packaged measurements.

    `folder`: part files of the user's, which come first. `fitted`: also on the points that fits
    have seen, which takes some three times as long. Raises `UnknownName`.
    """
    return assess_columns(packaged_columns(parts, folder), fitted=fitted)


def assess_own(part: str, path: Path, *, folder: Path | None = None, fitted: bool = False
               ) -> Assessment:
    """The GPU model `part` against the user's own CSV, one file or a folder of them.

    Raises `UnknownName`, and `InputError` with file and line for what cannot be read.
    """
    gpu = catalog.gpu(part, folder=folder)
    own = read_own(path)
    for table, rows in own.rows.items():
        _check_shapes(gpu, [row.point for row in rows], own.files[table], own.lines[table])
    return assess_columns([own_column(gpu, own.rows, own.digest, folder)], fitted=fitted)


def assess_columns(columns: Sequence[Column], *, fitted: bool = False) -> Assessment:
    """Columns made by hand: any `Gpu` against any rows."""
    rooflines: dict[tuple[int, int], dict[str, Roofline]] = {}
    wanted = set[str]().union(*map(operations_of, columns))
    for column in columns:  # a transferred one shares the basis of its source
        if _basis(column) not in rooflines:
            rooflines[_basis(column)] = rooflines_of(column, wanted)
    points = [(column, one) for column in columns
              for one in series(column, rooflines[_basis(column)], SETS if fitted else (HELD,))]
    return Assessment(tuple(columns), tuple(compared(column, one) for column, one in points),
                      tuple(one for _, one in points))


def _check_shapes(gpu: Gpu, points: Sequence[Point], path: Path, lines: Sequence[int]) -> None:
    """Raises `InputError` for the first point whose shape the model refuses, or cannot take."""
    try:
        endless = np.isinf(predicted_values(gpu, points))
    except UsageError:
        for point, line in zip(points, lines, strict=True):
            try:
                predicted_values(gpu, [point])
            except UsageError as problem:
                raise InputError(f"{point}: {problem}", place=path, line=line) from None
        raise
    for place in np.flatnonzero(endless).tolist():
        raise InputError(f"{points[place]}: the model gives no finite value for these sizes",
                         place=path, line=lines[place])


def _basis(column: Column) -> tuple[int, int]:
    return id(column.basis), id(column.basis_machines)


def _column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "part": column.gpu.name, "part_hash": column.gpu.content_hash,
            "coefficients_of": column.coefficients_of,
            "coefficients_hash": column.basis.content_hash,
            "measured": [{"machine": machine.name, "sha256": machine.digest}
                         for machine in column.machines]}


def _operation(found: Operation) -> dict[str, Any]:
    errors = found.errors.record()
    stated = errors.pop("stated")
    record = asdict(found) | errors | {
        "band": None if stated is None else dict(zip(("class", "median", "p90"), stated,
                                                     strict=True))}
    del record["errors"]
    record["roofline"] = _short(found.roofline) | {"fitted": record.pop("fitted")} \
        if found.roofline else None
    record["again"] = _short(found.again) if found.again else None
    record["afterwards"] = _short(found.afterwards) if found.afterwards else None
    record["buckets"] = [asdict(bucket) | {"high": bucket.high if bucket.high < 1e300 else None}
                         for bucket in found.buckets]
    return record


def _short(row: Any) -> dict[str, Any]:
    """What stands beside the model's errors on held points."""
    return {name: getattr(row, name)
            for name in ("rows", "median", "mean", "p90", "worst", "bias")}
