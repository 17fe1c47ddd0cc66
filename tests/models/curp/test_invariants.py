"""Invariants of the timed replay, checked after every event or at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rackwright.models.curp.codes import RECORDS, REJECTS
from rackwright.models.curp.master import END, IDLE, SYNC_TO, SYNCED
from rackwright.traces import OperationTrace, generate_operations

VARIANTS = ("curp", "unreplicated", "original", "asynchronous")


def check(state: Any) -> None:
    counts, ws = state.master.counts, state.witnesses
    assert counts[SYNCED] <= counts[END]
    assert counts[SYNC_TO] == IDLE or counts[SYNCED] < counts[SYNC_TO] <= counts[END]
    assert (state.server.free_ps >= 0).all() and (state.server.answers >= 0).all()
    assert state.jobs.head[0] <= state.jobs.tail[0] <= state.jobs.head[0] + state.jobs.kind.shape[1]
    for which in range(state.fixed.witnesses):    # records that a witness holds commute
        held = ws.key_hash[which][ws.valid[which] == 1]
        assert len(np.unique(held)) == len(held)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_event(run: Any, variant: str) -> None:
    trace = generate_operations("f", 300, keys=30, theta=0.9, seed=2)
    found = run(trace, check=check, variant=variant, clients=6, witness_sets=4, witness_ways=2,
                batch=8)
    assert found.metrics["operations_finished"] == 300


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("load", ["closed", "paced", "trace"])
def test_everything_is_done_once(run: Any, skewed: OperationTrace, variant: str, load: str) -> None:
    found = run(skewed, variant=variant, load=load, rate=200_000.0)
    ops, m = found.state.ops, found.state.master
    assert (ops.finish_ps > ops.start_ps).all() and (ops.start_ps >= 0).all()
    assert (ops.client >= 0).all()
    assert m.counts[END] == np.count_nonzero(ops.kind == 1)   # each update executed once
    assert found.metrics["updates"] == m.counts[END]
    if load == "trace":
        assert (ops.start_ps >= ops.due_ps).all()
    for client in range(found.state.fixed.clients):    # one operation at a time
        mine = np.flatnonzero(ops.client == client)
        assert (ops.start_ps[mine][1:] >= ops.finish_ps[mine][:-1]).all()


def test_at_most_three_round_trips(run: Any, skewed: OperationTrace) -> None:
    found = run(skewed, clients=20, witness_sets=16, witness_ways=1)
    assert set(np.unique(found.state.ops.trips).tolist()) == {1, 2, 3}
    assert found.metrics["sync_asked_share"] > 0.05


def test_full_witnesses_only_slow_it_down(run: Any, writes: OperationTrace) -> None:
    small = run(writes, clients=10, witness_sets=2, witness_ways=1)
    large = run(writes, clients=10)
    assert small.metrics["fast_path_share"] < 0.5 < 0.99 < large.metrics["fast_path_share"]
    assert small.metrics["operations_finished"] == large.metrics["operations_finished"]
    assert small.metrics["record_reject_share"] > 0.3


def test_witnesses_keep_only_what_is_not_collected(run: Any, skewed: OperationTrace) -> None:
    found = run(skewed, clients=10)
    number, ws = found.state.counts.number, found.state.witnesses
    left = int(ws.valid.sum())
    accepted = int(number[RECORDS] - number[REJECTS])
    assert left < accepted and left <= 3 * 4096
    unsynced = int(found.state.master.counts[END] - found.state.master.counts[SYNCED])
    # what is left: unsynced, or its gc was still on its way when the last client was answered
    assert left <= 3 * (unsynced + 2 * 50)


def test_stale_entries_are_collected_in_the_end(run: Any) -> None:
    """A record that comes after the gc of its update stays, until it is in the way."""
    trace = generate_operations("writes", 20_000, keys=300, theta=0.5, seed=5)
    found = run(trace, clients=30, batch=1, record_time="1.3us", witness_sets=64)
    assert found.metrics["stale_retries"] > 0
    assert found.metrics["operations_finished"] == 20_000


def test_reads_never_touch_witnesses(run: Any) -> None:
    trace = generate_operations("c", 500, keys=100, seed=1)
    found = run(trace, clients=3)
    assert found.state.counts.number[RECORDS] == 0
    assert "fast_path_share" in found.outcome.undefined


def test_slices_and_repeats_give_the_same(run: Any, skewed: OperationTrace) -> None:
    whole = run(skewed).outcome.metrics
    assert run(skewed, max_events=7).outcome.metrics == whole
    assert run(skewed).outcome.metrics == whole


SCRIPT = """
from rackwright import topologies
from rackwright.models.curp import MODEL, CurpOptions, replay
from rackwright.models.curp.schedules import run_schedules
from rackwright.traces import generate_operations
fabric = topologies.compile(topologies.preset(MODEL.sample_topology))
for variant in ("curp", "original"):
    trace = generate_operations("f", 60, keys=20, theta=0.9, seed=2)
    options = CurpOptions.from_settings({"variant": variant, "clients": 8, "batch": 5,
                                         "witness_sets": 4})
    print(sorted(replay(fabric, trace, options).metrics.items()))
print(run_schedules(6, replicas=2), run_schedules(3, broken=["no_rifl"]))
"""


@pytest.mark.slow
def test_interpreter_gives_the_same_bytes() -> None:
    def printed(disabled: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled})
        return done.stdout

    assert printed("1") == printed("0")
