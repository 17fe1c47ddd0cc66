"""The compiled M/M/1 of the benchmarks against processes, Lindley's recursion, the closed form."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright.engine import drive, new_span_log

PLACE = Path(__file__).parents[2] / "bench" / "mm1.py"
pytestmark = pytest.mark.skipif(not PLACE.exists(), reason="there are no benchmarks here")


@pytest.fixture(scope="module")
def mm1() -> Any:
    spec = importlib.util.spec_from_file_location("mm1", PLACE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mm1"] = module
    spec.loader.exec_module(module)
    return module


def lindley(gap_ps: Any, service_ps: Any) -> float:
    """Mean time in the system: who comes before the last one has left waits for that."""
    now = free = total = 0
    for gap, service in zip(gap_ps.tolist(), service_ps.tolist(), strict=True):
        now += gap
        free = max(now, free) + service
        total += free - now
    return total / len(gap_ps) / 1e12


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_kernel_and_processes_agree_on_one_stream(mm1: Any, load: float) -> None:
    drawn = mm1.draws(3_000, load, np.random.default_rng(2))
    kernel = mm1.kernel_sojourn(*drawn)
    assert kernel == pytest.approx(mm1.process_sojourn(*drawn), rel=1e-6)
    assert kernel == pytest.approx(lindley(*drawn), rel=1e-12)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_kernel_has_the_mean_sojourn(mm1: Any, load: float) -> None:
    """Unit service: 1 / (1 - load)."""
    drawn = mm1.draws(30_000, load, np.random.default_rng(3))
    assert mm1.kernel_sojourn(*drawn) == pytest.approx(1 / (1 - load), rel=0.06)


def test_recording_changes_nothing_and_tells_who_was_served_when(mm1: Any) -> None:
    drawn = mm1.draws(500, 0.8, np.random.default_rng(4))
    spans = new_span_log(500)
    assert mm1.kernel_sojourn(*drawn, spans) == mm1.kernel_sojourn(*drawn)
    assert spans.amount.tolist() == list(range(500))
    assert (spans.end_ps - spans.start_ps).tolist() == drawn[1].tolist()
    assert (spans.start_ps[1:] >= spans.end_ps[:-1]).all()  # one server


def test_slices_change_nothing(mm1: Any, digest: Any) -> None:
    drawn = mm1.draws(300, 0.8, np.random.default_rng(5))
    whole, cut = (drive(mm1.advance, mm1.new_queue(*drawn, new_span_log(0)), max_events=events)
                  for events in (None, 7))
    assert digest(whole) == digest(cut)
