"""Small traces and the folder of real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from rackwright.errors import TraceError

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


@pytest.fixture(scope="session")
def read_damaged() -> Callable[..., None]:
    """Write `raw` with up to four places damaged, read it: fine, or one line that names the file.
    """

    def check(data: st.DataObject, raw: bytes, path: Path, read: Callable[[Path], Any]) -> None:
        damaged = bytearray(raw)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(damaged) - 1))
            damaged[at:at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        path.write_bytes(bytes(damaged))
        try:
            read(path)
        except TraceError as problem:
            assert str(path) in str(problem) and "\n" not in str(problem)

    return check
