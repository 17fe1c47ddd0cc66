"""Units are read by every part of the package: importing them loads no third-party code."""

from __future__ import annotations

import subprocess
import sys

from rackwright import units


def test_importing_units_loads_neither_numpy_nor_anything_heavier() -> None:
    code = ("import sys, rackwright.units\n"
            "print([m for m in ('numpy', 'numba', 'pydantic', 'click') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_sorted_and_exists() -> None:
    assert list(units.__all__) == sorted(units.__all__)
    assert all(hasattr(units, name) for name in units.__all__)
