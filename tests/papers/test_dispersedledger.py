"""The rows of models/dispersedledger/targets.toml: stated misses miss, every other row holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import rackwright.models.dispersedledger
from rackwright.reproduce import assess, keys

ROWS = tomllib.loads((Path(rackwright.models.dispersedledger.__file__).parent / "targets.toml")
                     .read_text())["row"]
FAST = ("dl-12", "dl-13", "dl-8")


def _row(key: str) -> object:
    return key if key.startswith(FAST) else pytest.param(key, marks=pytest.mark.slow)


@pytest.mark.parametrize("key", [_row(key) for key in keys("dispersedledger")])
def test_row(key: str) -> None:
    row = assess("dispersedledger", key)
    print(row.sentence)
    assert row.as_stated, row.sentence


def test_fitted_rows_name_what_was_fitted() -> None:
    for row in ROWS:
        assert (row["kind"] == "fitted") == ("fits" in row)
