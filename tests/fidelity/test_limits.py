"""No model gets worse on the packaged measurements without somebody saying so.

`limits.toml` has what each operation of each part is allowed; `set_limits.py` writes it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("set_limits",
                                               Path(__file__).parent / "set_limits.py")
set_limits = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(set_limits)
LIMITS = set_limits.limits()
AGAIN = "run `python tests/fidelity/set_limits.py` and look at what it changes"


@pytest.fixture(scope="module")
def measured(packaged):
    return set_limits.now(packaged)


def test_every_operation_has_a_limit(measured):
    there = {column: set(operations) for column, operations in measured.items()}
    assert there == {column: set(operations) for column, operations in LIMITS.items()}, AGAIN


@pytest.mark.parametrize("column", LIMITS)
def test_errors_are_within_their_limits(measured, column):
    over = [f"{name}: median {100 * median:.1f} % (limit {100 * most[1]:.1f}), "
            f"p90 {100 * p90:.1f} % (limit {100 * most[2]:.1f})"
            for name, most in LIMITS[column].items()
            for _, median, p90 in [measured[column].get(name, (0, 0.0, 0.0))]
            if median > most[1] or p90 > most[2]]
    assert not over, f"{column} got worse in\n" + "\n".join(over)


@pytest.mark.parametrize("column", LIMITS)
def test_no_held_point_is_lost(measured, column):
    """A model cannot look better because fewer points are held against it."""
    assert {name: found[0] for name, found in measured[column].items()} == {
        name: most[0] for name, most in LIMITS[column].items()}, AGAIN


@pytest.mark.slow
@pytest.mark.parametrize("column", LIMITS)
def test_limits_are_not_loose(measured, column):
    """After a model became much better, what was gained is held, too."""
    loose = [name for name, (_, median, _) in measured[column].items()
             if LIMITS[column][name][1] > 2 * median + 0.02]
    assert not loose, f"limits far above what is measured ({', '.join(loose)}): {AGAIN}"


def test_a_model_that_got_worse_is_found(measured):
    """The check itself: twice the errors are over the limit everywhere."""
    for column, operations in measured.items():
        for name, (_, median, p90) in operations.items():
            assert 2 * median + 0.01 > LIMITS[column][name][1], (column, name)
            assert 2 * p90 + 0.01 > LIMITS[column][name][2], (column, name)
