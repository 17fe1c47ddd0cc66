"""Measurements of copies, packaged with the devices, and the models' common setups."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

import rackwright.devices

FOLDER = Path(rackwright.devices.__file__).parent / "measured"


@pytest.fixture(scope="session")
def copies() -> Callable[..., list[dict[str, str]]]:
    """Rows of a part's `pcie.csv.gz` whose columns have the given values."""
    def read(part: str, **values: str) -> list[dict[str, str]]:
        with gzip.open(FOLDER / part / "pcie.csv.gz", "rt", encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file)
                    if all(row[key] == value for key, value in values.items())]
    return read
