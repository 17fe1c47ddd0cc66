"""Request traces as JSON lines: Mooncake and LLMServingSim, told by the keys of the first row.

* Mooncake (github.com/kvcache-ai/Mooncake, Apache-2.0): ``{"timestamp": ms, "input_length": n,
  "output_length": n, "hash_ids": [...]}``; a hash id stands for a block of 512 prompt tokens and
  all before it, the last block of a prompt included. All rows have them, or none.
* LLMServingSim (github.com/casys-kaist/LLMServingSim, MIT): ``{"input_toks": n, "output_toks": n,
  "arrival_time_ns": ns}``, other keys besides.

Times are shifted so that the first request arrives at 0. Leaves out: token ids, any other key.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Any, NamedTuple, NoReturn

from rackwright.errors import TraceError, UsageError
from rackwright.traces.prefixes import MAX_BLOCK_ID, PrefixBlocks
from rackwright.traces.request_columns import TOKENS, numbers, request_trace
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.table import Table, short
from rackwright.units import MAX_TIME

__all__ = ["read_json_lines"]

MOONCAKE_TOKENS = 512  # of a block


class _Keys(NamedTuple):
    """A format: its keys, how many of its time units are in a second, and its name."""

    time: str
    inputs: str
    outputs: str
    per_second: float
    label: str
    prefixes: str = ""    # key of the ids of a prompt's blocks


_FORMATS = (_Keys("timestamp", "input_length", "output_length", 1e3, "Mooncake", "hash_ids"),
            _Keys("arrival_time_ns", "input_toks", "output_toks", 1e9, "LLMServingSim"))


def read_json_lines(table: Table, limit: int | None) -> RequestTrace:
    """The requests of an open file of JSON lines. Raises TraceError with the line."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}: at least 1 row must be read")
    keys: _Keys | None = None
    times, inputs, outputs = array("d"), array("q"), array("q")
    prefixes: _Prefixes | None = None
    before = 0.0
    with closing(table.lines):
        for line, row in _rows(table):
            keys = keys or _format(table, line, row)
            time = _number(table, line, row, keys.time, MAX_TIME * keys.per_second)
            if time < before:
                _fail(table, line, keys.time, time, "earlier than the row above; times never go "
                                                    "back")
            before = time
            times.append(time / keys.per_second)
            inputs.append(_tokens(table, line, row, keys.inputs))
            outputs.append(_tokens(table, line, row, keys.outputs))
            if len(times) == 1 and keys.prefixes in row:
                prefixes = _Prefixes(keys.prefixes)
            if prefixes is not None:
                prefixes.add(table, line, row, inputs[-1])
            if limit is not None and len(times) >= limit:
                break
    assert keys is not None  # there is a first row
    return request_trace(table, numbers(times) - times[0], inputs, outputs,
                         f"{table.path.name} ({keys.label})",
                         None if prefixes is None else prefixes.found(table))


class _Prefixes:
    """Ids of blocks, row by row."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.offsets, self.ids = array("q", [0]), array("q")

    def add(self, table: Table, line: int, row: dict[str, Any], tokens: int) -> None:
        ids = row.get(self.key)
        blocks = -(-tokens // MOONCAKE_TOKENS)
        good = isinstance(ids, list) and len(ids) == blocks and all(
            type(each) is int and 0 <= each <= MAX_BLOCK_ID for each in ids)
        if not good:
            _fail(table, line, self.key, ids, f"expected {blocks} ids, whole numbers from 0 to "
                                              f"{MAX_BLOCK_ID}: one for each {MOONCAKE_TOKENS} of "
                                              f"{tokens} tokens")
        assert isinstance(ids, list)
        self.ids.extend(ids)
        self.offsets.append(len(self.ids))

    def found(self, table: Table) -> PrefixBlocks:
        try:
            return PrefixBlocks(numbers(self.offsets), numbers(self.ids), MOONCAKE_TOKENS)
        except TraceError as problem:
            raise table.located(problem, header_rows=0) from None


def _rows(table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in chain([(table.header_line, table.header)], table.lines):
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise TraceError(f"no JSON: {short(repr(text))} ({type(problem).__name__})",
                             place=table.path, line=line) from None
        if not isinstance(row, dict):
            raise TraceError(f"{short(text)} is no JSON object", place=table.path, line=line)
        yield line, row


def _format(table: Table, line: int, row: dict[str, Any]) -> _Keys:
    for keys in _FORMATS:
        if keys.time in row:
            return keys
    known = " or ".join(f"{keys.time}, {keys.inputs}, {keys.outputs} ({keys.label})"
                        for keys in _FORMATS)
    raise TraceError(f"keys {short(', '.join(map(str, row)))}; expected {known}",
                     place=table.path, line=line)


def _tokens(table: Table, line: int, row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if type(value) is int and 1 <= value <= MAX_TOKENS:
        return value
    _fail(table, line, key, value, f"expected {TOKENS}")


def _number(table: Table, line: int, row: dict[str, Any], key: str, most: float) -> float:
    value = row.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)
    _fail(table, line, key, value, f"expected a time, 0 to {most:g}")


def _fail(table: Table, line: int, key: str, value: object, problem: str) -> NoReturn:
    raise TraceError(f"{key}: {short(repr(value))}: {problem}", place=table.path, line=line)
