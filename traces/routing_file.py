"""Routing files: reader and writer of our CSV (schema in the README of this folder).

``step,request,token,layer,expert_ids``; the ids of a row joined by ``|`` in the order of the gate;
a sixth column ``gate_weights`` likewise, if they are known. Comments above the header give
`schema`, `model`, `n_experts`, `k`, `layers` and `source`. No public standard was found for
per-token routing; docs/guides/moe-routing-traces.md describes this one for others. Strict, streamed
and deterministic like the request files.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.routing import MAX_EXPERTS
from rackwright.traces.routing_trace import HIGHEST, RoutingTrace
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.traces.write import write_lines

__all__ = ["ROUTING_HEADER", "WEIGHTS_HEADER", "read_routing", "routing_from", "write_routing"]

ROUTING_HEADER = "step,request,token,layer,expert_ids"
WEIGHTS_HEADER = f"{ROUTING_HEADER},gate_weights"
SCHEMA = "1"


def write_routing(trace: RoutingTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_routing(path: str | PathLike[str], limit: int | None = None) -> RoutingTrace:
    """Read a routing file, or its first `limit` rows. Raises InputError and TraceError."""
    return routing_from(open_table(Path(path)), limit)


def routing_from(table: Table, limit: int | None) -> RoutingTrace:
    """The routing of an open table; see read_routing."""
    if table.header not in (ROUTING_HEADER, WEIGHTS_HEADER):
        raise TraceError(f"unknown header {short(repr(table.header))}; expected {ROUTING_HEADER!r}",
                         place=table.path, line=table.header_line)
    if table.comments.get("schema", SCHEMA) != SCHEMA:
        raise TraceError(f"schema {short(repr(table.comments['schema']))}: this version reads "
                         f"schema {SCHEMA}", place=table.path)
    experts = table.whole_comment("n_experts", MAX_EXPERTS)
    top_k = table.whole_comment("k", experts)
    layers = table.whole_comment("layers", HIGHEST["layer"] + 1) \
        if "layers" in table.comments else HIGHEST["layer"] + 1
    columns = _columns(experts, top_k, layers)
    weighted = table.header == WEIGHTS_HEADER
    if weighted:
        columns += (Column("gate_weights", _gate_weights(top_k),
                           f"{top_k} numbers, 0 to 1, joined by '|'"),)
    into = [array("q") for _ in range(len(HIGHEST) + 1)] + [array("d")] * weighted
    for block in table.blocks(columns, limit):
        for column, values in zip(into[:len(HIGHEST)], block.columns, strict=False):
            column.extend(values)
        for column, lists in zip(into[len(HIGHEST):], block.columns[len(HIGHEST):], strict=True):
            column.extend(chain.from_iterable(lists))
    found = [np.frombuffer(column, dtype=column.typecode) for column in into]
    return _trace(table, found, experts, top_k)


def _trace(table: Table, columns: list[Any], experts: int, top_k: int) -> RoutingTrace:
    """The checked trace; a fault found across rows gets the line of its row."""
    comments = table.comments
    step, request, token, layer, ids, *weights = columns
    try:
        return RoutingTrace(step, request, token, layer, ids.reshape(-1, top_k), experts,
                            comments.get("model", ""), comments.get("source", ""),
                            weights[0].reshape(-1, top_k) if weights else None)
    except TraceError as problem:
        raise table.located(problem) from None


def _lines(trace: RoutingTrace) -> Iterator[str]:
    yield "# rackwright routing trace, schema 1"
    yield f"# schema: {SCHEMA}"
    yield f"# model: {trace.model}"
    yield f"# n_experts: {trace.n_experts}"
    yield f"# k: {trace.top_k}"
    yield f"# layers: {trace.layers}"
    yield f"# source: {trace.source}"
    weights = trace.gate_weights
    yield ROUTING_HEADER if weights is None else WEIGHTS_HEADER
    keys = (trace.step, trace.request, trace.token, trace.layer, trace.expert_ids)
    rows = zip(*(key.tolist() for key in keys), strict=True)
    for row, (step, request, token, layer, ids) in enumerate(rows):
        line = f"{step},{request},{token},{layer},{'|'.join(map(str, ids))}"
        yield line if weights is None else f"{line},{'|'.join(map(repr, weights[row].tolist()))}"


def _columns(experts: int, top_k: int, layers: int) -> tuple[Column, ...]:
    most = {**HIGHEST, "layer": layers - 1}
    keys = (Column(name, whole(0, high), f"a whole number, 0 to {high}")
            for name, high in most.items())
    expected = f"{top_k} distinct experts, 0 to {experts - 1}, joined by '|'"
    return (*keys, Column("expert_ids", _expert_ids(experts, top_k), expected))


def _expert_ids(experts: int, top_k: int) -> Callable[[str], list[int]]:
    number = whole(0, experts - 1)

    def read(text: str) -> list[int]:
        ids = [number(part) for part in text.split("|")]
        if len(ids) != top_k:
            raise ValueError(f"{len(ids)} experts")
        if len(set(ids)) != top_k:
            raise ValueError("an expert comes twice")
        return ids

    return read


def _gate_weights(top_k: int) -> Callable[[str], list[float]]:
    number = decimal(1.0)

    def read(text: str) -> list[float]:
        weights = [number(part) for part in text.split("|")]
        if len(weights) != top_k:
            raise ValueError(f"{len(weights)} weights")
        return weights

    return read
