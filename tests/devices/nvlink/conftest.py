"""Bundles that the tests share: H100-like, and the packaged measurements between four GPUs."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rackwright import devices

EARLIER = Path(devices.__file__).parent / "measured" / "h100-sxm" / "earlier" / "p2p.csv.gz"


@pytest.fixture
def hopper() -> Mapping[str, Any]:
    """Arguments of a bundle like the H100's, with an NVSwitch."""
    return {"links": 18, "link_bandwidth": 25e9, "link_share": 0.8883, "response_flits": 0.695,
            "latency_time": 200e-9, "switch_latency_time": 100e-9}


@pytest.fixture(scope="session")
def copies() -> list[tuple[str, str, int, float]]:
    """(set, pattern, bytes, seconds) of copies between GPUs of one H100 host."""
    with gzip.open(EARLIER, "rt", encoding="utf-8") as file:
        return [(row["set"], row["pattern"], int(row["bytes"]), float(row["time_us"]) * 1e-6)
                for row in csv.DictReader(file)]
