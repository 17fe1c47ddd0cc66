"""Cases small enough to work out by hand, to the picosecond."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.driver import drive
from rackwright.models.aep.barrier import advance_barrier
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.state import grow
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


def message_ps(fabric: Fabric, source: str, target: str, nbytes: int) -> int:
    """An idle path, cut-through: every latency, and the slowest link's transfer once."""
    path = list(fabric.route(source, target))
    latency = int(fabric.links.latency_ps[path].sum())
    return latency + math.ceil(nbytes * 1e12 / float(fabric.links.bandwidth[path].min()))


@pytest.mark.parametrize("message_time", ["0us", "60us"])
def test_one_token_at_a_time_is_a_serial_sum(two_gpus: Fabric, single: RequestTrace,
                                             state_of: Callable[..., Any],
                                             message_time: str) -> None:
    """One request on one GPU of each kind: attention, there, expert, back; 32 times; sampler."""
    state = state_of(two_gpus, single, message_time=message_time)
    end = drive(advance, state, grow=grow)
    fixed = state.fixed
    there = message_ps(two_gpus, "h0/gpu0", "h0/gpu1", 8192) + fixed.message_ps
    back = message_ps(two_gpus, "h0/gpu1", "h0/gpu0", 8192) + fixed.message_ps
    now = 0
    for made in range(4):
        attention = int(table2_ps(fixed.attention, 1, 100 + made))
        now += 32 * (attention + there + int(table1_ps(fixed.expert, 1)) + back)
        now += int(table1_ps(fixed.sampler, 1))
    assert end.requests.finish_ps.tolist() == [now]
    assert end.gpus.steps.tolist() == [4 * 33, 4 * 32]


def test_a_barrier_iteration_is_the_sum_of_its_phases(two_gpus: Fabric, single: RequestTrace,
                                                      state_of: Callable[..., Any]) -> None:
    """One request: its own attention, its expert, and the exchange whenever it is elsewhere."""
    state = state_of(two_gpus, single, policy="ep_ideal")
    end = drive(advance_barrier, state, grow=grow)
    fixed, work = end.fixed, end.work
    attention = sum(int(table2_ps(fixed.attention, 1, 100 + made)) for made in range(4))
    experts = 4 * 32 * int(table1_ps(fixed.expert, 1))
    latency = 4 * 32 * 2 * fixed.exchange_ps
    transfer = int(end.requests.finish_ps[0]) - 32 * attention - experts - latency
    one_way = int(8192 * float(fixed.ps_per_byte.min()) + 1.0)
    # each block crosses twice or not at all
    assert transfer > 0 and transfer % (2 * one_way) == 0
    assert transfer // (2 * one_way) < 4 * 32
    assert work.iterations[0] == 4


def test_barrier_waits_for_the_slowest(dgx: Fabric, busy_trace: RequestTrace,
                                       state_of: Callable[..., Any]) -> None:
    """Service and waiting of all tokens add up to the time that passed, times the running."""
    end = drive(advance_barrier, state_of(dgx, busy_trace, policy="ep_ideal"), grow=grow)
    inside = (end.requests.finish_ps - end.requests.admitted_ps).sum()
    assert end.work.spent.sum() == pytest.approx(float(inside), rel=1e-9)


def test_a_tokens_time_is_accounted_for(dgx: Fabric, busy_trace: RequestTrace,
                                        state_of: Callable[..., Any]) -> None:
    """Queue, service, network and join add up to the requests' time inside, for top-1 and 3."""
    for top_k in (1, 3):
        end = drive(advance, state_of(dgx, busy_trace, top_k=top_k), grow=grow)
        spent = end.gpus.spent
        own = spent[0, 0] + spent[1, 0]
        parts = spent[0, 1] + spent[1, 1] + spent[2].sum() + spent[3, 0]
        inside = float((end.requests.finish_ps - end.requests.admitted_ps).sum())
        assert own + parts / top_k == pytest.approx(inside, rel=1e-9)


def test_the_cap_bounds_the_running_set(dgx: Fabric, busy_trace: RequestTrace,
                                        state_of: Callable[..., Any]) -> None:
    from rackwright.models.serving.snapshots import ACTIVE

    state = state_of(dgx, busy_trace, policy="ep_framework", ep_max_running=7)
    end = drive(advance_barrier, state, grow=grow)
    assert end.snapshots.counts[:, ACTIVE].max() == 7
    assert end.admission.finished[0] == len(busy_trace)
    free = drive(advance_barrier, state_of(dgx, busy_trace, policy="ep_ideal"), grow=grow)
    assert end.control.now_ps[0] > free.control.now_ps[0]


def test_layer_overhead_is_added_to_every_block(dgx: Fabric, single: RequestTrace,
                                                state_of: Callable[..., Any]) -> None:
    ends = [drive(advance_barrier, state_of(dgx, single, policy="ep_framework",
                                            ep_layer_overhead_time=extra), grow=grow)
            for extra in ("0us", "100us")]
    added = ends[1].requests.finish_ps - ends[0].requests.finish_ps
    assert np.array_equal(added, [4 * 32 * 100_000_000])
