"""Jitter of messages: seeded, off by default, felt as the slowest of several draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.models.curp.report import latencies
from rackwright.traces import OperationTrace

MEAN = 2e-6


def test_off_by_default(run: Any, writes: OperationTrace) -> None:
    first, other = (run(writes, clients=3, seed=seed).metrics for seed in (0, 1))
    assert first == other == run(writes, clients=3, jitter="0s").metrics


def test_the_seed_decides(run: Any, writes: OperationTrace) -> None:
    first, again, other = (run(writes, clients=3, jitter="1us", seed=seed).metrics
                           for seed in (1, 1, 2))
    assert first == again != other


def test_a_round_trip_is_two_messages(run: Any, writes: OperationTrace) -> None:
    """Unreplicated, one client: the mean grows by two of the jitter's, the deviation by sqrt 2."""
    calm = latencies(run(writes, clients=1, variant="unreplicated").state)
    found = latencies(run(writes, clients=1, variant="unreplicated", jitter="2us").state)
    assert (found - calm).mean() == pytest.approx(2 * MEAN, rel=0.05)
    assert (found - calm).std() == pytest.approx(np.sqrt(2) * MEAN, rel=0.08)
    assert (found >= calm).all()


def test_more_witnesses_more_to_wait_for(run: Any, writes: OperationTrace) -> None:
    """The slowest of several answers counts, so that each witness adds more than its send."""
    means = [run(writes, clients=1, replicas=replicas, jitter="2us").metrics["latency_write_mean_s"]
             for replicas in (1, 2, 3)]
    assert means[1] - means[0] > 0.3e-6 and means[2] - means[1] > 0.3e-6
