"""Small traces and the folder of real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

HEADER = "arrival_time_s,input_tokens,output_tokens"


@pytest.fixture
def real_traces() -> Path:
    """Folder of traces recorded by others; tests that need them skip where it is absent."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("RACKWRIGHT_DATA", beside)) / "traces"
    if not folder.is_dir():
        pytest.skip(f"no recorded traces in {folder} (set RACKWRIGHT_DATA)")
    return folder


@pytest.fixture
def native(tmp_path: Path) -> Callable[[str], Path]:
    """Write rows below our header to a file; give its path."""

    def write(rows: str) -> Path:
        path = tmp_path / "t.csv"
        path.write_bytes(f"{HEADER}\n{rows}".encode())
        return path

    return write
