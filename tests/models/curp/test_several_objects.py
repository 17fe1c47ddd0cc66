"""Updates of several keys at once, in time: bytes, records, conflicts, garbage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.models.curp.master import END
from rackwright.traces import OperationTrace, generate_operations

NBYTES, KEY = 100, 30


def updates(rows: list[tuple[int, int]]) -> OperationTrace:
    """Updates of (first key, keys), one after the other."""
    keys, objects = (np.array(column) for column in zip(*rows, strict=True))
    count = len(rows)
    return OperationTrace(np.zeros(count), np.ones(count, np.int64), keys,
                          np.full(count, NBYTES), objects)


def test_bytes_and_log_entries(run: Any) -> None:
    one, four = (run(updates([(10 * at, objects) for at in range(100)]), clients=1, replicas=1,
                     batch=4096) for objects in (1, 4))
    assert four.state.master.counts[END] == 4 * one.state.master.counts[END] == 400
    more = 3 * (NBYTES + KEY) * 2      # in the request and in its record
    assert (four.metrics["bytes_per_update"] - one.metrics["bytes_per_update"]
            == pytest.approx(more))
    assert four.metrics["updates"] == 100
    assert int(four.state.witnesses.valid.sum()) == 400


@pytest.mark.parametrize(("rows", "trips"), [
    ([(0, 2), (2, 2)], [1, 1]), ([(0, 2), (1, 2)], [1, 2]), ([(3, 1), (0, 4)], [1, 2])])
def test_one_common_key_is_a_conflict(run: Any, rows: list[tuple[int, int]],
                                      trips: list[int]) -> None:
    found = run(updates(rows), clients=1)
    assert found.state.ops.trips.tolist() == trips
    assert found.metrics["record_reject_share"] == (0.5 if trips[1] == 2 else 0)


def test_every_entry_is_collected(run: Any) -> None:
    trace = generate_operations("a", 8000, keys=5000, theta=0.6, seed=6, update_objects=5)
    found = run(trace, clients=10, batch=20)
    assert found.metrics["operations_finished"] == 8000
    left, unsynced = int(found.state.witnesses.valid.sum()), 3 * 5 * 40
    assert left <= unsynced


def test_more_objects_conflict_more(run: Any) -> None:
    shares = [run(generate_operations("a", 5000, keys=5000, theta=0.6, seed=6,
                                      update_objects=objects), clients=10).metrics["conflict_share"]
              for objects in (1, 4, 16)]
    assert shares == sorted(shares) and shares[2] > 2 * shares[0]


def test_too_many_objects_only_slow_it_down(run: Any) -> None:
    """Ten keys do not fit four slots: every record is refused whole."""
    found = run(updates([(10 * at, 10) for at in range(50)]), clients=2, witness_sets=2,
                witness_ways=2)
    assert found.metrics["record_reject_share"] == 1
    assert found.metrics["operations_finished"] == 50
    assert found.state.witnesses.valid.sum() == 0
