"""Routing files: reader and writer of our CSV (schema in the README of this folder).

``step,request,token,layer,expert_ids``; the ids of a row joined by ``|`` in the order of the gate.
Comments above the header give `model`, `n_experts`, `k` and `source`. No public standard was
found for per-token routing. Strict, streamed and deterministic like the request files.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.routing import MAX_EXPERTS
from rackwright.traces.routing_trace import HIGHEST, RoutingTrace
from rackwright.traces.table import Column, Table, open_table, short, whole
from rackwright.traces.write import write_lines

__all__ = ["ROUTING_HEADER", "read_routing", "routing_from", "write_routing"]

ROUTING_HEADER = "step,request,token,layer,expert_ids"


def write_routing(trace: RoutingTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_routing(path: str | PathLike[str], limit: int | None = None) -> RoutingTrace:
    """Read a routing file, or its first `limit` rows. Raises InputError and TraceError."""
    return routing_from(open_table(Path(path)), limit)


def routing_from(table: Table, limit: int | None) -> RoutingTrace:
    """The routing of an open table; see read_routing."""
    if table.header != ROUTING_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected {ROUTING_HEADER!r}",
                         place=table.path, line=table.header_line)
    experts = _comment(table, "n_experts", MAX_EXPERTS)
    top_k = _comment(table, "k", experts)
    columns = _columns(experts, top_k)
    into = [array("q") for _ in columns]
    for block in table.blocks(columns, limit):
        for column, values in zip(into[:-1], block.columns[:-1], strict=True):
            column.extend(values)
        for ids in block.columns[-1]:
            into[-1].extend(ids)
    keys = [np.frombuffer(column, dtype=np.int64) for column in into]
    return _trace(table, keys, experts, top_k)


def _trace(table: Table, columns: list[Any], experts: int, top_k: int) -> RoutingTrace:
    """The checked trace; a fault found across rows gets the line of its row."""
    comments = table.comments
    step, request, token, layer, ids = columns
    try:
        return RoutingTrace(step, request, token, layer, ids.reshape(-1, top_k), experts,
                            comments.get("model", ""), comments.get("source", ""))
    except TraceError as problem:
        raise table.located(problem) from None


def _lines(trace: RoutingTrace) -> Iterator[str]:
    yield "# rackwright routing trace, schema 1"
    yield f"# model: {trace.model}"
    yield f"# n_experts: {trace.n_experts}"
    yield f"# k: {trace.top_k}"
    yield f"# source: {trace.source}"
    yield ROUTING_HEADER
    keys = (trace.step, trace.request, trace.token, trace.layer, trace.expert_ids)
    for step, request, token, layer, ids in zip(*(key.tolist() for key in keys), strict=True):
        yield f"{step},{request},{token},{layer},{'|'.join(map(str, ids))}"


def _comment(table: Table, key: str, high: int) -> int:
    """The whole number of a comment that the file must have."""
    if key not in table.comments:
        raise TraceError(f"the comment '# {key}: ...' is missing above the header",
                         place=table.path, line=table.header_line)
    try:
        return whole(1, high)(table.comments[key])
    except ValueError as problem:
        raise TraceError(f"comment {key}: {short(repr(table.comments[key]))}: {problem}; expected "
                         f"a whole number, 1 to {high}", place=table.path) from None


def _columns(experts: int, top_k: int) -> tuple[Column, ...]:
    keys = (Column(name, whole(0, high), f"a whole number, 0 to {high}")
            for name, high in HIGHEST.items())
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
