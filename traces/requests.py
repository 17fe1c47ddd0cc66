"""`RequestTrace`: when requests arrive, how long their prompts and their answers are.

One row a request, in order of arrival: seconds from the start of the trace, prompt tokens,
answer tokens; optionally which prompts begin alike (`PrefixBlocks`). What it leaves out: what the
tokens are, sessions, failed requests (a request without an answer has no place in a replay and is
refused).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import (
    Arrivals,
    check_count,
    check_name,
    check_range,
    head_of,
    set_columns,
    statistics,
)
from rackwright.traces.prefixes import PrefixBlocks
from rackwright.units import MAX_TIME

__all__ = ["MAX_TOKENS", "RequestTrace"]

MAX_TOKENS = 10_000_000  # our bound: far above any context window, below any misread time stamp


@dataclass(frozen=True, eq=False)
class RequestTrace(Arrivals):
    """Requests in order of arrival; read-only columns of one length n >= 1.

    `arrival_time`: float64 seconds, 0 to 106 days, never going back. `input_tokens` and
    `output_tokens`: int64, 1 to MAX_TOKENS. `name` and `source`: one line each, for people.
    `prefixes`: the blocks that prompts share, at most as many as a prompt has; None: not known.
    Columns are copied, and checked: raises TraceError naming the first wrong row (from 0).
    """

    ROWS = "requests"
    COLUMNS = ("arrival_time", "input_tokens", "output_tokens")

    ROWS = "requests"
    COLUMNS = ("arrival_time", "input_tokens", "output_tokens")

    arrival_time: npt.NDArray[np.float64]
    input_tokens: npt.NDArray[np.int64]
    output_tokens: npt.NDArray[np.int64]
    name: str = "requests"
    source: str = ""
    prefixes: PrefixBlocks | None = None

    def __post_init__(self) -> None:
        set_columns(self, np.float64, "arrival_time")
        set_columns(self, np.int64, "input_tokens", "output_tokens")
        _check_lengths(self)
        _check_times(self.arrival_time)
        check_range("input_tokens", self.input_tokens, 1, MAX_TOKENS)
        check_range("output_tokens", self.output_tokens, 1, MAX_TOKENS)
        if self.prefixes is not None:
            _check_prefixes(self, self.prefixes)
        check_name(self.name, self.source)

    def __repr__(self) -> str:
        return f"<RequestTrace {self.name!r}: {len(self)} requests, {self.span_time:.6g} s>"

    def first(self, count: int) -> RequestTrace:
        """The first `count` requests (all of them when there are fewer). Raises UsageError."""
        check_count(count, self.ROWS)
        return self.rows(slice(count))

    def rows(self, wanted: slice) -> RequestTrace:
        """Some of the requests, in order; at least one."""
        prefixes = None if self.prefixes is None else self.prefixes.rows(wanted)
        return RequestTrace(self.arrival_time[wanted], self.input_tokens[wanted],
                            self.output_tokens[wanted], self.name, self.source, prefixes)

    def _hashed(self) -> tuple[npt.NDArray[Any] | str, ...]:
        shared = () if self.prefixes is None else (
            f"prefixes {self.prefixes.block_tokens}\n", self.prefixes.offsets, self.prefixes.ids)
        return (*super()._hashed(), *shared)

    def summary(self) -> dict[str, Any]:
        """Counts, span, rate and token statistics as plain numbers (JSON-ready, SI units)."""
        return {**head_of(self), "requests": len(self), **self._pace(),
                "input_tokens": statistics(self.input_tokens),
                "output_tokens": statistics(self.output_tokens), **self._prefix_summary()}

    def _prefix_summary(self) -> dict[str, Any]:
        """How much of the prompts an earlier request has had, were everything kept."""
        if self.prefixes is None:
            return {}
        found, size = self.prefixes, self.prefixes.block_tokens
        first = np.zeros(len(found.ids), np.bool_)
        first[np.unique(found.ids, return_index=True)[1]] = True
        at = np.arange(len(found.ids)) - np.repeat(found.offsets[:-1], found.counts)
        left = np.repeat(self.input_tokens, found.counts) - size * at
        again = int(np.minimum(left, size)[~first].sum())
        return {"prefix_block_tokens": size, "prefix_blocks": len(np.unique(found.ids)),
                "prefix_repeated_share": again / int(self.input_tokens.sum())}


def _check_lengths(trace: RequestTrace) -> None:
    lengths = {len(trace.arrival_time), len(trace.input_tokens), len(trace.output_tokens)}
    if len(lengths) > 1:
        raise TraceError(f"the columns have different lengths {sorted(lengths)}; expected one")
    if lengths == {0}:
        raise TraceError("a trace without requests; at least 1 is expected")


def _check_prefixes(trace: RequestTrace, prefixes: PrefixBlocks) -> None:
    if len(prefixes) != len(trace):
        raise TraceError(f"prefix blocks of {len(prefixes)} requests for {len(trace)} requests")
    most = -(-trace.input_tokens // prefixes.block_tokens)
    if (prefixes.counts > most).any():
        row = int(np.argmax(prefixes.counts > most))
        raise TraceError(f"row {row}: {prefixes.counts[row]} prefix blocks of "
                         f"{prefixes.block_tokens} tokens in a prompt of "
                         f"{trace.input_tokens[row]}; at most {most[row]}")


def _check_times(times: npt.NDArray[np.float64]) -> None:
    good = (times >= 0) & (times <= MAX_TIME)  # false for nan
    if not good.all():
        row = int(np.argmin(good))
        raise TraceError(f"row {row}: arrival_time {times[row]} s; expected 0 to {MAX_TIME:.0f} s")
    back = times[1:] < times[:-1]
    if back.any():
        row = int(np.argmax(back)) + 1
        raise TraceError(f"row {row}: arrival_time {times[row]} s is before the row above it "
                         f"({times[row - 1]} s); sort the rows by arrival")
