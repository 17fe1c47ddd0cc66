"""The compiled replay against an independent one in plain Python: equal to the picosecond."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rackwright.engine.driver import drive
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.state import grow
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

_spec = importlib.util.spec_from_file_location("oracle", Path(__file__).parent / "oracle.py")
assert _spec and _spec.loader
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)


@pytest.mark.parametrize(("top_k", "look_ahead", "decay"), [(1, 7, 0.8), (2, 7, 0.8), (1, 40, 1.0),
                                                            (2, 0, 0.8)])
def test_finish_times(dgx: Fabric, busy_trace: RequestTrace, state_of: Callable[..., Any],
                      top_k: int, look_ahead: int, decay: float) -> None:
    trace = busy_trace.first(60)
    state = state_of(dgx, trace, top_k=top_k, look_ahead=look_ahead, decay=decay)
    expected = oracle.Machine(state).run()
    end = drive(advance, state, grow=grow)
    assert end.requests.finish_ps.tolist() == expected


def test_under_memory_pressure(dgx: Fabric, busy_trace: RequestTrace,
                               state_of: Callable[..., Any]) -> None:
    state = state_of(dgx, busy_trace.first(40))
    state.admission.kv_free[:] = state.requests.kv_blocks.max() * 3
    expected = oracle.Machine(state).run()
    end = drive(advance, state, grow=grow)
    assert end.requests.finish_ps.tolist() == expected
