"""Limit cases and closed forms of the timed replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.models.curp.costs import costs
from rackwright.models.curp.options import CurpOptions
from rackwright.traces import OperationTrace

PS = 1e-12


def one_key(count: int = 200) -> OperationTrace:
    zeros = np.zeros(count, np.int64)
    return OperationTrace(np.zeros(count), zeros + 1, zeros, zeros + 100, zeros + 1)


def test_without_replicas_it_is_unreplicated(run: Any, writes: OperationTrace) -> None:
    alone = run(writes, replicas=0, clients=5).state.ops.finish_ps
    plain = run(writes, variant="unreplicated", clients=5).state.ops.finish_ps
    assert alone.tolist() == plain.tolist()


def test_batch_of_one_and_one_key_is_synchronous(run: Any) -> None:
    """Every update meets the last one, which is unsynced or was just synced; then it waits too."""
    synchronous = run(one_key(), variant="original", clients=1).metrics["latency_write_p50_s"]
    curp = run(one_key(), batch=1, clients=1)
    assert curp.metrics["fast_path_share"] < 0.6    # syncs overlap the client's way back
    slow = [float(finish - start) * PS for finish, start, trips in
            zip(curp.state.ops.finish_ps, curp.state.ops.start_ps, curp.state.ops.trips,
                strict=True) if trips > 1]
    assert min(slow) > 0.8 * synchronous
    assert curp.metrics["sync_batch_mean"] == 1


def test_latency_adds_up(run: Any, writes: OperationTrace) -> None:
    """An unreplicated write: client, four links and switches, dispatch, worker."""
    found = run(writes, variant="unreplicated", clients=1)
    ports, paths, fixed = found.made.state.ports, found.made.state.paths, found.made.state.fixed
    there, back = (1, 0), (0, 1)
    wires = 0
    for way, nbytes in ((there, fixed.request_bytes + 100), (back, fixed.answer_bytes)):
        wires += int(ports.latency_ps[paths.first[way]] + ports.latency_ps[paths.last[way]]
                     + paths.middle_ps[way] + nbytes * paths.ps_per_byte[way])
    software = sum(getattr(costs(CurpOptions()), name)
                   for name in ("client_time", "dispatch_time", "write_time"))
    measured = found.metrics["latency_write_p50_s"]
    assert measured == pytest.approx(software + wires * PS, abs=5e-12)


@pytest.mark.parametrize(("variant", "copies"), [
    ("unreplicated", 1), ("original", 4), ("asynchronous", 4), ("curp", 7)])
def test_copies(run: Any, writes: OperationTrace, variant: str, copies: int) -> None:
    assert run(writes, variant=variant, clients=4).metrics["copies_per_update"] == copies


def test_dispatch_bound_throughput(run: Any, writes: OperationTrace) -> None:
    """Asynchronous: c0 + f w / batch on the dispatch thread, by the affine costs."""
    chosen = costs(CurpOptions())
    found = run(writes, variant="asynchronous", clients=30).metrics
    per_update = chosen.dispatch_time + 3 * chosen.backup_rpc_time / 50
    assert found["throughput_steady_ops_per_s"] == pytest.approx(1 / per_update, rel=0.01)
    assert found["sync_batch_mean"] == pytest.approx(50, abs=1)


def test_workers_bound_the_original(run: Any, writes: OperationTrace) -> None:
    """One sync at a time: of W workers, one and then the others go with it, W updates in two."""
    found = [run(writes, variant="original", clients=30, workers=workers).metrics
             for workers in (1, 2, 3, 4)]
    assert [one["sync_batch_mean"] for one in found] == pytest.approx([1, 1, 1.5, 2], rel=0.01)
    rates = [one["throughput_steady_ops_per_s"] for one in found]
    assert rates[2] == pytest.approx(1.5 * rates[1], rel=0.02)
    assert rates[3] == pytest.approx(2 * rates[1], rel=0.02)


def test_a_smaller_batch_costs_throughput(run: Any, writes: OperationTrace) -> None:
    rates = [run(writes, batch=batch, clients=30).metrics["throughput_steady_ops_per_s"]
             for batch in (4, 20, 50, 200)]
    assert rates == sorted(rates)


def test_nic_witness_frees_the_witness_not_the_median(run: Any, writes: OperationTrace) -> None:
    """The master's answer comes later than a witness's, so the client gains nothing."""
    host, nic = (run(writes, witness=place, clients=20) for place in ("host", "nic"))
    assert nic.metrics["latency_write_p50_s"] == pytest.approx(
        host.metrics["latency_write_p50_s"], rel=0.02)
    busy = [max(share for name, share in found.outcome.device_utilisation.items()
                if name.startswith("witness")) for found in (host, nic)]
    assert busy[1] < busy[0] / 50
    assert nic.outcome.tables and not host.outcome.tables


def test_slow_witness_is_felt(run: Any, writes: OperationTrace) -> None:
    slow = run(writes, record_time="20us", clients=1, send_time="0s")
    usual = run(writes, clients=1, send_time="0s")
    assert slow.metrics["latency_write_p50_s"] > usual.metrics["latency_write_p50_s"] + 15e-6


def test_hot_key_syncs_early(run: Any, skewed: OperationTrace) -> None:
    plain, early = (run(skewed, hot_key=hot, clients=10) for hot in (False, True))
    assert early.metrics["sync_batch_mean"] < plain.metrics["sync_batch_mean"]
    assert early.metrics["conflict_share"] < plain.metrics["conflict_share"]
