"""Measuring real parts, and holding the models against what was measured.

`plan` says what is measured and which groups a fit may not see; `run` measures it with PyTorch on
a GPU; `read_folder` reads the tables; `error_table` compares a part's cost methods with them.
Measurements of ours are packaged: see `devices/measured/README.md`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rackwright.calibrate.plan import estimated_seconds, plan
from rackwright.calibrate.rows import Row, read_folder, read_table
from rackwright.calibrate.session import Summary, left, run
from rackwright.calibrate.tables import TABLES, Point, Table

if TYPE_CHECKING:
    from rackwright.calibrate.packaged import measured_folder, measured_parts
    from rackwright.calibrate.report import ErrorRow, error_table

__all__ = [
    "TABLES",
    "ErrorRow",
    "Point",
    "Row",
    "Summary",
    "Table",
    "error_table",
    "estimated_seconds",
    "left",
    "measured_folder",
    "measured_parts",
    "plan",
    "read_folder",
    "read_table",
    "run",
]

# measuring needs nothing of the device models, and runs where their packages are absent
_LAZY = {"ErrorRow": "report", "error_table": "report", "measured_folder": "packaged",
         "measured_parts": "packaged"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"rackwright.calibrate.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'rackwright.calibrate' has no attribute {name!r}")
