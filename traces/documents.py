"""`DocumentTrace`: queries of a retrieval system, and the documents that each of them fetches.

One row a query, in order of arrival: seconds from the start, tokens of the query, and the documents
retrieved for it, best first, each with an id and its length in tokens. An id has one length
throughout. What it leaves out: texts, scores, how the index found them, documents that change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import (
    Arrivals,
    check_arrivals,
    check_count,
    check_name,
    check_range,
    first_bad,
    head_of,
    set_columns,
    statistics,
)
from rackwright.traces.requests import MAX_TOKENS

__all__ = ["MAX_DOCUMENT", "DocumentTrace"]

MAX_DOCUMENT = (1 << 31) - 1  # our bound on ids

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DocumentTrace(Arrivals):
    """Queries in order of arrival; read-only columns.

    `arrival_time`: float64 seconds, shape (n,), n >= 1, never going back. `query_tokens`: int64,
    (n,). Query i fetches ``document[offsets[i]:offsets[i + 1]]``, at least one, all different;
    `document` (ids, 0 to 2**31 - 1) and `document_tokens` are int64 of shape (offsets[-1],).
    `name`, `source`: one line each. Columns are copied, and checked: raises TraceError naming the
    first wrong row (from 0).
    """

    ROWS = "documents"
    COLUMNS = ("arrival_time", "query_tokens", "offsets", "document", "document_tokens")

    arrival_time: npt.NDArray[np.float64]
    query_tokens: Ints
    offsets: Ints
    document: Ints
    document_tokens: Ints
    name: str = "documents"
    source: str = ""

    def __post_init__(self) -> None:
        set_columns(self, np.float64, "arrival_time")
        set_columns(self, np.int64, "query_tokens", "offsets", "document", "document_tokens")
        _check_shapes(self)
        _check_rows(self)
        _check_documents(self)
        check_name(self.name, self.source)

    def __repr__(self) -> str:
        return (f"<DocumentTrace {self.name!r}: {len(self)} queries, {len(self.document)} "
                f"documents fetched, {self.span_time:.6g} s>")

    def first(self, count: int) -> DocumentTrace:
        """The first `count` queries (all of them when there are fewer). Raises UsageError."""
        check_count(count, "queries")
        count = min(count, len(self))
        end = int(self.offsets[count])
        return DocumentTrace(self.arrival_time[:count], self.query_tokens[:count],
                             self.offsets[:count + 1], self.document[:end],
                             self.document_tokens[:end], self.name, self.source)

    @property
    def counts(self) -> Ints:
        """Documents of each query."""
        return np.diff(self.offsets)

    def summary(self) -> dict[str, Any]:
        """Counts, span, rate and statistics as plain numbers (JSON-ready, SI units)."""
        _, times = np.unique(self.document, return_counts=True)
        return {**head_of(self), "queries": len(self), **self._pace(),
                "documents_fetched": len(self.document), "documents": len(times),
                "hottest_share": float(times.max() / len(self.document)),
                "documents_per_query": statistics(self.counts),
                "query_tokens": statistics(self.query_tokens),
                "document_tokens": statistics(self.document_tokens)}


def _check_shapes(trace: DocumentTrace) -> None:
    queries = len(trace.arrival_time)
    if queries == 0:
        raise TraceError("a trace without queries; at least 1 is expected")
    offsets = trace.offsets
    fine = (len(trace.query_tokens) == queries and len(offsets) == queries + 1
            and len(trace.document) == len(trace.document_tokens)
            and offsets[0] == 0 and offsets[-1] == len(trace.document))
    if not fine:
        raise TraceError(f"{queries} arrivals, {len(trace.query_tokens)} queries, {len(offsets)} "
                         f"offsets, {len(trace.document)} ids, {len(trace.document_tokens)} "
                         "lengths do not belong together; offsets run from 0 to the number of ids")


def _check_rows(trace: DocumentTrace) -> None:
    check_arrivals(trace.arrival_time)
    check_range("query_tokens", trace.query_tokens, 1, MAX_TOKENS)
    first_bad(trace.counts >= 1, "documents", trace.counts, "at least 1 document a query")


def _check_documents(trace: DocumentTrace) -> None:
    """Ids and lengths in range, no id twice in a query, one length for each id."""
    rows = np.repeat(np.arange(len(trace)), trace.counts)
    for name, values, low, high in (("document id", trace.document, 0, MAX_DOCUMENT),
                                    ("document_tokens", trace.document_tokens, 1, MAX_TOKENS)):
        good = (values >= low) & (values <= high)
        if not good.all():
            at = int(np.argmin(good))
            raise TraceError(f"row {rows[at]}: {name} {values[at]}; expected {low} to {high}")
    order = np.lexsort((trace.document, rows))
    twice = (rows[order][1:] == rows[order][:-1]) \
        & (trace.document[order][1:] == trace.document[order][:-1])
    if twice.any():
        at = order[int(np.argmax(twice))]
        raise TraceError(f"row {rows[at]}: document {trace.document[at]} comes twice; expected "
                         "different documents")
    _, first, back = np.unique(trace.document, return_index=True, return_inverse=True)
    odd = trace.document_tokens != trace.document_tokens[first][back]
    if odd.any():
        at = int(np.argmax(odd))
        raise TraceError(
            f"row {rows[at]}: document {trace.document[at]} has {trace.document_tokens[at]} "
            f"tokens; it had {trace.document_tokens[first][back][at]} before, and a document "
            "has one length")
