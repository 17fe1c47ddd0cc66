"""New coefficients for a library of collectives from measurements, and its part file.

Each table ``calibration.<operation>_<protocol>`` is fitted to the rows of set "fit" that were
launched in a graph and for which the library picks that protocol; transfers, to pairs, both ways
and rings (without PyTorch's `batch_time`). Errors are stated for the rows held back, where there
are any. A protocol that was picked for few rows keeps most of its coefficients. What is fixed by
hand: `block_nbytes`, `both_nbytes`, `whole_nbytes`.

Leaves out: sums inside switches (measure with NVLS on, and fit by hand), several hosts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.calibrate.predict_collectives import (
    by_count,
    by_pattern,
    for_library,
    host_of,
)
from rackwright.calibrate.rows import Row
from rackwright.devices.arguments import Floats
from rackwright.devices.collectives import Collectives
from rackwright.devices.fitting import Operation, Rows, fit, with_coefficients
from rackwright.devices.part import Fit
from rackwright.errors import InputError
from rackwright.topologies import Fabric, collective_choice, collective_time

__all__ = ["Found", "library_errors", "part_text", "refit_collectives"]

FIXED = ("block_nbytes", "both_nbytes", "whole_nbytes")
MANY = 8  # rows from which on all coefficients are fitted
FEW = ("base_time", "share")  # those of fewer rows; of one or two, the first alone
NOTHING = 1e-9  # s; a shorter time is none
_META = tuple(field.name for field in dataclasses.fields(Fit))


@dataclass(frozen=True)
class Found:
    """What was fitted to a table: coefficients, the rows, and errors (median, p90) by set."""

    table: str
    coefficients: Mapping[str, float]
    rows: int
    errors: Mapping[str, tuple[float, float]]


def refit_collectives(part: Collectives, gpu: str, rows: Mapping[str, Sequence[Row]]
                      ) -> tuple[Collectives, list[Found]]:
    """`part` with coefficients fitted to the rows of GPUs `gpu`, and what was found.

    Raises `InputError` when nothing is there to fit to.
    """
    fabric, found = host_of(gpu), []
    for table, members in _by_table(part, fabric, rows).items():
        seen = [row for row in members if row.point.set == "fit"]
        if not seen:
            continue
        values = _fit(part, fabric, table, seen)
        part = with_coefficients(part, Operation(table, {}, (), lambda *_: 0, ()), values)
        found.append(Found(table, values, len(seen), {
            one: _errors(part, fabric, table, [row for row in members if row.point.set == one])
            for one in ("fit", "held") if any(row.point.set == one for row in members)}))
    if not found:
        raise InputError("no rows of set 'fit' in collectives or p2p: nothing to fit")
    return _stated(part, found), found


def library_errors(part: Collectives, gpu: str, rows: Mapping[str, Sequence[Row]]
                   ) -> list[dict[str, Any]]:
    """Errors by operation and set of what `part` picks, as records for JSON.

    Raises `InputError` when no row can be predicted.
    """
    found = []
    for table in ("collectives", "p2p"):
        for name, one, members in _grouped(rows.get(table, ())):
            size = np.abs(for_library(part, host_of(gpu), [row.point for row in members])
                          / (_times(members)["time_us"] * 1e-6) - 1)
            found.append({"median": float(np.median(size)), "operation": name,
                          "p90": float(np.percentile(size, 90)), "rows": len(members),
                          "set": one})
    if not found:
        raise InputError("no rows in collectives or p2p: nothing to hold the library against")
    return found


def _grouped(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """(operation, set, rows) of collectives in graphs and of transfers, in order."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.point.table == "p2p" or row.point["launch"] == "graph":
            name = str(row.point.values[0])
            groups.setdefault((name, row.point.set), []).append(row)
    return [(*key, members) for key, members in groups.items()]


def part_text(name: str, base: Collectives, part: Collectives, found: Sequence[Found],
              source: str, date: str) -> str:
    """A part file of `part`, called `name`: `base` with the tables of `found` instead of its own.

    `source`: what was measured; `date`: the day, as in 2026-11-22.
    """
    head = (f'[part]\nname = "{name}"\nkind = "collectives"\nlike = "{base.name}"\n'
            f'title = "{base.title}, fitted to {source}"\n')
    fitted = {one.table: one for one in found}
    blocks = [_table_text(table, getattr(part, table), fitted.get(table), base.name, source, date)
              for table in _tables(part)]
    return "\n".join([head, *blocks])


def _tables(part: Collectives) -> list[str]:
    return [name for name, value in vars(part).items() if isinstance(value, Fit)]


def _table_text(table: str, values: Fit, found: Found | None, base: str, source: str, date: str
                ) -> str:
    said = {"class": f'"{values.basis}"', "source": f'"{base}: {values.source}"',
            "median": repr(values.median), "p90": repr(values.p90)}
    if found:
        said |= {"class": '"calibrated"', "fit_set": f'"{found.rows} rows of {source}"',
                 "date": date, "source": f'"measured by the authors: {source}"'}
        said |= {name: repr(value) for name, value in vars(values).items() if name not in _META}
    return "\n".join([f"[calibration.{table}]", *(f"{key} = {value}" for key, value in
                                                  said.items())]) + "\n"


def _by_table(part: Collectives, fabric: Fabric, rows: Mapping[str, Sequence[Row]]
              ) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {}
    for row in rows.get("collectives", ()):
        if row.point["launch"] == "graph":
            op = str(row.point["op"])
            choice = collective_choice(op, row.point.number("bytes"), fabric,
                                       fabric.gpus()[:row.point.number("gpus")],
                                       in_switch=False, library=part)
            tables.setdefault(f"{op}_{choice.protocol}", []).append(row)
    for row in rows.get("p2p", ()):
        small = row.point.number("bytes") <= part.transfer_ll_limit_nbytes
        more = () if small else ("bidirectional", "ring")
        if row.point["pattern"] in ("single", "pairs") + more:
            tables.setdefault(f"send_recv_{'ll' if small else 'simple'}", []).append(row)
    return dict(sorted(tables.items()))


def _fit(part: Collectives, fabric: Fabric, table: str, rows: Sequence[Row]) -> dict[str, float]:
    start = _start(part, table, len(rows))
    predict = _predictor(fabric, table, rows)
    ours = Operation(table, start, (), lambda trial, _: predict(trial), ())
    return {name: 0.0 if name.endswith("_time") and value < NOTHING else value
            for name, value in fit(part, ours, _times(rows)).items()}


def _start(part: Collectives, table: str, rows: int) -> dict[str, float]:
    """The coefficients to fit to so many rows, with the part's as start."""
    start = {name: value for name, value in vars(getattr(part, table)).items()
             if name not in _META and name not in FIXED and value
             and (rows >= MANY or name in FEW[:rows - 1] or name == FEW[0])}
    if table.endswith(("simple", "ll128")):  # no overlap was seen, nor steps that grow
        start.pop("sharpness", None)
        start.pop("block_time", None)
    if table.startswith("send_recv"):  # a pair has one peer; what overlaps there is not seen
        start.pop("peer_time", None)
        start.pop("sharpness", None)
    if not start.get("world_bandwidth"):
        start.pop("mixed_share", None)
        return start
    for name in ("long_time", "long_share"):  # there is no other line then
        start.pop(name, None)
    if table.endswith("ll"):  # no pair reaches what LL gets of a port, nor was a ring fitted to
        start.pop("share", None)
        start.pop("mixed_share", None)
    return start


def _times(rows: Sequence[Row]) -> Rows:
    return {"time_us": np.array([row.measured["time_us"] for row in rows])}


def _errors(part: Collectives, fabric: Fabric, table: str, rows: Sequence[Row]
            ) -> tuple[float, float]:
    predicted = _predictor(fabric, table, rows)(part)
    size = np.abs(predicted / (_times(rows)["time_us"] * 1e-6) - 1)
    return float(np.median(size)), float(np.percentile(size, 90))


def _predictor(fabric: Fabric, table: str, rows: Sequence[Row]) -> Any:
    op, _, protocol = table.rpartition("_")
    counts = np.array([row.point.number("gpus") for row in rows], np.float64)
    nbytes = np.array([row.point.number("bytes") for row in rows], np.float64)

    def predict(trial: Collectives) -> Floats:
        if op == "send_recv":
            return by_pattern(trial, fabric, [row.point for row in rows])
        return by_count(counts, lambda gpus, here: collective_time(
            op, nbytes[here], fabric, fabric.gpus()[:gpus], protocol=protocol, library=trial,
            in_switch=False))
    return predict


def _stated(part: Collectives, found: Sequence[Found]) -> Collectives:
    """`part` whose fitted tables state the errors of the rows held back."""
    for one in found:
        median, p90 = one.errors.get("held", one.errors["fit"])
        part = with_coefficients(part, Operation(one.table, {}, (), lambda *_: 0, ()), {
            "median": round(median, 3), "p90": round(p90, 3)})
    return part
