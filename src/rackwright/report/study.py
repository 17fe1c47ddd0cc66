"""A study as plain text: its table, what was expected, what failed.

Numbers are rounded for reading; the exact ones stand in the CSV and the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rackwright.report import figures
from rackwright.report.table import WIDTH, paragraph, table
from rackwright.study.analysis import pareto_front, seed_statistics
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row

__all__ = ["axis_text", "limit", "shown_interval", "shown_value", "study_text"]

_MOST_ERRORS = 10


def study_text(result: StudyResult, width: int = WIDTH) -> str:
    """Question, table, expectations, errors."""
    study = result.study
    parts = [paragraph("", study.question or study.name, 2, width).lstrip(),
             _table(result, width), _seeds(result, width), _front(result, width),
             _expectations(result, width), _errors(result, width)]
    return "\n".join(part for part in parts if part)


def _table(result: StudyResult, width: int) -> str:
    names = [*result.shown, *result.study.derived]
    header = ["point", *result.study.columns, *map(figures.title, names), "limit"]
    rows = [[str(row.number), *(axis_text(row.axes[name]) for name in result.study.columns),
             *(shown_value(row, name) for name in names), limit(row)] for row in result.rows]
    left = (0, len(header) - 1)
    return table(header, rows, width, left=left)


def axis_text(value: Any) -> str:
    """An axis value as a person writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def shown_value(row: Row, name: str) -> str:
    """A metric or derived metric of a row, with its unit; "-" where it has none."""
    if name in row.derived:
        return figures.value(name, row.derived[name]) if "_" in name else figures.count(
            row.derived[name])
    metric = name.rpartition(".")[2]
    return figures.value(metric, row.metrics[name]) if name in row.metrics else "-"


def limit(row: Row) -> str:
    """What limits a point, in two words; its error's place."""
    if row.error:
        return "error" if not row.bottleneck else str(row.bottleneck["resource"])
    share = figures.percent(float(row.bottleneck["utilisation"]))
    return f"{row.bottleneck['resource']} {share}"


def _expectations(result: StudyResult, width: int) -> str:
    return "".join(paragraph("holds" if verdict.holds else "FAILS",
                             verdict.sentence + (f" ({verdict.expect.why})" if verdict.expect.why
                                                 else ""), 6, width)
                   for verdict in result.expectations)


def _seeds(result: StudyResult, width: int) -> str:
    groups = seed_statistics(result)
    if not groups:
        return ""
    axes = list(groups[0]["axes"])
    names = list(dict.fromkeys(name for group in groups for name in group["metrics"]))
    rows = [[*(axis_text(group["axes"][name]) for name in axes),
             *(shown_interval(name, group["metrics"].get(name)) for name in names)]
            for group in groups]
    if not axes:
        axes, rows = [""], [["all", *row] for row in rows]
    return ("mean over seeds, and half of its 95 % interval\n"
            + table([*axes, *map(figures.title, names)], rows, width))


def shown_interval(name: str, found: Any) -> str:
    """Mean and half the width of its interval, of one entry of `seed_statistics`."""
    if found is None:
        return "-"
    half = "" if found["half"] is None else f" +- {figures.value(name, found['half'])}"
    return figures.value(name, found["mean"]) + half


def _front(result: StudyResult, width: int) -> str:
    wanted = result.study.pareto
    if wanted is None:
        return ""
    goals = [f"more {figures.title(name)}" for name in wanted.maximise]
    goals += [f"less {figures.title(name)}" for name in wanted.minimise]
    numbers = ", ".join(map(str, pareto_front(result))) or "none"
    return paragraph("", f"points that no other beats ({', '.join(goals)}): {numbers}", 2,
                     width).lstrip()


def _errors(result: StudyResult, width: int) -> str:
    failed: Sequence[Row] = result.failed
    if not failed:
        return ""
    lines = [paragraph(f"  {row.number}", row.error, 8, width) for row in failed[:_MOST_ERRORS]]
    more = f"  and {len(failed) - _MOST_ERRORS} more\n" if len(failed) > _MOST_ERRORS else ""
    return f"{len(failed)} of {len(result.rows)} points failed\n{''.join(lines)}{more}"
