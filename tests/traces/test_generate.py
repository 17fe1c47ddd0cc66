"""The generator: Poisson arrivals, laws of lengths, independent streams, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from rackwright.errors import UsageError
from rackwright.traces import (
    MEDIUM,
    REASONABLE,
    SHORT,
    RequestTrace,
    Uniform,
    UniformLengths,
    fitted_lengths,
    generate_requests,
)


def test_arrivals_are_poisson() -> None:
    trace = generate_requests(50.0, count=40_000, seed=7)
    gaps = np.diff(trace.arrival_time, prepend=0.0)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 1e-4
    per_second = np.bincount(trace.arrival_time.astype(int))[:-1]
    assert per_second.var() / per_second.mean() == pytest.approx(1, abs=5 * np.sqrt(2 / 800))
    lag = np.corrcoef(gaps[1:], gaps[:-1])[0, 1]
    assert abs(lag) < 5 / np.sqrt(len(gaps))


def test_the_number_of_arrivals_in_a_duration() -> None:
    counts = [len(generate_requests(20.0, duration_time=20.0, seed=seed)) for seed in range(200)]
    assert np.mean(counts) == pytest.approx(400, abs=5 * np.sqrt(400 / 200))
    assert np.var(counts) == pytest.approx(400, rel=0.5)
    trace = generate_requests(20.0, duration_time=20.0)
    assert trace.arrival_time[-1] < 20.0 and trace.arrival_time[0] > 0


@pytest.mark.parametrize(("law", "low", "high"), [
    (SHORT, (30, 70), (70, 130)), (MEDIUM, (50, 150), (50, 250)),
    (REASONABLE, (100, 300), (100, 500))])
def test_lengths_of_the_published_workloads(law: UniformLengths, low: tuple[int, int],
                                            high: tuple[int, int]) -> None:
    trace = generate_requests(1000.0, count=30_000, lengths=law, seed=1)
    for column, (least, most) in ((trace.input_tokens, low), (trace.output_tokens, high)):
        seen = np.bincount(column, minlength=most + 1)
        assert (column.min(), column.max()) == (least, most)
        assert stats.chisquare(seen[least:]).pvalue > 1e-4
    assert abs(np.corrcoef(trace.input_tokens, trace.output_tokens)[0, 1]) < 5 / np.sqrt(30_000)


def test_default_lengths_are_the_medium_ones() -> None:
    by_default, by_name = (generate_requests(10.0, count=99, lengths=law) for law in (None, MEDIUM))
    assert by_default.content_hash == by_name.content_hash
    only_input = generate_requests(10.0, count=99, input_tokens=Uniform(7, 7))
    assert set(only_input.input_tokens.tolist()) == {7}
    assert only_input.output_tokens.tolist() == by_name.output_tokens.tolist()


def test_changing_the_lengths_leaves_the_arrivals() -> None:
    base = generate_requests(10.0, count=500, seed=3)
    for law in (SHORT, REASONABLE, fitted_lengths(base)):
        other = generate_requests(10.0, count=500, lengths=law, seed=3)
        assert other.arrival_time.tolist() == base.arrival_time.tolist()
    assert not np.array_equal(
        generate_requests(10.0, count=500, seed=4).arrival_time, base.arrival_time)


def test_a_longer_trace_starts_with_the_shorter_one() -> None:
    long = generate_requests(10.0, count=5000, seed=3)
    for count in (1, 2, 17, 4999):
        assert generate_requests(10.0, count=count, seed=3).content_hash == (
            long.first(count).content_hash)
    lasting = generate_requests(10.0, duration_time=100.0, seed=3)
    assert lasting.content_hash == long.first(len(lasting)).content_hash


def test_twice_the_rate_halves_the_times() -> None:
    slow, fast = (generate_requests(rate, count=100, seed=3) for rate in (10.0, 20.0))
    assert (slow.arrival_time / 2).tolist() == fast.arrival_time.tolist()


def test_fitted_lengths_keep_pairs() -> None:
    pairs = RequestTrace(np.arange(4.0), np.array([10, 20, 30, 30]), np.array([1, 2, 3, 3]))
    trace = generate_requests(10.0, count=20_000, lengths=fitted_lengths(pairs))
    assert (trace.input_tokens == 10 * trace.output_tokens).all()
    seen = np.bincount(trace.output_tokens)[1:]
    assert stats.chisquare(seen, [5000, 5000, 10_000]).pvalue > 1e-4
    assert pairs.content_hash[:12] in trace.source


def test_the_source_names_every_parameter() -> None:
    trace = generate_requests(20, duration_time=1.5, lengths=SHORT, seed=9, name="n")
    assert trace.name == "n"
    assert trace.source == ("generate_requests: Poisson 20.0 requests/s for 1.5s; input uniform "
                            "30-70, output uniform 70-130 tokens; seed 9")


@pytest.mark.parametrize(("arguments", "message"), [
    ({}, "give one of"),
    ({"count": 3, "duration_time": 1.0}, "give one of"),
    ({"count": 0}, "0 requests: expected 1 to"),
    ({"count": 10**12}, "1e.12 requests: expected 1 to"),
    ({"duration_time": 1e7}, "duration_time = 10000000.0"),
    ({"duration_time": 0.0}, "duration_time = 0.0"),
    ({"duration_time": float("nan")}, "duration_time = nan"),
    ({"duration_time": 1e-9}, "no request arrives within 1e-09 s"),
    ({"count": 3, "rate_per_s": 0.0}, "rate_per_s = 0.0"),
    ({"count": 3, "rate_per_s": float("inf")}, "rate_per_s = inf"),
    ({"count": 3, "rate_per_s": float("nan")}, "rate_per_s = nan"),
    ({"count": 3, "rate_per_s": 1e-9}, "3 requests at 1e-09/s take"),
    ({"count": 3, "seed": -1}, "seed = -1"),
    ({"count": 3, "lengths": MEDIUM, "input_tokens": Uniform(1, 2)}, "not both"),
])
def test_what_cannot_be_generated(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        generate_requests(**{"rate_per_s": 10.0, **arguments})


@pytest.mark.parametrize(("low", "high"), [(0, 5), (5, 4), (1, 10_000_001)])
def test_uniform_ranges(low: int, high: int) -> None:
    with pytest.raises(UsageError, match=f"uniform lengths {low}-{high}"):
        Uniform(low, high)
