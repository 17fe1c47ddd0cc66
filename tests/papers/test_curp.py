"""The rows of models/curp/targets.toml: a stated `known_miss` misses, every other row holds.

``pytest -rP tests/papers/test_curp.py`` prints every simulated value.
"""

from __future__ import annotations

import pytest

from rackwright.reproduce import assess, keys

SLOW = ("curp-15/paper-0.8", "curp-15/paper-0.95", "curp-16/knee")


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key
                                 for key in keys("curp")])
def test_row(key: str) -> None:
    row = assess("curp", key)
    print(row.sentence)
    assert row.as_stated, row.sentence
