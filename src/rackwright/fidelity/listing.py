"""An assessment as plain text: tables that fit 80 columns, the same bytes every time.

Errors are in per cent of the measured value.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rackwright.calibrate.report import ErrorRow
from rackwright.fidelity.assessment import HELD, Assessment
from rackwright.fidelity.columns import Column
from rackwright.fidelity.compare import Bucket, Operation
from rackwright.fidelity.peers import Peer, peers
from rackwright.report.table import WIDTH, paragraph, table

__all__ = ["text"]

WORST = 3  # points named for each column; `everything` names one for each operation
LOST, HALF_LOST = "!", "~"
MARKS = {"worse": LOST, "mixed": HALF_LOST}
LEGEND = (f"median / p90 of absolute errors in per cent, on points held out of the fits. {LOST} a "
          "plain roofline (launch floor, share of peak math, share of memory bandwidth, fitted to "
          "the operation's other points) does better in both, "
          f"{HALF_LOST} in one of the two. Afterwards: on shapes drawn at random and measured "
          "when the models were finished. Again: a second measurement against the first; errors "
          "below it mean nothing. Further down: max is the largest error and bias the median one, "
          "both signed; in band, the share of points within the p90 that the part states.")
NO_MODEL = "-"


def text(found: Assessment, width: int = WIDTH, *, everything: bool = False) -> str:
    """The report; `everything`: also operations without a model, fitted points if assessed."""
    parts = [_overview(found, width, everything)]
    for column in found.columns:
        chosen = _chosen(found, column, everything)
        if chosen:
            parts += [_details(column, chosen, width), *_buckets(column, chosen, width),
                      _worst(column, chosen, width, everything)]
    return "\n".join(part for part in (*parts, _lost(found, width), _peers(found, width)) if part)


def percent(value: float | None) -> str:
    """A share as per cent, three digits or so.

    >>> percent(0.0537), percent(1.553), percent(None)
    ('5.4', '155', '-')
    """
    if value is None:
        return NO_MODEL
    return f"{100 * value:.1f}" if abs(value) < 0.9995 else f"{100 * value:.0f}"


def _overview(found: Assessment, width: int, everything: bool) -> str:
    """Each operation's errors by column, the roofline's and a second measurement's below."""
    rows: dict[str, dict[str, Operation]] = {}
    for column in found.columns:
        for entry in found.of(column.name, covered=not everything):
            rows.setdefault(entry.errors.operation, {})[column.name] = entry
    if not rows:
        return _nothing(found)
    names = [column.name for column in found.columns]
    lines: list[list[str]] = []
    for operation, by in rows.items():
        lines.append([operation, *(_pair(by[name].errors, MARKS.get(by[name].verdict, " "))
                                   if name in by else " " for name in names)])
        for label in ("afterwards", "roofline", "again"):
            cells = [_pair(getattr(by[name], label)) if name in by else "" for name in names]
            if any(cell.strip() for cell in cells):
                lines.append([f"  {label}", *cells])
    return table(["operation", *(f"{name}  " for name in names)], lines, width) + "\n" + _wrapped(
        LEGEND, width)


def _nothing(found: Assessment) -> str:
    held = [one for one in found.points if one.set == HELD]
    if not held:
        return ("no point is held out of the fits, so nothing can be said of the models; --all "
                "shows the fitted points\n")
    names = ", ".join(dict.fromkeys(one.operation for one in held))
    return f"no model predicts what was measured ({names}); --all lists the operations\n"


def _wrapped(said: str, width: int) -> str:
    return textwrap.fill(said, width, break_on_hyphens=False) + "\n"


def _pair(row: ErrorRow | None, mark: str = " ") -> str:
    """median / p90, then the mark; the mark keeps its place when there is none."""
    if row is None:
        return ""
    if row.median is None:
        return f"{NO_MODEL} {mark}"
    return f"{percent(row.median)} / {percent(row.p90)} {mark}"


def _chosen(found: Assessment, column: Column, everything: bool) -> list[Operation]:
    fitted = found.of(column.name, one="fit", covered=False) if everything else []
    return found.of(column.name, covered=not everything) + fitted


def _details(column: Column, chosen: Sequence[Operation], width: int) -> str:
    rows = [[_label(entry), _count(entry.errors), *map(percent, (
        entry.errors.median, entry.errors.mean, entry.errors.p90, entry.errors.worst,
        entry.errors.bias)), _inside(entry.errors)] for entry in chosen]
    return _title(column, width) + table(
        ("operation", "n", "median", "mean", "p90", "max", "bias", "in band"), rows, width)


def _title(column: Column, width: int) -> str:
    said = "measured on " + ", ".join(machine.name for machine in column.machines)
    if column.coefficients_of != column.gpu.name:
        said = (f"coefficients of {column.coefficients_of} on the datasheet of "
                f"{column.gpu.name}, {said}")
    return paragraph(f"{column.name}:", said, len(column.name) + 2, width)


def _label(entry: Operation) -> str:
    return entry.errors.operation + ("" if entry.errors.set == HELD else " (fit)")


def _count(row: ErrorRow) -> str:
    return str(row.rows) if row.predicted in (0, row.rows) else f"{row.predicted}/{row.rows}"


def _inside(row: ErrorRow) -> str:
    return NO_MODEL if row.inside is None else f"{100 * row.inside:.0f} %"


def _buckets(column: Column, chosen: Sequence[Operation], width: int) -> Iterator[str]:
    """A table for each way of cutting into sizes."""
    entries = sorted((entry for entry in chosen if entry.buckets and entry.errors.predicted),
                     key=lambda entry: entry.buckets[0].by != "measured_time")
    for by, group in groupby(entries, key=lambda entry: entry.buckets[0].by):
        members = list(group)
        edges = sorted({(bucket.low, bucket.high) for entry in members
                        for bucket in entry.buckets})
        rows = [[_label(entry), *(_bucket(entry, low) for low, _ in edges)] for entry in members]
        said = f"median error (points) by {by.replace('_', ' ')}"
        yield (paragraph(f"{column.name}:", said, len(column.name) + 2, width) + table(
            ["operation", *(_range(by, *edge) for edge in edges)], rows, width))


def _bucket(entry: Operation, low: float) -> str:
    here: list[Bucket] = [bucket for bucket in entry.buckets if bucket.low == low]
    return f"{percent(here[0].median)} ({here[0].points})" if here else ""


def _range(by: str, low: float, high: float) -> str:
    """
    >>> _range("bytes", 65536, 2**20), _range("measured_time", 0.0, 1e-5)
    ('64 KiB-1 MiB', '< 10 us')
    """
    name = _bytes if by == "bytes" else _time
    if low == 0:
        return f"< {name(high)}"
    return f">= {name(low)}" if math.isinf(high) else f"{name(low)}-{name(high)}"


def _bytes(value: float) -> str:
    return f"{value / 1024:g} KiB" if value < 2 ** 20 else f"{value / 2 ** 20:g} MiB"


def _time(value: float) -> str:
    return f"{value * 1e6:g} us" if value < 0.99e-3 else f"{value * 1e3:g} ms"


def _worst(column: Column, chosen: Sequence[Operation], width: int, everything: bool) -> str:
    found = sorted(((entry, entry.worst_point) for entry in chosen if entry.worst_point),
                   key=lambda pair: -abs(pair[1].error))
    lines = []
    for entry, worst in (found if everything else found[:WORST]):
        where = "" if worst.machine in (column.gpu.name, "data") else f" on {worst.machine}"
        lines.append(paragraph(f"  {_label(entry)}", (
            f"{100 * worst.error:+.0f} %{where}: {worst.shape}; measured "
            f"{_value(entry, worst.measured)}, predicted {_value(entry, worst.predicted)}"),
            30, width))
    return f"{column.name}: worst points\n" + "".join(lines) if lines else ""


def _value(entry: Operation, value: float) -> str:
    if entry.table == "power":
        return f"{value:.4g} W"
    return f"{value * 1e6:.4g} us" if value < 1e-2 else f"{value * 1e3:.4g} ms"


def _lost(found: Assessment, width: int) -> str:
    """Where a plain roofline does better: the models' homework."""
    lines = []
    for column in found.columns:
        entries = [entry for entry in found.of(column.name) if entry.verdict]
        worse, mixed = ([entry.errors.operation for entry in entries if entry.verdict == verdict]
                        for verdict in ("worse", "mixed"))
        if not entries:
            continue
        said = [f"better in {len(entries) - len(worse) - len(mixed)} of {len(entries)} operations",
                *([f"worse in {', '.join(worse)}"] if worse else []),
                *([f"mixed in {', '.join(mixed)}"] if mixed else [])]
        lines.append(paragraph(f"  {column.name}", "; ".join(said), 18, width))
    return "models against a plain roofline (median and p90)\n" + "".join(lines) if lines else ""


def _peers(found: Assessment, width: int) -> str:
    near = [peer for peer in peers() if peer.tables]
    far = [peer for peer in peers() if not peer.tables]
    return (_wrapped("what other simulators publish, on points and parts of their own", width)
            + "".join(_peer(found, peer, width) for peer in near)
            + "and of whole systems, which have no counterpart here\n"
            + "".join(_peer(found, peer, width) for peer in far))


def _peer(found: Assessment, peer: Peer, width: int) -> str:
    ours = [(column.name, found.beside(peer, column.name)) for column in found.columns]
    said = ", ".join(f"{percent(value)} % {name}" for name, value in ours if value is not None)
    where = peer.operations or ", ".join(peer.tables)
    beside = f" Ours, on {where}: {said}." if said else ""
    return paragraph(f"  {peer.tool}", f"{peer.statistic} {100 * peer.error:.4g} %, {peer.what} "
                     f"({peer.basis}: {peer.source}).{beside}", 24, width)
