"""Results as small HTML tables, for notebooks. No scripts, no style sheets, no outside links."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rackwright.replays import Replays
from rackwright.report import figures
from rackwright.report.series import series_html
from rackwright.result import Result

__all__ = ["replays_html", "result_html"]


def result_html(result: Result) -> str:
    """The headline metrics of one result, what limits it, and its curves."""
    return _table([result]) + series_html(result)


def replays_html(replays: Replays) -> str:
    """A system and its baselines, one row each."""
    return _table(list(replays))


def _table(results: Sequence[Result]) -> str:
    names = results[0].headline
    head = _row("th", ["", *map(figures.title, names), "limited by"])
    body = "".join(_row("td", [found.label, *(_value(found, name) for name in names),
                               found.bottleneck.text]) for found in results)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _value(result: Result, name: str) -> str:
    return figures.value(name, result.metrics[name]) if name in result.metrics else "-"


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
