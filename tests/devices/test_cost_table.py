"""Cost tables against the functions they were built from."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices.cost_table import (
    build_table1,
    build_table2,
    content_hash,
    table1_ps,
    table2_ps,
)
from rackwright.errors import UsageError


def roofline(n):
    return 3e-6 + np.maximum(1e-5, n * 1.7e-7)


def steps(n):
    return 2e-6 + np.ceil(n / 128) * 5e-6


def decode(n, y):
    return 4e-6 + np.maximum(2e-5, n * 3e-8) + n * y * 1.1e-10


TABLE1, _ = build_table1(steps, 100, 5000)
TABLE2, _ = build_table2(decode, 64, 2000, 40_000)


@pytest.mark.parametrize("function", [roofline, steps])
def test_exact_at_every_integer_up_to_e(function):
    table, _ = build_table1(function, 300, 4000)
    for n in range(301):
        assert table1_ps(table, n) == round(float(function(n)) * 1e12)


def test_exact_at_grid_points():
    for n, ps in zip(TABLE1.grid, TABLE1.grid_ps, strict=True):
        assert table1_ps(TABLE1, n) == ps == round(float(steps(n)) * 1e12)


@pytest.mark.parametrize("n", [-1, 5001, 10**15, -2**62])
def test_outside_is_minus_one(n):
    assert table1_ps(TABLE1, n) == -1


def test_the_ends_are_inside():
    assert table1_ps(TABLE1, 0) == 2_000_000
    assert table1_ps(TABLE1, 5000) > 0


@pytest.mark.parametrize("function", [roofline, steps])
@pytest.mark.parametrize("per_octave", [2, 16])
def test_the_stated_error_is_the_largest_of_all_integers(function, per_octave):
    table, stated = build_table1(function, 10, 3000, per_octave)
    n = np.arange(3001)
    looked = np.array([table1_ps(table, int(i)) for i in n])
    true = np.rint(function(n) * 1e12)
    assert stated == np.max(np.abs(looked - true) / true)


def test_a_large_range_is_checked_between_its_points():
    _, error = build_table1(lambda n: 1e-6 * np.sqrt(n + 1.0), 16, 2**24, per_octave=1)
    # the chord of a square root over [1, 2] lies 1.48 % below it at most, 1.44 % at the middle
    assert 0.0144 < error < 0.0149


def test_a_linear_cost_has_no_error_beyond_rounding():
    _, error = build_table1(lambda n: 1e-6 + n * 1e-9, 4, 1 << 20, per_octave=1)
    assert error < 1e-6


def test_more_points_an_octave_err_less():
    errors = [build_table1(lambda n: 1e-6 * np.sqrt(n + 1.0), 8, 1 << 16, p)[1] for p in (1, 4, 16)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 100


def test_a_table_may_end_where_it_is_exact():
    table, error = build_table1(roofline, 20, 20)
    assert error == 0 and table1_ps(table, 20) > 0 and table1_ps(table, 21) == -1


@given(st.integers(0, 5000), st.integers(0, 5000))
@settings(max_examples=200, deadline=None)
def test_a_growing_cost_gives_a_growing_table(a, b):
    low, high = sorted((a, b))
    assert table1_ps(TABLE1, low) <= table1_ps(TABLE1, high)


@pytest.mark.parametrize("bad", [-1e-9, float("nan"), float("inf"), 1e5])
def test_a_cost_that_no_table_holds_is_refused(bad):
    with pytest.raises(UsageError, match=r"cost of \(7,\) is"):
        build_table1(lambda n: np.where(n == 7, bad, 1e-6), 10, 10)


@pytest.mark.parametrize("ends", [(-1, 5, 4), (6, 5, 4), (1, 5, 0)])
def test_a_range_that_makes_no_sense_is_refused(ends):
    with pytest.raises(UsageError, match="exact_up_to <= maximum"):
        build_table1(roofline, *ends)


@pytest.mark.parametrize("n", [0, 1, 63, 64])
@pytest.mark.parametrize("y", [0, 1, 17, 39_999, 40_000])
def test_table2_is_exact_where_the_cost_is_linear_in_y(n, y):
    assert abs(table2_ps(TABLE2, n, y) - decode(n, y) * 1e12) <= 1


def test_table2_takes_fractions_of_y():
    between = table2_ps(TABLE2, 32, 1000.5)
    assert between == pytest.approx(decode(32, 1000.5) * 1e12, abs=1)


@pytest.mark.parametrize("n, y", [(-1, 5.0), (2001, 5.0), (5, -0.1), (5, 40_000.5),
                                  (5, float("nan")), (5, float("inf"))])
def test_table2_outside_is_minus_one(n, y):
    assert table2_ps(TABLE2, n, y) == -1


def test_table2_states_an_error_that_holds_everywhere():
    def bent(n, y):
        return 1e-6 + 1e-7 * np.sqrt(n * (y + 1.0))

    table, stated = build_table2(bent, 16, 600, 3000)
    rng = np.random.default_rng(3)
    worst = 0.0
    for n, y in zip(rng.integers(0, 601, 4000), rng.integers(0, 3001, 4000), strict=True):
        true = bent(float(n), float(y)) * 1e12
        worst = max(worst, abs(table2_ps(table, int(n), int(y)) - true) / true)
    # both directions are probed at all integers here
    assert worst <= stated + 1e-9


def test_hash_tells_tables_apart():
    other, _ = build_table1(steps, 100, 5000, 8)
    assert content_hash(TABLE1) == content_hash(build_table1(steps, 100, 5000)[0])
    assert len({content_hash(TABLE1), content_hash(other), content_hash(TABLE2)}) == 3


def probe_values() -> str:
    """Look-ups all over both tables, as text."""
    rng = np.random.default_rng(11)
    ones = [int(table1_ps(TABLE1, int(n))) for n in rng.integers(-5, 5100, 400)]
    twos = [int(table2_ps(TABLE2, int(n), float(y))) for n, y in
            zip(rng.integers(-5, 2100, 400), rng.uniform(-10, 41_000, 400), strict=True)]
    return f"{ones} {twos}"


def test_interpreted_and_compiled_look_ups_agree():
    code = ("import importlib.util as u, sys; s = u.spec_from_file_location('probe', sys.argv[1]);"
            "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.probe_values())")
    found = subprocess.run([sys.executable, "-c", code, __file__], text=True, check=True,
                           capture_output=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    assert found.stdout.strip() == probe_values()
