"""A replay and its baselines as one HTML page: figures, limits, time, busy links, curves, inputs.

One file without scripts, fonts or links. The topology is drawn when its graph is given, coloured by
how busy the system's own replay kept each link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from rackwright.replays import Replays
from rackwright.report import figures
from rackwright.report.document import document, table
from rackwright.report.series import series_html
from rackwright.report.text import busy_rows, footnotes, named_inputs
from rackwright.report.topology_svg import topology_figure
from rackwright.result import Result

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["page"]


def page(replays: Replays, graph: nx.DiGraph[Any] | None = None) -> str:
    """A whole page, ending in a newline; `graph`: the topology that was replayed on."""
    result, results = replays.result, list(replays)
    beside = f" and {len(results) - 1} baselines" if len(results) > 1 else ""
    return document(f"{result.label} on {result.inputs.topology or 'a topology'}", [
        f"<h1>{escape(result.label)}{beside}</h1>\n<p>{escape(named_inputs(result))}</p>\n",
        _unfinished(replays), "<h2>Figures</h2>\n",
        f"<p>In brackets: {escape(result.label)} divided by it.</p>\n" if beside else "",
        _figures(results),
        "<h2>What limits it</h2>\n", table([("", "k"), ("", "t")], [
            [found.label, found.bottleneck.text] for found in results]),
        _breakdown(results), _busy(result), _topology(result, graph),
        _curves(result), *_notes(results), _options(result), _inputs(result)])


def _unfinished(replays: Replays) -> str:
    cut = [found.label for found in replays if not found.complete]
    said = [f"Interrupted: {', '.join(cut)} (figures cover what ran until then)."] if cut else []
    said += [f"Not run: {', '.join(replays.missing)}."] if replays.missing else []
    return f'<p class="no">{escape(" ".join(said))}</p>\n' if said else ""


def _figures(results: Sequence[Result]) -> str:
    """A row a metric, a column a replay: the headline's first, then the others."""
    first = results[0]
    named = [name for name in first.headline if any(name in one.metrics for one in results)]
    others = sorted({name for one in results for name in one.metrics} - set(named))
    text = _metrics(results, named)
    if others:
        text += f"<details><summary>{len(others)} more</summary>{_metrics(results, others)}" \
            "</details>\n"
    return text


def _metrics(results: Sequence[Result], names: Sequence[str]) -> str:
    head = [("", "k"), *((found.label, "") for found in results)]
    return table(head, [[figures.title(name), *(_with_ratio(results[0], found, name)
                                                for found in results)] for name in names])


def _with_ratio(first: Result, found: Result, name: str) -> str:
    """A value and, of a baseline, the system's divided by it."""
    if name not in found.metrics:
        return "-"
    text = figures.value(name, found.metrics[name])
    if found is first or name not in first.metrics:
        return text
    return f"{text} ({figures.ratio(first.metrics[name], found.metrics[name])})"


def _breakdown(results: Sequence[Result]) -> str:
    names = list(dict.fromkeys(name for found in results for name in found.breakdown))
    if not names:
        return ""
    head = [("", "k"), *((name.replace("_", " "), "") for name in names)]
    return "<h2>Where the time goes</h2>\n" + table(head, [
        [found.label, *(figures.percent(found.breakdown[name]) if name in found.breakdown else "-"
                        for name in names)] for found in results])


def _busy(result: Result) -> str:
    rows = busy_rows(result)
    return "<h2>Busiest</h2>\n" + table([("", "k"), ("kind", "k"), ("busy", "")], rows) \
        if rows else ""


def _topology(result: Result, graph: nx.DiGraph[Any] | None) -> str:
    if graph is None:
        return ""
    said = f"The colour of a link says how busy {result.label} kept it." \
        if result.link_utilisation else "No link was listed as busy."
    return (f"<h2>Topology</h2>\n<p>{escape(said)}</p>\n"
            + topology_figure(graph, result.link_utilisation, result.device_utilisation))


def _curves(result: Result) -> str:
    drawn = series_html(result)
    return f'<h2>Curves</h2>\n<div class="wide">{drawn}</div>\n' if drawn else ""


def _notes(results: Sequence[Result]) -> Iterator[str]:
    for title, lines in footnotes(results):
        items = "".join(f"<li>{escape(line)}</li>\n" for line in lines)
        yield f"<h2>{escape(title[:1].upper() + title[1:])}</h2>\n<ul>{items}</ul>\n"


def _options(result: Result) -> str:
    rows = [[name, "-" if value is None else str(value)]
            for name, value in sorted(result.options.items())]
    return "<h2>Options</h2>\n" + table([("", "k"), ("", "t")], rows) if rows else ""


def _inputs(result: Result) -> str:
    inputs = result.inputs
    rows = [["topology", inputs.topology, inputs.topology_hash],
            ["trace", inputs.trace, inputs.trace_hash],
            *(["part", *pair] for pair in sorted(inputs.parts.items())),
            *(["table", *pair] for pair in sorted(inputs.tables.items())),
            *(["loop", *pair] for pair in sorted(result.kernels.items()))]
    return (f"<h2>Inputs</h2>\n<p>Seed {result.seed}, rackwright {escape(result.code)}; SHA-256 "
            "of each content, its first 16 digits.</p>\n"
            + table([("", "k"), ("", "t"), ("", "k")],
                    [[kind, name, digest[:16]] for kind, name, digest in rows]))
