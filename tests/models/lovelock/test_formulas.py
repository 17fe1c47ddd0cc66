"""The closed forms: worked values, limits, monotony, and what they refuse."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UnitError, UsageError
from rackwright.models.lovelock.formulas import (
    Fractions,
    Operation,
    Side,
    Sides,
    best_energy_phi,
    break_even,
    cost_advantage,
    energy_advantage,
    phi_sum,
    ratio_of,
    slowdown,
)
from rackwright.units import Quantity

MILAN = Side("204.8GB/s", "100Gbps", 64)
E2000 = Side("102.4GB/s", "200Gbps", 16, 0.79)
JOB = Fractions(0.4, 0.3, 0.2, 0.1)
positive = st.floats(0.1, 50)


@st.composite
def fractions(draw: st.DrawFn) -> Fractions:
    weights = [draw(st.floats(0.0, 1.0)) for _ in range(4)]
    if sum(weights) < 1e-3:
        weights[0] = 1.0
    return Fractions.of_times(*weights)


def test_a_nic_that_is_the_server_changes_nothing() -> None:
    assert slowdown(JOB, 1.0, 1.0, 1) == pytest.approx(1.0, rel=1e-12)
    assert cost_advantage(1.0, 1) == 1.0 and energy_advantage(1.0, 1, 1.0) == 1.0


@given(fractions(), positive, positive)
def test_slowdown_falls_with_phi_to_the_accelerators_share(job: Fractions, ratio: float,
                                                           line: float) -> None:
    values = [slowdown(job, ratio, line, phi) for phi in range(1, 40)]
    assert all(later <= earlier for earlier, later in pairwise(values))
    assert slowdown(job, ratio, line, 1e12) == pytest.approx(job.accel, abs=1e-6)


@given(positive, positive)
def test_jobs_of_one_kind(ratio: float, phi: float) -> None:
    assert slowdown(Fractions(accel=1.0), ratio, 0.5, phi) == 1.0
    assert slowdown(Fractions(cpu=1.0), ratio, 0.5, phi) == pytest.approx(ratio / phi)


@given(positive, st.floats(0, 20), st.floats(0, 0.3))
def test_cost_advantage_falls_with_phi(server: float, devices: float, port: float) -> None:
    values = [cost_advantage(server, phi, devices, port) for phi in range(1, 30)]
    assert all(later < earlier for earlier, later in pairwise(values))


@given(fractions(), positive, positive, st.floats(0, 20))
def test_energy_advantage_has_at_most_one_maximum(job: Fractions, ratio: float, line: float,
                                                  devices: float) -> None:
    phis = np.geomspace(0.01, 1000, 400)
    values = [energy_advantage(8.0, phi, slowdown(job, ratio, line, phi), devices) for phi in phis]
    steps = np.sign(np.diff(values))[np.abs(np.diff(values)) > 1e-9 * np.max(values)]
    assert (np.diff(steps) <= 0).all()
    best = best_energy_phi(job, ratio, line, devices)
    if 0.02 < best < 500:
        at = energy_advantage(8.0, best, slowdown(job, ratio, line, best), devices)
        assert at >= max(values) * (1 - 1e-9)


@given(fractions(), positive, positive)
def test_break_even_and_sum(job: Fractions, ratio: float, line: float) -> None:
    if job.accel < 0.999:
        assert slowdown(job, ratio, line, phi_sum(job, ratio, line)) == pytest.approx(1.0, rel=1e-6)
        star = break_even(job, ratio, line)
        assert slowdown(job, ratio, line, star) <= 1 + 1e-9
        assert phi_sum(job, ratio, line) <= star * (1 + 1e-9)


@pytest.mark.parametrize(("used", "expected"), [
    (Fractions(cpu=1.0), 2.0), (Fractions(shuffle=1.0), 0.5), (Fractions(accel=1.0), 0.0),
    (JOB, 2.0)])
def test_break_even_counts_what_is_used(used: Fractions, expected: float) -> None:
    assert break_even(used, 2.0, 0.5) == expected


def test_fractions_must_sum_to_one() -> None:
    Fractions(0.5, 0.5 + 0.9e-9)
    with pytest.raises(UsageError, match="sum to 1"):
        Fractions(0.5, 0.5 + 3e-9)
    with pytest.raises(UsageError, match="from 0 to 1"):
        Fractions(1.5, -0.5)


def test_roofline_ratios_lie_between_their_bounds() -> None:
    sides = Sides(MILAN, E2000)
    assert sides.memory == 2.0 and sides.line == 0.5
    assert sides.cores == pytest.approx(64 / (16 * 0.79))
    stream, compute = Operation(1e9, 0.0), Operation(0.0, 1.0)
    assert ratio_of([stream], sides) == sides.memory
    assert ratio_of([compute], sides) == pytest.approx(sides.cores)
    assert sides.memory < ratio_of([stream, compute], sides) < sides.cores


def test_bits_and_bytes_are_told_apart() -> None:
    typed = Side(Quantity(204.8e9, "bandwidth"), Quantity(100e9, "rate"), 64)
    assert typed.memory_bandwidth == MILAN.memory_bandwidth and typed.line_bps == MILAN.line_bps
    # 25 GB/s as a line rate is 200 Gb/s, not 25
    assert Side("1GB/s", "25GB/s", 1).line_bps == 200e9
    for side in (Side("204.8", "100Gbps", 1), Side("1GB/s", "100", 1)):
        with pytest.raises(UnitError):
            _ = side.memory_bandwidth, side.line_bps


@pytest.mark.parametrize("call", [
    lambda: slowdown(JOB, 0.0, 1.0, 1), lambda: slowdown(JOB, 1.0, 1.0, 0),
    lambda: cost_advantage(math.nan, 1), lambda: cost_advantage(3, 1, -1),
    lambda: energy_advantage(3, 1, math.inf), lambda: Fractions.of_times(0, 0, 0, 0),
    lambda: ratio_of([], Sides(MILAN, E2000))])
def test_what_is_refused(call: object) -> None:
    with pytest.raises(UsageError):
        call()  # type: ignore[operator]
