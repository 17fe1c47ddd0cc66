"""Request columns filled row by row: what readers of the different formats share."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.prefixes import PrefixBlocks
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.table import Block, Column, Table, whole

__all__ = ["TOKENS", "fill", "numbers", "request_trace"]

TOKENS = f"a whole number of tokens, 1 to {MAX_TOKENS}"


def fill(table: Table, limit: int | None, time: Column, token_names: tuple[str, str],
         into: tuple[array[Any], array[int], array[int]],
         more: tuple[Column, list[Any]] | None = None) -> None:
    """Append every row to the three columns `into`; times must not go back.

    `more`: a fourth column of the file, and where its values go.
    """
    tokens = whole(1, MAX_TOKENS)
    columns = [time, *(Column(name, tokens, TOKENS) for name in token_names)]
    columns += [more[0]] if more else []
    before: float = 0
    for block in table.blocks(columns, limit):
        times = block.columns[0]
        if times[0] < before or times != sorted(times):
            _fail_back(table, block, time, before)
        before = times[-1]
        for column, values in zip(into, block.columns[:3], strict=True):
            column.extend(values)
        if more:
            more[1].extend(block.columns[3])


def _fail_back(table: Table, block: Block, time: Column, before: float) -> NoReturn:
    pairs = enumerate(pairwise([before, *block.columns[0]]))
    at = next(row for row, (earlier, later) in pairs if later < earlier)
    table.fail(block.first_line + at, time, block.texts[at].split(",")[0],
               "earlier than the row above")


def request_trace(table: Table, times: npt.NDArray[np.float64], inputs: array[int],
                  outputs: array[int], source: str, prefixes: PrefixBlocks | None = None
                  ) -> RequestTrace:
    """The trace of filled columns; `table` names it."""
    stem = table.path.name.removesuffix(".gz").removesuffix(".csv").removesuffix(".jsonl")
    name = table.comments.get("name") or _printable(stem) or "requests"
    try:
        return RequestTrace(times, numbers(inputs), numbers(outputs), name, _printable(source),
                            prefixes)
    except TraceError as problem:  # a span of more than 106 days, a name that is no text
        raise table.located(problem) from None


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text).strip()


def numbers(column: array[Any]) -> npt.NDArray[Any]:
    """The column as an array."""
    return np.frombuffer(column, dtype=np.dtype(column.typecode))
