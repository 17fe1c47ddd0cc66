"""The rows of models/lovelock/targets.toml: a stated `known_miss` misses, every other row holds.

Nothing here is evidence about the paper, of which only the abstract could be read.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import rackwright.models.lovelock
from rackwright.reproduce import State, assess, keys

ROWS = tomllib.loads((Path(rackwright.models.lovelock.__file__).parent / "targets.toml")
                     .read_text())["row"]
SLOW = ("lov-1/default", "lov-1/equal lines", "lov-8")


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key
                                 for key in keys("lovelock")])
def test_row(key: str) -> None:
    row = assess("lovelock", key)
    print(row.sentence)
    assert row.as_stated or key == "lov-9" and row.state is State.KNOWN_MISS, row.sentence


def test_no_row_claims_to_be_evidence() -> None:
    assert {row["kind"] for row in ROWS} == {"check", "stand-in"}
