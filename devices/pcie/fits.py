"""What of PCIe is fitted to which measurements: the operations of `fitting`.

Columns as in `devices/measured/*/pcie.csv.gz`: `direction`, `host_memory`, `bytes`, `time_us`; rows
of set "fit" only. In this order, since the later ones stand on the rate of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rackwright.devices.fitting import Operation, Rows
from rackwright.devices.pcie.part import Pcie

__all__ = ["PCIE_COPY", "PCIE_OPERATIONS", "PCIE_RATE", "copy_times"]


def copy_times(pcie: Pcie, rows: Rows) -> Any:
    """Seconds of each row's copy."""
    time = np.full(len(rows["bytes"]), np.nan)
    for direction in np.unique(rows["direction"]):
        for memory in np.unique(rows["host_memory"]):
            here = (rows["direction"] == direction) & (rows["host_memory"] == memory)
            if here.any():
                time[here] = pcie.transfer_time(rows["bytes"][here], str(direction),
                                                host_memory=str(memory))
    return time


def _only(memory: str, *directions: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda row: (row["host_memory"] == memory and row["direction"] in directions
                        and row.get("set", "fit") == "fit")


def _long_and_steady(row: Mapping[str, str]) -> bool:
    """8 MiB and more, whose own samples agree: (p90 - p10) / median below 5 %."""
    return (_only("pinned", "h2d", "d2h")(row) and int(row["bytes"]) >= 1 << 23
            and float(row.get("spread", 0)) < 0.05)


PCIE_RATE = Operation("copy", {"link_share": 0.95}, ("pcie.csv",), copy_times, ("bytes",),
                      _long_and_steady)
PCIE_COPY = Operation("copy", {
    "h2d_floor_time": 3.8e-6, "h2d_setup_time": 3.5e-6, "d2h_floor_time": 3.4e-6,
    "d2h_setup_time": 2.8e-6},
    ("pcie.csv",), copy_times, ("bytes",), _only("pinned", "h2d", "d2h"))
_BOTH = Operation("copy", {
    "both_floor_time": 3e-6, "both_setup_time": 3e-6, "both_share": 0.91, "both_far_share": 0.85,
    "both_reach_nbytes": 1e8},
    ("pcie.csv",), copy_times, ("bytes",), _only("pinned", "both"))
_PAGEABLE = Operation("copy", {
    "pageable_h2d_time": 2.2e-5, "pageable_d2h_time": 2.3e-5, "pageable_h2d_bandwidth": 12.5e9,
    "pageable_d2h_bandwidth": 13e9, "pageable_far_bandwidth": 7.8e9,
    "pageable_reach_nbytes": 4.6e7},
    ("pcie.csv",), copy_times, ("bytes",), _only("pageable", "h2d", "d2h"))
PCIE_OPERATIONS: Mapping[str, Operation] = {
    "rate": PCIE_RATE, "pinned": PCIE_COPY, "both": _BOTH, "pageable": _PAGEABLE}
