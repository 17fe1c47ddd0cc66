"""Seeded generator of document traces: Poisson queries, documents by Zipf's law.

Document i of a corpus has a chance proportional to ``(i + 1) ** -skew``, so ids are ranks; 0 is
uniform. A query draws its documents one after the other without repeating one. Lengths are uniform
and belong to the document. Arrivals, documents, lengths of documents and of queries draw from
streams of their own: changing one law leaves the others as they are.

**Popularity and lengths are stand-ins of ours**: what retrieval systems fetch is not published.
What it leaves out: queries that resemble one another, popularity that moves, bursts.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.traces.documents import MAX_DOCUMENT, DocumentTrace
from rackwright.traces.lengths import Uniform

__all__ = ["generate_documents", "zipf_shares"]

_MOST = 50_000_000  # documents fetched: 400 MB a column
_TRIES = 64         # rounds of drawing again what came twice, before the exact way

Ints = npt.NDArray[np.int64]


def zipf_shares(documents: int, skew: float) -> npt.NDArray[np.float64]:
    """Chance of each of `documents` in one draw; sums to 1. Raises UsageError."""
    if not 1 <= documents <= MAX_DOCUMENT:
        raise UsageError(f"documents = {documents}: expected 1 to {MAX_DOCUMENT}")
    if not 0 <= skew <= 8:
        raise UsageError(f"skew = {skew}: expected 0 (uniform) to 8")
    weights = np.arange(1, documents + 1, dtype=np.float64) ** -skew
    return np.asarray(weights / weights.sum(), np.float64)


def generate_documents(
    rate_per_s: float,
    queries: int,
    documents: int = 100_000,
    per_query: int = 50,
    skew: float = 0.9,
    document_tokens: Uniform | None = None,
    query_tokens: Uniform | None = None,
    seed: int = 0,
    name: str = "zipf",
) -> DocumentTrace:
    """`queries` Poisson queries at `rate_per_s`, `per_query` of `documents` documents each.

    Lengths are uniform: documents 128 to 512 tokens, queries 24 to 64 unless told. The trace's
    `source` states every parameter. Raises UsageError on what cannot be generated.
    """
    lengths = document_tokens or Uniform(128, 512)
    asked = query_tokens or Uniform(24, 64)
    if not 0 < rate_per_s < math.inf:
        raise UsageError(f"rate_per_s = {rate_per_s}: expected a finite rate above 0")
    if not 1 <= per_query <= documents:
        raise UsageError(f"per_query = {per_query}: expected 1 to documents = {documents}")
    if queries < 1 or queries * per_query > _MOST:
        raise UsageError(f"{queries} queries of {per_query} documents: expected 1 to {_MOST} in "
                         "all")
    if seed < 0:
        raise UsageError(f"seed = {seed}: expected a whole number from 0")
    arrivals, drawn, long, query = (np.random.default_rng(child)
                                    for child in np.random.SeedSequence(seed).spawn(4))
    found = _draw(zipf_shares(documents, skew), queries, per_query, drawn)
    of_each = long.integers(lengths.low, lengths.high, documents, endpoint=True)
    return DocumentTrace(
        np.cumsum(arrivals.standard_exponential(queries) / rate_per_s),
        query.integers(asked.low, asked.high, queries, endpoint=True),
        np.arange(queries + 1, dtype=np.int64) * per_query, found.reshape(-1),
        of_each[found.reshape(-1)], name,
        f"generate_documents: Poisson {float(rate_per_s)!r} queries/s, {queries} queries; "
        f"{per_query} of {documents} documents each, Zipf {float(skew)!r} (stand-in); document "
        f"uniform {lengths}, query uniform {asked} tokens (stand-ins); seed {seed}")


def _draw(shares: npt.NDArray[np.float64], queries: int, per_query: int,
          stream: np.random.Generator) -> Ints:
    """Rows of different documents; what came twice in a row is drawn again."""
    edges = np.cumsum(shares)
    edges[-1] = 1.0  # rounding must not let a draw fall beyond the last document
    rows = np.searchsorted(edges, stream.random((queries, per_query)), side="right")
    for _ in range(_TRIES):
        again = _repeats(rows)
        if not again.any():
            return rows.astype(np.int64)
        rows[again] = np.searchsorted(edges, stream.random(int(again.sum())), side="right")
    for row in np.flatnonzero(_repeats(rows).any(axis=1)):  # nearly the whole corpus is asked for
        rows[row] = stream.choice(len(shares), per_query, replace=False, p=shares)
    return rows.astype(np.int64)


def _repeats(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """True for every entry that stands further left in its row already."""
    order = np.argsort(rows, axis=1, kind="stable")
    ranked = np.take_along_axis(rows, order, axis=1)
    twice = np.zeros(rows.shape, np.bool_)
    same = np.concatenate([np.zeros((len(rows), 1), np.bool_), ranked[:, 1:] == ranked[:, :-1]],
                          axis=1)
    np.put_along_axis(twice, order, same, axis=1)
    return twice
