"""Results as plain text for people: one result, or a system beside its baselines.

Deterministic and at most `table.WIDTH` columns wide; every number is rounded for reading, the
exact ones are in the JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rackwright.models.outcome import Parameter
from rackwright.replays import Replays
from rackwright.report import figures
from rackwright.report.series import series_text
from rackwright.report.table import WIDTH, paragraph, table
from rackwright.result import Inputs, Result

__all__ = ["breakdown_table", "busiest", "busy_rows", "footnotes", "headline_table", "named_inputs",
           "reasons", "side_by_side", "summary"]

_TOP = 5  # busiest devices and links shown


def summary(result: Result, width: int = WIDTH) -> str:
    """One result: every metric, what limits it, where the time goes, curves, what was assumed."""
    rows = [[figures.title(name), figures.value(name, result.metrics[name]), name]
            for name in _ordered(result)]
    return _joined([
        _heading(result, width) + _interrupted([result]),
        table(["metric", "value", "name in JSON"], rows, width, left=(0, 2)),
        reasons([result], width, every=True),
        "what limits it\n" + paragraph("", result.bottleneck.text, 2, width),
        breakdown_table([result], width),
        busiest(result, width),
        series_text(result, width),
        _footnotes([result], width)])


def side_by_side(replays: Replays, width: int = WIDTH) -> str:
    """A system and its baselines: headline metrics, bottlenecks, breakdown, footnotes."""
    results = list(replays)
    return _joined([
        _heading(replays.result, width) + _interrupted(results) + _missing(replays, width),
        headline_table(results, width),
        reasons(results, width),
        _limits(results, width),
        breakdown_table(results, width),
        busiest(replays.result, width),
        _footnotes(results, width)])


def headline_table(results: Sequence[Result], width: int = WIDTH) -> str:
    """One row a result; after each metric the first result's value divided by the row's."""
    first = results[0]
    names = [name for name in first.headline if any(name in found.metrics for found in results)]
    if not names:
        return ""
    if len(results) == 1:
        return table(["", *map(figures.title, names)], [_values(first, names)], width)
    header, rows = [""], [[_mark(found)] for found in results]
    for name in names:
        header += [figures.title(name), "ratio"]
        for row, found in zip(rows, results, strict=True):
            row.append(_value(found, name))
            row.append("" if found is first else figures.ratio(
                first.metrics.get(name), found.metrics.get(name)))
    return table(header, rows, width, keep=2) + f"ratio: {first.label} divided by the row\n"


def breakdown_table(results: Sequence[Result], width: int = WIDTH) -> str:
    """Where the time goes: one row a result, shares of an average token, job or operation."""
    names = list(dict.fromkeys(name for found in results for name in found.breakdown))
    if not names:
        return ""
    rows = [[_mark(found), *(figures.percent(found.breakdown[name])
                             if name in found.breakdown else "-" for name in names)]
            for found in results]
    header = ["", *(name.replace("_", " ") for name in names)]
    return "where the time goes\n" + table(header, rows, width)


def busiest(result: Result, width: int = WIDTH) -> str:
    """The most utilised devices and links of `result`."""
    rows = busy_rows(result)
    if not rows:
        return ""
    return f"busiest in {result.label}\n" + table(["", "kind", "busy"], rows, width, left=(0, 1))


def busy_rows(result: Result) -> list[list[str]]:
    """Name, kind and share of the most utilised devices, then of such links."""
    return [[name, kind, figures.percent(shares[name])]
            for kind, shares in (("device", result.device_utilisation),
                                 ("link", result.link_utilisation))
            for name in _top(shares)]


def reasons(results: Sequence[Result], width: int = WIDTH, every: bool = False) -> str:
    """Why metrics of the headline, or `every` one, have no value."""
    return _listed("no value for", _once(results, lambda found: (
        f"{figures.title(name)}: {why}" for name, why in sorted(found.undefined.items())
        if every or name in found.headline)), width)


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _heading(result: Result, width: int) -> str:
    return paragraph("", named_inputs(result), 2, width).lstrip()


def named_inputs(result: Result) -> str:
    """What was replayed on what, with the first digits of the hashes."""
    inputs: Inputs = result.inputs
    return (f"{result.label} on {_named(inputs.topology, inputs.topology_hash)}, "
            f"trace {_named(inputs.trace, inputs.trace_hash)}, seed {result.seed}")


def _named(name: str, digest: str) -> str:
    return f"{name} ({digest[:8]})" if name else digest[:8]


def _mark(result: Result) -> str:
    return result.label + ("" if result.complete else " *")


def _interrupted(results: Sequence[Result]) -> str:
    cut = any(not found.complete for found in results)
    return "* interrupted: its figures cover what ran until then\n" if cut else ""


def _missing(replays: Replays, width: int) -> str:
    names = ", ".join(replays.missing)
    return paragraph("not run:", names, 9, width) if names else ""


def _ordered(result: Result) -> list[str]:
    """Names of the metrics, the headline first."""
    first = [name for name in result.headline if name in result.metrics]
    return first + sorted(name for name in result.metrics if name not in first)


def _values(result: Result, names: Sequence[str]) -> list[str]:
    return [_mark(result), *(_value(result, name) for name in names)]


def _value(result: Result, name: str) -> str:
    return figures.value(name, result.metrics[name]) if name in result.metrics else "-"


def _limits(results: Sequence[Result], width: int) -> str:
    indent = min(max(len(_mark(found)) for found in results) + 4, width // 3)
    return "what limits it\n" + "".join(
        paragraph("  " + _mark(found), found.bottleneck.text, indent, width)
        for found in results)


def _top(shares: Mapping[str, float]) -> list[str]:
    """Names of the busiest; the order is that of the shares, then of the names."""
    busy = [name for name in shares if shares[name] > 0]
    return sorted(busy, key=lambda name: (-shares[name], name))[:_TOP]


def _footnotes(results: Sequence[Result], width: int) -> str:
    return "".join(_listed(title, lines, width) for title, lines in footnotes(results))


def footnotes(results: Sequence[Result]) -> list[tuple[str, list[str]]]:
    """(title, lines): numbers without a datasheet, errors of cost models, notes; none empty."""
    found = [("numbers that no datasheet gives",
              _once(results, lambda one: map(_parameter, one.parameters))),
             ("error of the cost models, against measurements", _once(results, _bands)),
             ("notes", _once(results, lambda one: one.notes))]
    return [(title, lines) for title, lines in found if lines]


def _listed(title: str, lines: Sequence[str], width: int) -> str:
    if not lines:
        return ""
    return f"{title}\n" + "".join(paragraph("  -", line, 4, width) for line in lines)


def _once(results: Sequence[Result], lines: Callable[[Result], Iterable[str]]) -> list[str]:
    """Every line once; one that the first result does not have names the results it is from."""
    owners: dict[str, list[str]] = {}
    for found in results:
        for line in lines(found):
            owners.setdefault(line, []).append(found.label)
    return [line if results[0].label in whose else f"[{', '.join(whose)}] {line}"
            for line, whose in owners.items()]


def _parameter(entry: Parameter) -> str:
    return f"{entry.name} = {entry.value} ({entry.kind}): {entry.basis}"


def _bands(result: Result) -> list[str]:
    return [f"{name}: {kind}, median {figures.percent(median)}, "
            f"9 in 10 within {figures.percent(high)}"
            for name, (kind, median, high) in sorted(result.bands.items())]
