"""`DocumentTrace` and its generator: what is refused, and what the law of popularity gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import traces
from rackwright.errors import TraceError, UsageError
from rackwright.traces import DocumentTrace, Uniform, generate_documents, zipf_shares

GOOD: dict[str, Any] = {
    "arrival_time": np.array([0.0, 1.5]), "query_tokens": np.array([8, 9]),
    "offsets": np.array([0, 2, 3]), "document": np.array([4, 7, 4]),
    "document_tokens": np.array([100, 200, 100])}


def test_columns_are_copied_and_read_only() -> None:
    given = {name: values.copy() for name, values in GOOD.items()}
    trace = DocumentTrace(**given)
    given["document"][0] = 99
    assert trace.document.tolist() == [4, 7, 4]
    with pytest.raises(ValueError):
        trace.document[0] = 1
    assert trace.counts.tolist() == [2, 1] and len(trace) == 2
    assert trace.first(1).document.tolist() == [4, 7]
    assert trace.first(9).content_hash == trace.content_hash


@pytest.mark.parametrize(("column", "value", "words"), [
    ("arrival_time", [1.0, 0.5], "row 1: arrival_time 0.5; expected no earlier"),
    ("arrival_time", [0.0, float("nan")], "row 1: arrival_time nan"),
    ("query_tokens", [8, 0], "row 1: query_tokens 0; expected 1 to"),
    ("offsets", [0, 3, 3], "row 1: documents 0; expected at least 1"),
    ("offsets", [0, 2, 9], "do not belong together"),
    ("document", [4, 4, 4], "row 0: document 4 comes twice"),
    ("document", [4, -1, 4], "row 0: document id -1"),
    ("document_tokens", [100, 200, 101], "row 1: document 4 has 101 tokens; it had 100"),
    ("document_tokens", [100, 0, 100], "row 0: document_tokens 0"),
])
def test_the_first_wrong_row_is_named(column: str, value: list[Any], words: str) -> None:
    with pytest.raises(TraceError, match=words):
        DocumentTrace(**{**GOOD, column: np.array(value)})


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TraceError, match="column document: float64"):
        DocumentTrace(**{**GOOD, "document": np.array([4.0, 7.0, 4.0])})
    with pytest.raises(TraceError, match="without queries"):
        none = np.array([], np.int64)
        DocumentTrace(np.array([]), none, none, none, none)


def test_same_seed_same_trace_and_streams_are_apart() -> None:
    one, two, other = (generate_documents(5.0, 50, documents=500, per_query=20, seed=seed)
                       for seed in (1, 1, 2))
    assert one.content_hash == two.content_hash != other.content_hash
    longer = generate_documents(5.0, 50, documents=500, per_query=20, seed=1,
                                document_tokens=Uniform(600, 700))
    assert longer.document.tolist() == one.document.tolist()
    assert longer.arrival_time.tolist() == one.arrival_time.tolist()


def test_popularity_sums_to_one_and_zero_skew_is_uniform() -> None:
    assert zipf_shares(1000, 0.9).sum() == pytest.approx(1.0)
    assert np.ptp(zipf_shares(7, 0.0)) == 0.0
    shares = zipf_shares(100, 1.0)
    assert shares[0] / shares[9] == pytest.approx(10.0)


def test_single_draws_follow_the_law() -> None:
    """One document a query: no repeats to avoid, so frequencies are the shares'."""
    trace = generate_documents(1.0, 60_000, documents=20, per_query=1, skew=0.9, seed=3)
    found = np.bincount(trace.document, minlength=20) / 60_000
    assert np.abs(found - zipf_shares(20, 0.9)).max() < 0.006


@pytest.mark.parametrize("per_query", [1, 19, 20])
def test_no_document_twice_even_when_all_are_asked_for(per_query: int) -> None:
    trace = generate_documents(1.0, 30, documents=20, per_query=per_query, skew=2.0, seed=3)
    rows = trace.document.reshape(30, per_query)
    assert all(len(set(row)) == per_query for row in rows.tolist())


@pytest.mark.parametrize(("change", "words"), [
    ({"rate_per_s": 0.0}, "rate_per_s"), ({"per_query": 21}, "per_query = 21"),
    ({"queries": 0}, "0 queries"), ({"skew": -1.0}, "skew = -1"), ({"seed": -1}, "seed = -1"),
    ({"documents": 0, "per_query": 0}, "per_query = 0"),
])
def test_what_cannot_be_generated(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        generate_documents(**{"rate_per_s": 1.0, "queries": 5, "documents": 20, "per_query": 5,
                              **change})


def test_the_sample() -> None:
    trace = traces.sample("documents_zipf")
    assert isinstance(trace, DocumentTrace) and len(trace) == 600
    assert set(trace.counts.tolist()) == {50}
    assert "Zipf 0.9 (stand-in)" in trace.source
    assert trace.summary()["hottest_share"] < 0.03
