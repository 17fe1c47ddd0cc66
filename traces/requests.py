"""`RequestTrace`: when requests arrive, how long their prompts and their answers are.

One row a request, in order of arrival: seconds from the start of the trace, prompt tokens,
answer tokens; optionally which prompts begin alike (`PrefixBlocks`). What it leaves out: what the
tokens are, sessions, failed requests (a request without an answer has no place in a replay and is
refused).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError, UsageError
from rackwright.traces.checked_columns import column_of, statistics
from rackwright.traces.prefixes import PrefixBlocks
from rackwright.units import MAX_TIME

__all__ = ["MAX_TOKENS", "RequestTrace"]

MAX_TOKENS = 10_000_000  # our bound: far above any context window, below any misread time stamp


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """Requests in order of arrival; read-only columns of one length n >= 1.

    `arrival_time`: float64 seconds, 0 to 106 days, never going back. `input_tokens` and
    `output_tokens`: int64, 1 to MAX_TOKENS. `name` and `source`: one line each, for people.
    `prefixes`: the blocks that prompts share, at most as many as a prompt has; None: not known.
    Columns are copied, and checked: raises TraceError naming the first wrong row (from 0).
    """

    arrival_time: npt.NDArray[np.float64]
    input_tokens: npt.NDArray[np.int64]
    output_tokens: npt.NDArray[np.int64]
    name: str = "requests"
    source: str = ""
    prefixes: PrefixBlocks | None = None

    def __post_init__(self) -> None:
        times = column_of("arrival_time", self.arrival_time, np.float64)
        object.__setattr__(self, "arrival_time", times)
        for column in ("input_tokens", "output_tokens"):
            object.__setattr__(self, column, column_of(column, getattr(self, column), np.int64))
        _check_lengths(self)
        _check_times(times)
        _check_tokens("input_tokens", self.input_tokens)
        _check_tokens("output_tokens", self.output_tokens)
        if self.prefixes is not None:
            _check_prefixes(self, self.prefixes)
        if not self.name:
            raise TraceError("the name of a trace is empty; give one")
        for text in (self.name, self.source):
            if not text.isprintable() or text != text.strip():
                raise TraceError(f"name or source of a trace: {text!r} is not one line of text "
                                 "without blanks at its ends")

    def __len__(self) -> int:
        return len(self.arrival_time)

    def __repr__(self) -> str:
        return f"<RequestTrace {self.name!r}: {len(self)} requests, {self.span_time:.6g} s>"

    def first(self, count: int) -> RequestTrace:
        """The first `count` requests (all of them when there are fewer). Raises UsageError."""
        if count < 1:
            raise UsageError(f"the first {count} requests: at least 1 is needed")
        return self.rows(slice(count))

    def rows(self, wanted: slice) -> RequestTrace:
        """Some of the requests, in order; at least one."""
        prefixes = None if self.prefixes is None else self.prefixes.rows(wanted)
        return RequestTrace(self.arrival_time[wanted], self.input_tokens[wanted],
                            self.output_tokens[wanted], self.name, self.source, prefixes)

    @property
    def span_time(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_time[-1] - self.arrival_time[0])

    @property
    def rate_per_s(self) -> float | None:
        """Mean arrivals/s: gaps over span; None when all requests arrive at once."""
        return (len(self) - 1) / self.span_time if self.span_time > 0 else None

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the columns, prefixes included; name and source do not count."""
        digest = hashlib.sha256(f"requests 1 {len(self)}\n".encode())
        digest.update(self.arrival_time.astype("<f8").tobytes())
        digest.update(self.input_tokens.astype("<i8").tobytes())
        digest.update(self.output_tokens.astype("<i8").tobytes())
        if self.prefixes is not None:
            digest.update(f"prefixes {self.prefixes.block_tokens}\n".encode())
            digest.update(self.prefixes.offsets.astype("<i8").tobytes())
            digest.update(self.prefixes.ids.astype("<i8").tobytes())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """Counts, span, rate and token statistics as plain numbers (JSON-ready, SI units)."""
        rate = {} if self.rate_per_s is None else {"rate_per_s": self.rate_per_s}
        return {"name": self.name, "source": self.source, "content_hash": self.content_hash,
                "requests": len(self), "span_time": self.span_time, **rate,
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


def _check_tokens(name: str, tokens: npt.NDArray[np.int64]) -> None:
    good = (tokens >= 1) & (tokens <= MAX_TOKENS)
    if not good.all():
        row = int(np.argmin(good))
        raise TraceError(f"row {row}: {name} {tokens[row]}; expected 1 to {MAX_TOKENS}")
