"""Rate sweeps and saturation, on a system made up for it and on the real ones."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from rackwright.errors import UsageError
from rackwright.models import Bottleneck, Model, Outcome, registry
from rackwright.models.options import Options, option
from rackwright.models.serving import rate_sweep, saturation
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform

ANY: Any = None


class PipeOptions(Options):
    """A pipe of known width."""

    capacity: float = option(37.0, "requests/s that it carries", unit="requests/s", gt=0)


def pipe(fabric: Any, trace: RequestTrace, options: PipeOptions, seed: int, progress: Any
         ) -> Outcome:
    """Carries everything below its capacity, and drops a little of it above."""
    rate = len(trace) / 100.0
    over = rate > options.capacity
    tokens = 10.0 * (0.9 * options.capacity if over else rate)
    metrics = {"throughput_steady_tokens_per_s": tokens, "throughput_tokens_per_s": tokens,
               "stable": float(not over), "overloaded": float(over), "ttft_p50_s": rate}
    return Outcome(metrics, Bottleneck("pipe", "device", 1.0, over, "a pipe"), {}, {}, {})


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("pipe_system")
    module.MODEL = Model("pipe", "a pipe", PipeOptions, pipe, str, {},  # type: ignore[attr-defined]
                         (), "", "")
    monkeypatch.setitem(sys.modules, "pipe_system", module)
    monkeypatch.setitem(registry._SYSTEMS, "pipe", "pipe_system")
    return "pipe"


def test_a_sweep_stops_at_the_first_overload(piped: str) -> None:
    found = rate_sweep(piped, ANY, [10, 20, 30, 50, 60], duration_time=100.0)
    assert [point.rate_per_s for point in found.points] == [10, 20, 30, 50]
    assert found.stopped == "overloaded at 50 requests/s"
    assert found.best is not None and found.best.rate_per_s == 30
    assert [row["rate_per_s"] for row in found.rows()] == [10, 20, 30, 50]
    assert found.rows()[0]["latency_p50_s"] is None


def test_a_sweep_can_go_on(piped: str) -> None:
    found = rate_sweep(piped, ANY, [30, 50, 60], duration_time=100.0, stop_at_overload=False)
    assert len(found.points) == 3 and not found.stopped


@pytest.mark.parametrize("start", [1.0, 30.0, 300.0])
def test_saturation_brackets_the_capacity(piped: str, start: float) -> None:
    found = saturation(piped, ANY, start_per_s=start, tolerance=0.02, duration_time=100.0)
    # the arrivals are random: their number is off by a few per cent
    assert 0.85 * 37 < found.rate_per_s < found.overload_per_s < 1.15 * 37
    assert found.overload_per_s <= 1.02 * found.rate_per_s
    assert found.tokens_per_s == pytest.approx(370, rel=0.05)
    rates = [point.rate_per_s for point in found.points]
    assert rates == sorted(set(rates))


def test_options_reach_the_system(piped: str) -> None:
    found = saturation(piped, ANY, duration_time=100.0, capacity=5.0)
    assert found.tokens_per_s == pytest.approx(50, rel=0.2)


@pytest.mark.parametrize("rates", [[], [0.0], [2.0, 1.0], [1.0, 1.0]])
def test_rates_must_rise(piped: str, rates: list[float]) -> None:
    with pytest.raises(UsageError, match="expected numbers above 0 that rise"):
        rate_sweep(piped, ANY, rates)


def test_what_never_overloads_is_said(piped: str) -> None:
    with pytest.raises(UsageError, match="expected above 0"):
        saturation(piped, ANY, start_per_s=0.0)


def test_saturation_of_the_engine(dgx: Fabric) -> None:
    """The maximum is at least what every carried rate gives, and latency rises towards it."""
    found = saturation("serving", dgx, start_per_s=32.0, tolerance=0.1, duration_time=40.0,
                       input_tokens=Uniform(400, 600), output_tokens=Uniform(40, 60))
    carried = [point for point in found.points if not point.overloaded]
    assert found.tokens_per_s == max(point.tokens_per_s for point in carried)
    assert carried[-1].metrics["ttft_p50_s"] >= carried[0].metrics["ttft_p50_s"]
    assert found.overload_per_s <= 1.1 * found.rate_per_s


@pytest.mark.slow
def test_a_sweep_of_aep(dgx: Fabric) -> None:
    found = rate_sweep("aep", dgx, [20, 40], duration_time=40.0)
    assert len(found.points) == 2
    assert found.points[1].tokens_per_s > found.points[0].tokens_per_s
