"""NVMe drives: Little's law, and the event model beside it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.host import run_nvme
from rackwright.errors import ModelFault, UsageError

DRIVE = catalog.nvme("kioxia-cm6")
DEPTHS = np.array([1, 2, 8, 32, 100, 128, 256, 1024])


def test_one_command_at_a_time_takes_the_datasheets_latency():
    assert DRIVE.io_time() == pytest.approx(90e-6)
    assert DRIVE.io_time(read_share=0.0) == pytest.approx(20e-6)
    assert DRIVE.io_rate() == pytest.approx(1 / 90e-6)


def test_many_commands_reach_the_datasheets_rates():
    assert DRIVE.io_rate(depth=1024) == pytest.approx(1.4e6)
    assert DRIVE.io_rate(depth=1024, read_share=0.0) == pytest.approx(170e3)
    assert DRIVE.bandwidth(131072, 64) == pytest.approx(6.9e9)
    assert DRIVE.bandwidth(131072, 64, 0.0) == pytest.approx(4.2e9)


def test_outstanding_is_rate_times_time():
    for share in (1.0, 0.7, 0.0):
        product = DRIVE.io_rate(4096, DEPTHS, share) * DRIVE.io_time(4096, DEPTHS, share)
        assert product == pytest.approx(DEPTHS)


def test_rates_rise_with_depth_and_stop_at_the_knee():
    rates = DRIVE.io_rate(4096, np.arange(1, 300))
    assert (np.diff(rates) >= 0).all()
    knee = DRIVE.knee_depth()
    assert knee == pytest.approx(90e-6 * 1.4e6)
    assert rates[int(knee) + 1] == rates[-1] > rates[int(knee) - 2]


def test_a_mix_lies_between_its_parts():
    assert 170e3 < DRIVE.io_rate(depth=512, read_share=0.7) < 1.4e6
    # in the time of a mixed command, 0.7 of a read and 0.3 of a write are served
    assert 1 / DRIVE.io_rate(depth=512, read_share=0.7) == pytest.approx(0.7 / 1.4e6 + 0.3 / 170e3)


@pytest.mark.parametrize("depth", [1, 4, 64, 126, 400])
@pytest.mark.parametrize("nbytes", [4096, 65536])
@pytest.mark.parametrize("share", [1.0, 0.0])
def test_reads_or_writes_alone_are_replayed_to_the_closed_form(depth, nbytes, share):
    run = run_nvme(DRIVE, nbytes=nbytes, depth=depth, read_share=share, commands=8000)
    assert run.rate == pytest.approx(DRIVE.io_rate(nbytes, depth, share), rel=0.01)
    assert run.mean_time == pytest.approx(DRIVE.io_time(nbytes, depth, share), rel=0.01)


@pytest.mark.parametrize("depth, within", [(1, 0.03), (4, 0.05), (16, 0.05), (256, 0.03)])
def test_a_mix_is_replayed_near_the_closed_form(depth, within):
    run = run_nvme(DRIVE, depth=depth, read_share=0.7, commands=20_000)
    assert run.rate == pytest.approx(DRIVE.io_rate(4096, depth, 0.7), rel=within)
    assert run.reads / (run.reads + run.writes) == pytest.approx(0.7, abs=0.02)
    assert run.rate * run.mean_time == pytest.approx(depth, rel=0.05)


def test_every_command_is_accounted_for_and_seeds_decide():
    runs = [run_nvme(DRIVE, depth=8, read_share=0.5, commands=500, seed=seed, debug=True)
            for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0].reads + runs[0].writes == 500


def test_a_lost_command_is_noticed():
    from rackwright.devices.host.nvme_queue import _check, _new
    with pytest.raises(ModelFault, match="outstanding"):
        state = _new(DRIVE, 4096, 1, 1.0, 10, 0)
        state.issued[0] = 1
        _check(state)


def test_cycle_fidelity_gives_the_replay():
    cycle = catalog.nvme("kioxia-cm6", fidelity="cycle")
    assert cycle.io_rate(4096, DEPTHS) == pytest.approx(DRIVE.io_rate(4096, DEPTHS), rel=0.01)
    assert cycle.io_time(4096, 64) == pytest.approx(DRIVE.io_time(4096, 64), rel=0.01)
    assert cycle.bandwidth(4096, 64) == pytest.approx(4096 * cycle.io_rate(4096, 64))


@pytest.mark.parametrize("call, says", [
    (lambda: DRIVE.io_rate(depth=0), "depth of a command must be 1 or more, not 0"),
    (lambda: DRIVE.io_rate(-4096), "nbytes must be"),
    (lambda: DRIVE.io_rate(read_share=1.5), "read_share must be from 0 to 1, not 1.5"),
    (lambda: dataclasses.replace(DRIVE, write_latency_time=None).io_rate(read_share=0.5),
     "says no write_latency"),
    (lambda: run_nvme(DRIVE, depth=100, commands=10), "commands 4 x depth"),
])
def test_what_makes_no_sense_is_refused(call, says):
    with pytest.raises(UsageError, match=says):
        call()
