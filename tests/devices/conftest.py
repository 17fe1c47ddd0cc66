"""Where measurements are: our own, kept with the tests, and others' that may be absent."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

MEASURED = Path(__file__).parents[1] / "data" / "measured"


@pytest.fixture(scope="session")
def measured() -> Path:
    """The folder of one H100's measurements."""
    return MEASURED / "h100_x1"


@pytest.fixture(scope="session")
def rows() -> Callable[[str], list[dict[str, str]]]:
    """Reads a measured file, `h100_x1/memory.csv` say."""
    def read(name: str) -> list[dict[str, str]]:
        with (MEASURED / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return read


@pytest.fixture(scope="session")
def foreign() -> Path:
    """The folder of third-party data; skips when it is not there."""
    named = os.environ.get("RACKWRIGHT_DATA")
    folder = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no third-party data in {folder}; set RACKWRIGHT_DATA")
    return folder
