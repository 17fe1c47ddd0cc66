"""Metrics of a replay written down by hand: what each one counts, and why some have no value."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.models.serving.metrics import serving_metrics
from rackwright.models.serving.requests import (
    Admission,
    Requests,
    admit_one,
    new_admission,
    new_requests,
    token_out,
)
from rackwright.models.serving.snapshots import Snapshots, new_snapshots, take_snapshots

MS = 10**9
Tokens = list[tuple[int, int]]   # (ms, request) in order of time


def lived(arrivals: list[int], outputs: list[int], tokens: Tokens
          ) -> tuple[Requests, Admission, Snapshots]:
    """Requests admitted as they arrive (ms), with a token each time that `tokens` says."""
    requests = new_requests(np.array(arrivals) * MS, np.ones(len(arrivals), np.int64),
                            np.array(outputs), 16)
    admission = new_admission(np.array([1000]))
    snapshots = new_snapshots(arrivals[0] * MS, arrivals[-1] * MS, 1, 1)
    nothing = np.zeros(1, np.int64)
    events = sorted([(time, 0, -1) for time in arrivals] + [(time, 1, r) for time, r in tokens])
    for time, _, r in events:
        take_snapshots(snapshots, time * MS, admission, nothing, nothing)
        if r < 0:
            admission.arrived[0] += 1
            admit_one(requests, admission, 1000, time * MS)
        else:
            token_out(requests, admission, r, time * MS)
    return requests, admission, snapshots


def test_two_requests_by_hand() -> None:
    made = lived([10, 20], [3, 2], [(40, 0), (50, 1), (60, 0), (65, 1), (90, 0)])
    metrics, undefined, window = serving_metrics(*made, 90 * MS)
    assert metrics["requests"] == metrics["requests_finished"] == 2.0
    assert metrics["tokens"] == 5.0
    assert metrics["makespan_s"] == pytest.approx(0.080)
    assert metrics["throughput_tokens_per_s"] == pytest.approx(5 / 0.080)
    # 20 and 30 ms in the first request, 15 in the second; first tokens are not among them
    assert metrics["itl_mean_s"] == pytest.approx(65e-3 / 3, rel=1e-12)
    assert metrics["itl_p50_s"] == pytest.approx(20e-3, rel=0.004)
    assert metrics["itl_p99_s"] == pytest.approx(30e-3, rel=0.004)
    assert metrics["ttft_mean_s"] == pytest.approx(30e-3)
    assert metrics["latency_p50_s"] == pytest.approx(45e-3)
    assert metrics["latency_p99_s"] == pytest.approx(80e-3)
    assert metrics["admission_wait_mean_s"] == 0.0
    assert window is None
    assert "the ramp" in undefined["throughput_steady_tokens_per_s"]
    assert undefined["stable"] == undefined["overloaded"]


def test_a_metric_has_a_value_or_a_reason() -> None:
    made = lived([0, 10], [1, 1], [(5, 0), (15, 1)])
    metrics, undefined, _ = serving_metrics(*made, 15 * MS)
    assert not set(metrics) & set(undefined)
    assert undefined["itl_mean_s"] == undefined["itl_p99_s"] == "no request had a second token"
    assert all(np.isfinite(value) for value in metrics.values())


def test_an_interrupted_replay_counts_what_it_has() -> None:
    """One request has its first token, the other not even that."""
    made = lived([0, 4], [9, 9], [(6, 0)])
    metrics, undefined, _ = serving_metrics(*made, 6 * MS)
    assert metrics["requests_finished"] == 0.0 and metrics["tokens"] == 1.0
    assert metrics["ttft_p99_s"] == pytest.approx(6e-3)
    assert undefined["latency_mean_s"] == "no request got that far"


def test_a_steady_stream_is_steady() -> None:
    """A request every 10 ms, 4 tokens 5 ms apart: 400 tokens/s, 2 requests inside."""
    arrivals = [10 * i for i in range(129)]
    tokens = [(time + 5 * k, r) for r, time in enumerate(arrivals) for k in (1, 2, 3, 4)]
    made = lived(arrivals, [4] * 129, sorted(tokens))
    metrics, undefined, window = serving_metrics(*made, (1280 + 20) * MS)
    assert window is not None and "stable" not in undefined
    # events at the time of a snapshot come after it: one request's worth of doubt
    assert metrics["throughput_steady_tokens_per_s"] == pytest.approx(400.0, rel=0.01)
    assert metrics["throughput_middle_tokens_per_s"] == pytest.approx(400.0, rel=0.01)
    assert metrics["arrived_steady_per_s"] == pytest.approx(100.0, rel=0.01)
    assert (metrics["stable"], metrics["overloaded"]) == (1.0, 0.0)
    assert metrics["itl_mean_s"] == metrics["ttft_mean_s"] == pytest.approx(5e-3)
