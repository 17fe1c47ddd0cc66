"""One DRAM channel, access by access, against the closed form."""

from __future__ import annotations

import dataclasses

import pytest

from rackwright.devices import catalog
from rackwright.devices.host import run_dram
from rackwright.errors import ModelFault, UsageError

DDR4 = catalog.memory("ddr4-3200-8ch")


def share(part, grain, outstanding, **how):
    """What a channel reaches of the closed form."""
    run = run_dram(part, grain=grain, outstanding=outstanding, accesses=8000, **how)
    return run.rate * grain * part.channels / part.random_bandwidth(
        grain, outstanding * part.channels)


@pytest.mark.parametrize("name", catalog.names("memory"))
@pytest.mark.parametrize("grain", [64, 256])
def test_collisions_cost_at_most_a_fifth(name, grain):
    part = catalog.memory(name)
    for outstanding in (1, 4, 16, 64, 512):
        assert 0.8 <= share(part, grain, outstanding) <= 1.005


def test_an_access_alone_takes_latency_and_burst():
    run = run_dram(DDR4, outstanding=1, accesses=400)
    assert run.mean_time == pytest.approx(
        DDR4.latency_time + 64 * 8 / DDR4.stream_bandwidth, rel=1e-3)


def test_a_single_bank_opens_a_row_a_cycle():
    part = dataclasses.replace(DDR4, ranks=1, banks=1)
    assert run_dram(part, outstanding=64).rate == pytest.approx(1 / 45.75e-9, rel=1e-3)
    assert share(part, 64, 64) == pytest.approx(1, rel=1e-3)


def test_four_rows_a_window():
    part = dataclasses.replace(DDR4, ranks=1, activate_window_time=40e-9)
    assert run_dram(part, outstanding=256).rate == pytest.approx(4 / 40e-9, rel=1e-3)


def test_more_banks_or_more_outstanding_never_slow_it_down():
    rates = [run_dram(DDR4, outstanding=deep, accesses=8000).rate for deep in (1, 2, 8, 32, 128)]
    assert rates == sorted(rates)
    by_banks = [run_dram(dataclasses.replace(DDR4, banks=banks, ranks=1), outstanding=64,
                         accesses=8000).rate for banks in (2, 4, 8, 16)]
    assert by_banks == sorted(by_banks)


def test_every_access_is_accounted_for_and_rows_open_in_order():
    one, two, other = (run_dram(DDR4, outstanding=16, accesses=600, seed=seed, debug=True)
                       for seed in (1, 1, 2))
    assert one == two != other


def test_a_lost_access_is_noticed():
    from rackwright.devices.host.dram_queue import _check, _new
    state = _new(DDR4, 64, 4, 100, 0)
    state.counts[1] = 3
    with pytest.raises(ModelFault, match="4 accesses issued, 3 done and 4 outstanding"):
        _check(state)


def test_cycle_fidelity_gives_the_replay():
    cycle = catalog.memory("ddr4-3200-8ch", fidelity="cycle")
    closed, replayed = (part.random_bandwidth([64, 256, 64, 64], [512, 512, 8, 1])
                        for part in (DDR4, cycle))
    assert ((0.8 * closed <= replayed) & (replayed <= 1.005 * closed)).all()
    assert cycle.random_bandwidth() == pytest.approx(DDR4.random_bandwidth(), rel=0.02)
    assert cycle.access_time(10**9) == DDR4.access_time(10**9)


@pytest.mark.parametrize("call, says", [
    (lambda: run_dram(DDR4, outstanding=0), "outstanding must be 1 or more"),
    (lambda: run_dram(DDR4, outstanding=100, accesses=10), "4 x outstanding at least"),
    (lambda: run_dram(dataclasses.replace(DDR4, banks=0)), "0 banks: one of each is needed"),
    (lambda: run_dram(dataclasses.replace(DDR4, row_cycle_time=None)), "says no row_cycle"),
])
def test_what_makes_no_sense_is_refused(call, says):
    with pytest.raises(UsageError, match=says):
        call()
