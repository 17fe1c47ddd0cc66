"""Several engines: each as if alone, together the sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.errors import InputError, Interrupted, OptionsError
from rackwright.models.serving import ServingOptions, replay, series
from rackwright.models.serving.engines import deal, merged, shares
from rackwright.models.serving.kernel import advance
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests
from rackwright.units import seconds_to_ps


@pytest.fixture(scope="module")
def steady() -> RequestTrace:
    return generate_requests(40.0, 30.0, seed=1, input_tokens=Uniform(50, 300),
                             output_tokens=Uniform(20, 60))


def test_dealing_keeps_everyone(busy_trace: RequestTrace) -> None:
    parts = deal(busy_trace, 7)
    assert [len(part) for part in parts] == shares(len(busy_trace), 7)
    assert sum(int(part.output_tokens.sum()) for part in parts) == busy_trace.output_tokens.sum()
    assert parts[2].input_tokens[1] == busy_trace.input_tokens[9]


def test_merged_states_are_the_engines(small: Callable[..., Any], busy_trace: RequestTrace) -> None:
    ends = [drive(advance, small(part, pages=60)) for part in deal(busy_trace, 3)]
    one = merged(ends)
    for k, end in enumerate(ends):
        assert (one.requests.finish_ps[k::3] == end.requests.finish_ps).all()
        assert (one.sequences.preemptions[k::3] == end.sequences.preemptions).all()
    assert one.work.steps[0] == sum(int(end.work.steps[0]) for end in ends)
    assert one.control.now_ps[0] == max(int(end.control.now_ps[0]) for end in ends)
    assert one.admission.itl_counts.sum() == busy_trace.output_tokens.sum() - len(busy_trace)
    assert one.work.busy_ps.tolist() == [int(end.work.busy_ps[0]) for end in ends]
    assert merged(ends[:1]) is ends[0]


def test_an_engine_that_ends_early_stays_as_it_was(small: Callable[..., Any],
                                                   made: Callable[..., RequestTrace]) -> None:
    """The first engine's one request is over long before the second's last one arrives."""
    trace = made([(0, 30, 4), (10, 30, 4), (20, 30, 4), (900_000, 30, 4)])
    span = seconds_to_ps(trace.arrival_time)
    one = merged([drive(advance, small(part, span=span)) for part in deal(trace, 2)])
    over = series(one)
    tokens = over["handed_out_tokens"].y
    assert (np.diff(tokens) >= 0).all() and over["running_requests"].y[-2] == 0
    assert tokens[-2] == 12


def test_more_engines_more_throughput(dgx: Fabric, steady: RequestTrace) -> None:
    one, four = (replay(dgx, steady, ServingOptions.checked({"engines": n})) for n in (1, 4))
    assert four.metrics["tokens"] == one.metrics["tokens"] == steady.output_tokens.sum()
    assert four.metrics["itl_mean_s"] < one.metrics["itl_mean_s"]
    assert four.metrics["energy_gpu_per_token_j"] > one.metrics["energy_gpu_per_token_j"]
    assert list(four.device_utilisation) == [f"h0/gpu{k}" for k in range(4)]
    shares_ = list(four.device_utilisation.values())
    assert max(shares_) < 1.3 * min(shares_) and four.metrics["stable"] == 1.0
    assert "4 engines of 1 GPU: h0/gpu0, h0/gpu1, h0/gpu2, h0/gpu3" in four.notes


def test_two_engines_are_two_replays(dgx: Fabric, steady: RequestTrace) -> None:
    both = replay(dgx, steady, ServingOptions.checked({"engines": 2, "tensor_parallel": 2}))
    alone = [replay(dgx, part, ServingOptions.checked({"tensor_parallel": 2}))
             for part in deal(steady, 2)]
    assert both.metrics["steps"] == sum(each.metrics["steps"] for each in alone)
    mean = sum(each.metrics["ttft_mean_s"] * len(part)
               for each, part in zip(alone, deal(steady, 2), strict=True)) / len(steady)
    assert both.metrics["ttft_mean_s"] == pytest.approx(mean, rel=1e-9)
    assert both.spans is not None and set(both.spans.track.tolist()) == {0, 1, 2, 3}
    assert len(both.device_utilisation) == 4
    assert any("h0/gpu2->" in name for name in both.link_utilisation)


def test_a_closed_loop_over_engines(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    found = replay(dgx, made([(0, 64, 40)] * 300), ServingOptions.checked(
        {"engines": 3, "concurrency": 9}))
    assert found.metrics["running_max"] == 3
    assert found.metrics["active_steady_requests"] == pytest.approx(9, rel=0.1)


def test_too_little_for_every_engine(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    with pytest.raises(InputError, match="the trace has 2 requests for 4 engines"):
        replay(dgx, made([(0, 5, 5)] * 2), ServingOptions.checked({"engines": 4}))
    with pytest.raises(OptionsError, match="concurrency is 2: 4 engines need a client each"):
        replay(dgx, made([(0, 5, 5)] * 9), ServingOptions.checked({"engines": 4, "concurrency": 2}))


def test_an_interruption_keeps_the_engines_done(dgx: Fabric, steady: RequestTrace) -> None:
    half = float(steady.output_tokens.sum()) / 2

    def stop(done: float, total: float, text: str) -> None:
        if done > half:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        replay(dgx, steady, ServingOptions.checked({"engines": 4}), progress=stop)
    partial: Any = caught.value.partial
    assert not partial.complete and partial.metrics["tokens"] > half
