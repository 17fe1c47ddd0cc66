"""Run-to-completion cores: closed form, packet by packet, and what bounds them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.nic import CoreWork, md1_wait, run_cores
from rackwright.errors import UnknownName, UsageError

NIC = catalog.smart_nic("e2000")
WORK = CoreWork(3000.0)


def arrivals(rate, count, seed=1):
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))


def test_cores_bound_small_packets_and_memory_large_ones():
    small, large = NIC.packet_rate([64, 9000], CoreWork(200.0))
    assert small == pytest.approx(16 * 3.0e9 / 200)
    assert large == pytest.approx(NIC.stream_bandwidth / (2 * 9000))
    assert NIC.packet_rate(64, CoreWork(200.0), cores=4) == pytest.approx(small / 4)
    assert NIC.packet_time(64, CoreWork(200.0, 1.0)) == pytest.approx(264 / 3.0e9)
    assert NIC.packet_rate(64) == NIC.packet_rate(64, CoreWork(NIC.packet_cycles))


@pytest.mark.parametrize("dispatch", ["fifo", "rss"])
@pytest.mark.parametrize("nbytes", [64, 9000])
def test_a_flood_leaves_at_the_rate_of_the_closed_form(dispatch, nbytes):
    count = 40_000
    run = run_cores(NIC, np.zeros(count), nbytes, np.arange(count), work=WORK, dispatch=dispatch)
    left = np.sort(run.finish_time)
    rate = (count // 2) / (left[-count // 4] - left[count // 4])
    assert rate == pytest.approx(NIC.packet_rate(nbytes, WORK), rel=0.02)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.85])
def test_a_queue_a_core_is_md1(load):
    """Every core of a hash sees Poisson arrivals: 2 % of the time spent, and the wait itself."""
    service = NIC.packet_time(64, WORK)
    count = 400_000
    run = run_cores(NIC, arrivals(load * NIC.packet_rate(64, WORK), count), 64,
                    np.arange(count), work=WORK)
    wait = md1_wait(service, load)
    assert run.wait_time == pytest.approx(wait, rel=0.04)
    assert run.wait_time + service == pytest.approx(wait + service, rel=0.02)
    assert run.core_share == pytest.approx(load, rel=0.02)


def test_one_shared_queue_waits_less_than_a_hash_and_keeps_no_flow_on_a_core():
    when = arrivals(0.8 * NIC.packet_rate(64, WORK), 20_000)
    flows = np.random.default_rng(5).integers(0, 500, len(when))
    shared = run_cores(NIC, when, 64, flows, work=WORK, dispatch="fifo", debug=True)
    hashed = run_cores(NIC, when, 64, flows, work=WORK, dispatch="rss", debug=True)
    assert shared.wait_time < hashed.wait_time
    for flow in (0, 17, 321):
        mine = flows == flow
        assert len(set(hashed.queue[mine])) == 1
        assert (np.diff(hashed.finish_time[mine]) > 0).all()  # in order


def test_few_flows_use_few_cores():
    when = arrivals(0.2 * NIC.packet_rate(64, WORK), 5_000)
    run = run_cores(NIC, when, 64, 3, work=WORK)
    assert len(set(run.queue)) == 1 and run.wait_time > 100 * md1_wait(1e-6, 0.2)


def test_one_core_is_the_same_under_both_dispatches():
    when = arrivals(1e5, 2000)
    runs = [run_cores(NIC, when, 64, np.arange(2000), work=WORK, cores=1, dispatch=how)
            for how in ("fifo", "rss")]
    assert np.array_equal(runs[0].finish_time, runs[1].finish_time)


def test_equal_seeds_give_equal_bytes():
    when = arrivals(1e6, 3000)
    one, two, other = (run_cores(NIC, when, 64, np.arange(3000), work=WORK, seed=seed)
                       for seed in (4, 4, 5))
    assert one.finish_time.tobytes() == two.finish_time.tobytes() != other.finish_time.tobytes()


def test_compute_and_memory_bound_work():
    assert NIC.work_time(16.0) == pytest.approx(1.0)
    assert NIC.work_time(0.0, 10**11) == pytest.approx(1e11 / NIC.stream_bandwidth)


@pytest.mark.parametrize("call, error, says", [
    (lambda: NIC.packet_rate(64, WORK, cores=17), UsageError, "has 16 cores"),
    (lambda: NIC.packet_rate(-1), UsageError, "nbytes must be"),
    (lambda: CoreWork(-1.0), UsageError, "cycles of a packet"),
    (lambda: CoreWork(0.0), UsageError, "must take some cycles"),
    (lambda: run_cores(NIC, [0.0], 64, dispatch="lottery"), UnknownName, "unknown dispatch"),
    (lambda: run_cores(NIC, [1.0, 0.0], 64, work=WORK), UsageError, "never fall"),
    (lambda: md1_wait(1.0, 1.0), UsageError, "below 1"),
    (lambda: dataclasses.replace(NIC, packet_cycles=None).packet_rate(64), UsageError,
     "says no packet_cycles"),
])
def test_what_makes_no_sense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
