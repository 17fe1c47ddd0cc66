"""The public layer profiles of DeepPool (``.prof``; github.com/seojinpark/DeepPool, MIT).

A line a layer, ``operator{json}[batch]dimensions``, then milliseconds of forward + backward and
microseconds of each (or, below a heading ``#config avg(ms) p50 p90 p99``, the mean and three
percentiles); a line ``SUM(avg)`` or ``sum:`` ends the layers of a batch. Every batch must have the
same layers. Edges are told by shapes (`profiles_branches`): joins become layers "concat" of no
time. The split into forward and backward is the file's: its authors' timers put the wait for a
convolution's gradient on the layer after it, so that only sums over neighbours mean much.
"""

from __future__ import annotations

import re
from math import prod
from typing import NamedTuple

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.profiles import MAX_COUNT, LayerProfile, parse_configuration
from rackwright.traces.profiles_branches import Joined, Shaped, join_branches
from rackwright.traces.profiles_layers import LayerFacts, layer_facts
from rackwright.traces.table import Table, decimal, short, whole
from rackwright.units import MAX_TIME

__all__ = ["is_prof", "profile_from_prof"]

_ROW = re.compile(r"\s*([A-Za-z0-9_]+\{[^\t]*\})\[([0-9]+)\](\[[0-9,]+\]|[0-9]+)((?:\s+\S+)+)\s*")
_SUM = re.compile(r"\s*(?:SUM\(avg\)|sum:)((?:\s+\S+)+)\s*")
_HEADING = re.compile(r"\s*#config\s+avg\(ms\)\s+p50\s+p90\s+p99\s*")
_NEAR = 0.01  # of a batch's stated sum: it was taken before its rows were rounded


class _Row(NamedTuple):
    """A layer at a batch: configuration with dimensions, seconds in all and forward."""

    line: int
    layer: str
    batch: int
    time: float
    forward_time: float


def is_prof(header: str) -> bool:
    """Whether the first line of a file is that of a .prof file."""
    return bool(_HEADING.fullmatch(header) or _ROW.fullmatch(header))


def profile_from_prof(table: Table, limit: int | None) -> LayerProfile:
    """The profile of an open file, or its first `limit` layers. Raises TraceError."""
    sections, split = _sections(table)
    rows = next(iter(sections.values()))
    facts = [_facts(table, row) for row in rows]
    joined = _joined(table, rows, facts)
    batches = sorted(sections, reverse=True)
    times = np.array([[row.time for row in sections[batch]] for batch in batches]).T
    forward = np.array([[row.forward_time for row in sections[batch]] for batch in batches]).T
    profile = _profile(table, joined, rows, facts, batches, times, forward if split else None)
    return profile if limit is None else profile.first(limit)


def _sections(table: Table) -> tuple[dict[int, list[_Row]], bool]:
    """Rows by batch, and whether rows tell forward from backward."""
    sections: dict[int, list[_Row]] = {}
    split = _HEADING.fullmatch(table.header) is None
    first = [(table.header_line, table.header)] if split else []
    line = table.header_line
    ended = True
    for line, text in (*first, *table.lines):
        if not text.strip() or _HEADING.fullmatch(text):
            continue
        if (total := _SUM.fullmatch(text)) is not None:
            _check_sum(table, line, total.group(1), sections, ended)
            ended = True
            continue
        row = _row(table, line, text, split)
        if ended and row.batch in sections:
            raise TraceError(f"batch {row.batch} comes twice; keep one", place=table.path,
                             line=line)
        if not ended and row.batch != next(reversed(sections)):
            raise TraceError(f"batch {row.batch} among layers of batch {next(reversed(sections))}; "
                             "each batch ends with its sum", place=table.path, line=line)
        sections.setdefault(row.batch, []).append(row)
        ended = False
    _check_alike(table, sections, line)
    return sections, split


def _row(table: Table, line: int, text: str, split: bool) -> _Row:
    match = _ROW.fullmatch(text)
    expected = "ms in all, us forward, us backward" if split else "mean, p50, p90, p99 in ms"
    if match is None:
        raise TraceError(f"{short(repr(text.strip()))} is no layer; expected operator{{json}}"
                         f"[batch]dimensions, then {expected}", place=table.path, line=line)
    config, batch, dims, numbers = match.groups()
    fields = numbers.split()
    if len(fields) != (3 if split else 4):
        raise TraceError(f"{len(fields)} numbers; expected {expected}", place=table.path, line=line)
    try:
        values = [decimal(MAX_TIME)(field) for field in fields]
        samples = whole(1, MAX_COUNT)(batch)
    except ValueError as problem:
        raise TraceError(f"{short(repr(text.strip()))}: {problem}; expected {expected}",
                         place=table.path, line=line) from None
    layer = config + (dims if dims.startswith("[") else f"[{dims}]")
    return _Row(line, layer, samples, values[0] * 1e-3, values[1] * 1e-6 if split else 0.0)


def _check_sum(table: Table, line: int, text: str, sections: dict[int, list[_Row]], ended: bool
               ) -> None:
    try:
        stated = decimal(MAX_TIME)(text.split()[0])
    except ValueError as problem:
        raise TraceError(f"sum {short(repr(text.strip()))}: {problem}; expected milliseconds",
                         place=table.path, line=line) from None
    if ended:
        raise TraceError("a sum without layers above it", place=table.path, line=line)
    found = 1e3 * sum(row.time for row in sections[next(reversed(sections))])
    if abs(found - stated) > _NEAR * stated + 0.001 * len(sections[next(reversed(sections))]):
        raise TraceError(f"the layers above sum to {found:.3f} ms, not {stated:g} ms; is a row "
                         "missing or changed?", place=table.path, line=line)


def _check_alike(table: Table, sections: dict[int, list[_Row]], line: int) -> None:
    if not sections:
        raise TraceError("the heading is followed by no layer", place=table.path, line=line)
    model = next(iter(sections.values()))
    for batch, rows in sections.items():
        for row, expected in zip(rows, model, strict=False):
            if row.layer != expected.layer:
                raise TraceError(f"{short(row.layer)} at batch {batch} stands where batch "
                                 f"{model[0].batch} has {short(expected.layer)} (line "
                                 f"{expected.line}); expected the same layers at every batch",
                                 place=table.path, line=row.line)
        if len(rows) != len(model):
            raise TraceError(f"{len(rows)} layers at batch {batch}, {len(model)} at batch "
                             f"{model[0].batch}; is the file cut off?", place=table.path,
                             line=rows[-1].line)


def _facts(table: Table, row: _Row) -> LayerFacts:
    operator, config, dims = parse_configuration(row.layer)
    try:
        if not dims:
            raise ValueError(f"the parameters of {short(repr(row.layer))} are no JSON object")
        facts = layer_facts(operator, config, dims)
        if max(facts.parameters, prod(facts.output)) > MAX_COUNT:
            raise ValueError(f"{operator} of more than {MAX_COUNT} parameters or elements")
    except ValueError as problem:
        raise TraceError(str(problem), place=table.path, line=row.line) from None
    return facts


def _joined(table: Table, rows: list[_Row], facts: list[LayerFacts]) -> Joined:
    shaped = [Shaped(*_pair(row.layer), fact.output) for row, fact in
              zip(rows, facts, strict=True)]
    try:
        return join_branches(shaped)
    except ValueError as problem:
        head, _, rest = str(problem).partition(": ")
        at = int(head.removeprefix("layer "))
        raise TraceError(rest, place=table.path, line=rows[min(at, len(rows) - 1)].line) from None


def _pair(layer: str) -> tuple[str, tuple[int, ...]]:
    return layer, parse_configuration(layer)[2]


def _profile(table: Table, joined: Joined, rows: list[_Row], facts: list[LayerFacts],
             batches: list[int], times: np.ndarray, forward: np.ndarray | None) -> LayerProfile:
    """The profile with its joins, which take no time."""
    stem = table.path.name.removesuffix(".gz").removesuffix(".prof").removesuffix(".txt")
    layers, kinds, parameters = [], [], []
    for at, shape in zip(joined.layers, joined.shapes, strict=True):
        dims = ",".join(str(side) for side in shape)
        layers.append("concat{}[" + dims + "]" if at is None else rows[at].layer)
        kinds.append("concat" if at is None else facts[at].kind)
        parameters.append(0 if at is None else facts[at].parameters)
    some = np.array([at is not None for at in joined.layers])
    place = np.array([at or 0 for at in joined.layers])

    def spread(matrix: np.ndarray) -> np.ndarray:
        return np.where(some[:, None], matrix[place], 0.0)
    return LayerProfile(
        stem or "profile", stem, tuple(layers), tuple(kinds), np.array(parameters),
        np.array([prod(shape) for shape in joined.shapes]), np.array(batches), spread(times),
        tuple(sorted(joined.edges)), None if forward is None else spread(forward),
        f"{table.path.name} (layer profile)")
