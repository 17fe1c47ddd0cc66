"""Readers of request traces, told by the header line, or by the first row for JSON lines:

* ``arrival_time_s,input_tokens,output_tokens``: ours; seconds from the start (schema in the
  README of this folder). A fourth column ``prefix_blocks`` says which prompts begin alike.
* ``TIMESTAMP,ContextTokens,GeneratedTokens``: Azure LLM inference trace 2023 (Azure Public
  Dataset, CC-BY-4.0). UTC wall-clock times of 100 ns resolution, read as integers of 100 ns and
  shifted so that the first request arrives at 0.
* BurstGPT, Vidur: see `foreign`. JSON lines of Mooncake and LLMServingSim: see `json_lines`.

Plain or gzip, LF or CRLF, streamed. Every row is used or is an error with file, line, column,
value and what was expected. A request with 0 tokens, in or out, is an error: it was not served.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import NoReturn

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.foreign import BURSTGPT_HEADERS, VIDUR_HEADER, read_burstgpt, read_vidur
from rackwright.traces.json_lines import read_json_lines
from rackwright.traces.prefixes import MAX_BLOCK_ID, PrefixBlocks
from rackwright.traces.request_columns import fill, numbers, request_trace
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.units import MAX_TIME

__all__ = ["AZURE_HEADER", "NATIVE_HEADER", "PREFIX_HEADER", "read_requests", "requests_from"]

NATIVE_HEADER = "arrival_time_s,input_tokens,output_tokens"
PREFIX_HEADER = f"{NATIVE_HEADER},prefix_blocks"
AZURE_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
_TICKS = 10_000_000  # of 100 ns in a second
_STAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
                    r"(?:\.([0-9]{1,7}))?")


def read_requests(path: str | PathLike[str], limit: int | None = None) -> RequestTrace:
    """Read a request trace, or its first `limit` rows without reading further.

    Raises InputError (cannot be opened), TraceError (line, column, value), UsageError (limit).
    """
    return requests_from(open_table(Path(path)), limit)


def requests_from(table: Table, limit: int | None) -> RequestTrace:
    """The requests of an open table; see read_requests."""
    if table.header.startswith("{"):
        return read_json_lines(table, limit)
    if table.header not in _FORMATS:
        _unknown_header(table)
    return _FORMATS[table.header](table, limit)


def _read_native(table: Table, limit: int | None) -> RequestTrace:
    time = Column("arrival_time_s", decimal(MAX_TIME),
                  f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back")
    times, inputs, outputs = array("d"), array("q"), array("q")
    fill(table, limit, time, ("input_tokens", "output_tokens"), (times, inputs, outputs))
    return request_trace(table, numbers(times), inputs, outputs,
                  table.comments.get("source", table.path.name))


def _read_prefixed(table: Table, limit: int | None) -> RequestTrace:
    size = table.whole_comment("prefix_block_tokens", MAX_TOKENS)
    time = Column("arrival_time_s", decimal(MAX_TIME),
                  f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back")
    ids = Column("prefix_blocks", _block_ids, f"ids 0 to {MAX_BLOCK_ID} joined by '|', or nothing")
    times, inputs, outputs = array("d"), array("q"), array("q")
    lists: list[list[int]] = []
    fill(table, limit, time, ("input_tokens", "output_tokens"), (times, inputs, outputs),
         (ids, lists))
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
    try:
        prefixes = PrefixBlocks(offsets, np.fromiter(chain.from_iterable(lists), np.int64), size)
        return request_trace(table, numbers(times), inputs, outputs,
                             table.comments.get("source", table.path.name), prefixes)
    except TraceError as problem:
        raise (problem if problem.place else table.located(problem)) from None


_block_id = whole(0, MAX_BLOCK_ID)


def _block_ids(text: str) -> list[int]:
    return [_block_id(part) for part in text.split("|")] if text else []


def _read_azure(table: Table, limit: int | None) -> RequestTrace:
    time = Column("TIMESTAMP", _ticks, "UTC such as 2023-11-16 18:17:03.9799600, with up to 7 "
                                       "fraction digits, never going back")
    ticks, inputs, outputs = array("q"), array("q"), array("q")
    fill(table, limit, time, ("ContextTokens", "GeneratedTokens"), (ticks, inputs, outputs))
    stamps = numbers(ticks)
    return request_trace(table, (stamps - stamps[0]) / _TICKS, inputs, outputs,
                  f"{table.path.name} (Azure LLM inference trace)")


_FORMATS: dict[str, Callable[[Table, int | None], RequestTrace]] = {
    NATIVE_HEADER: _read_native, PREFIX_HEADER: _read_prefixed, AZURE_HEADER: _read_azure,
    VIDUR_HEADER: read_vidur,
    **dict.fromkeys(BURSTGPT_HEADERS, read_burstgpt)}


def _unknown_header(table: Table) -> NoReturn:
    missing = table.header[:1].isdigit()
    problem = "the header line is missing" if missing else "unknown header"
    raise TraceError(f"{problem}: {short(repr(table.header))}; expected {NATIVE_HEADER!r}, or that "
                     f"of Azure ({AZURE_HEADER!r}), BurstGPT or Vidur",
                     place=table.path, line=table.header_line)


def _ticks(text: str) -> int:
    """UTC time stamp to integers of 100 ns; ValueError when it is none."""
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError("not a time stamp")
    day, hours, minutes, seconds, fraction = match.groups()
    whole_seconds = (_day(day) * 24 + int(hours)) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_seconds * _TICKS + int((fraction or "0").ljust(7, "0"))


@lru_cache(maxsize=64)
def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()
