"""Every row of targets.toml, simulated: ``pytest -rP`` prints the sentences."""

from __future__ import annotations

import pytest

from rackwright.reproduce import assess, keys
from rackwright.reproduce.systems.serving import SIMULATIONS

SLOW = {"serving-10"}


def test_every_row_is_simulated() -> None:
    assert set(keys("serving")) == set(SIMULATIONS)


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key
                                 for key in keys("serving")])
def test_row(key: str) -> None:
    row = assess("serving", key)
    print(row.sentence)
    assert row.as_stated, row.sentence
