"""The packaged samples are what the generators make, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rackwright import traces
from rackwright.errors import UnknownName


def test_samples_are_generated_again_to_the_same_bytes(tmp_path: Path) -> None:
    written = traces.make_samples(tmp_path / "new")
    assert [path.stem for path in written] == traces.sample_names()
    for path in written:
        assert path.read_bytes() == traces.sample_path(path.stem).read_bytes()


def test_nothing_else_is_packaged_with_them() -> None:
    folder = traces.sample_path("requests_medium").parent
    assert sorted(path.stem for path in folder.iterdir()) == traces.sample_names()


def test_the_medium_requests() -> None:
    trace = traces.sample("requests_medium")
    assert 350 <= len(trace) <= 450 and trace.arrival_time[-1] < 20
    assert np.ptp(trace.input_tokens) == 100 and np.ptp(trace.output_tokens) == 200
    assert "Poisson 20.0 requests/s" in trace.source and "seed 0" in trace.source


def test_an_unknown_sample_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'requests_medium'"):
        traces.sample("request_medium")


def test_importing_traces_loads_nothing_heavy() -> None:
    heavy = ("numba", "scipy", "networkx", "pydantic", "click", "matplotlib")
    code = f"import sys, rackwright.traces\nprint([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_sorted_and_exists() -> None:
    assert list(traces.__all__) == sorted(traces.__all__)
    assert all(hasattr(traces, name) for name in traces.__all__)
