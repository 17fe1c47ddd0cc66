"""The packet pipeline cycle by cycle: exact against a recursion, and against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices import catalog
from rackwright.devices.nic import (
    Pipeline,
    Stage,
    new_pipeline_state,
    pipeline_advance,
    pipeline_of,
    run_pipeline,
)
from rackwright.engine import drive
from rackwright.errors import ModelFault, UsageError

CLOCK = 1e9
CYCLE = 1e-9


def recursion(pipeline, arrive, held):
    """Departures in max-plus algebra, packet by packet, without a clock or a queue.

    start[j][n] waits for the packet (head or tail), for the stage's last packet, and for the
    start downstream of the packet whose slot it takes.
    """
    stages = pipeline.stages
    starts = [[] for _ in stages]
    free = [0] * len(stages)
    out = []
    for n, cycle in enumerate(arrive):
        head = tail = cycle
        times = []
        for j, stage in enumerate(stages):
            start = max(tail if stage.whole else head, free[j])
            end = max(start + held[j][n], tail)
            times.append([start, end])
            head, tail = start + 16 * stage.depth_cycles, end + 16 * stage.depth_cycles
        # credits push starts back; downstream starts only ever move with them: iterate
        changed = True
        while changed:
            changed = False
            head = tail = cycle
            for j, stage in enumerate(stages):
                start = max(tail if stage.whole else head, free[j])
                if j + 1 < len(stages) and n >= stages[j + 1].slots:
                    start = max(start, starts[j + 1][n - stages[j + 1].slots])
                end = max(start + held[j][n], tail)
                changed |= [start, end] != times[j]
                times[j] = [start, end]
                head, tail = start + 16 * stage.depth_cycles, end + 16 * stage.depth_cycles
        for j, (start, end) in enumerate(times):
            starts[j].append(start)
            free[j] = end
        out.append(tail)
    return out


stage = st.builds(
    Stage, name=st.just("s"), depth_cycles=st.integers(1, 9), interval_cycles=st.integers(1, 7),
    width=st.sampled_from([None, 3.7, 16.0, 64.0]), overhead_nbytes=st.sampled_from([0, 20]),
    whole=st.booleans(), slots=st.integers(1, 5), paced=st.booleans())


@settings(max_examples=100, deadline=None)
@given(stages=st.lists(stage, min_size=1, max_size=5),
       packets=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 200)), min_size=1,
                        max_size=40))
def test_every_departure_is_that_of_the_recursion(stages, packets):
    first = Stage("in", 1, slots=1000)  # nothing is dropped
    pipeline = Pipeline((first, *stages), CLOCK)
    arrive = np.cumsum([gap for gap, _ in packets])
    nbytes = [size for _, size in packets]
    run = run_pipeline(pipeline, arrive * CYCLE, nbytes, debug=True)
    held = pipeline.held_ticks(nbytes)
    expected = recursion(pipeline, (16 * arrive).tolist(), held.tolist())
    assert np.rint(run.left_time / CYCLE * 16).astype(int).tolist() == expected
    assert not run.dropped.any()


@settings(max_examples=100, deadline=None)
@given(stages=st.lists(stage, min_size=1, max_size=5), nbytes=st.integers(0, 9000))
def test_a_packet_that_is_alone_takes_the_closed_form(stages, nbytes):
    pipeline = Pipeline(tuple(stages), CLOCK)
    run = run_pipeline(pipeline, [0.0], [nbytes])
    assert run.spent_time[0] == pytest.approx(pipeline.latency_time(nbytes), rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(stages=st.lists(stage, min_size=1, max_size=5), nbytes=st.integers(0, 2000))
def test_back_to_back_packets_leave_at_the_rate_of_the_closed_form(stages, nbytes):
    count = 600
    pipeline = Pipeline((Stage("in", 1, slots=count), *stages), CLOCK)
    left = run_pipeline(pipeline, np.zeros(count), np.full(count, nbytes)).left_time
    rate = 300 / (left[-1] - left[-301])  # past the start; loops of slots come in rounds
    assert rate == pytest.approx(pipeline.packet_rate(nbytes), rel=0.01)


@pytest.mark.parametrize("nbytes", [64, 256, 1500, 4096])
@pytest.mark.parametrize("load", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("name", ["e2000", "connectx-6"])
def test_poisson_arrivals_wait_as_in_the_closed_form(name, load, nbytes):
    """Time in the pipeline and throughput within 2 %, and the wait itself as M/D/1's."""
    part = catalog.get(name)
    pipeline = pipeline_of(part, slots=4096)
    count = 200_000
    rate = load * pipeline.packet_rate(nbytes)
    arrive = np.cumsum(np.random.default_rng(7).exponential(1 / rate, count))
    run = run_pipeline(pipeline, arrive, np.full(count, nbytes))
    assert not run.dropped.any()
    edge = 0.5 * CYCLE  # the mean wait for a clock edge
    wait = pipeline.wait_time(nbytes, load)
    expected = pipeline.latency_time(nbytes) + wait + edge
    assert np.mean(run.spent_time) == pytest.approx(expected, rel=0.02)
    assert run.packet_rate == pytest.approx(rate, rel=0.02)
    assert np.mean(run.spent_time) - expected + wait == pytest.approx(wait, rel=0.04)


def test_the_order_of_stages_does_not_change_the_wait():
    def line(*held):
        return Pipeline(tuple(Stage(f"s{n}", 2, h, slots=4096) for n, h in enumerate(held)), CLOCK)

    arrive = np.cumsum(np.random.default_rng(3).exponential(40e-9, 20_000))
    runs = [run_pipeline(line(*held), arrive, np.full(len(arrive), 64))
            for held in ((30, 10, 20), (10, 20, 30), (20, 30, 10))]
    assert all(np.array_equal(runs[0].left_time, run.left_time) for run in runs[1:])


def test_a_slow_stage_stops_those_upstream_of_it():
    stages = [Stage(name, 1, held, slots=2) for name, held in (("a", 1), ("b", 1), ("c", 10))]
    pipeline = Pipeline(tuple(stages), CLOCK)
    run = run_pipeline(pipeline, np.arange(100) * CYCLE, np.full(100, 64), debug=True)
    assert run.dropped.any() and run.longest_queue.tolist() == [2, 2, 2]
    kept = np.flatnonzero(~run.dropped)
    assert np.all(np.diff(run.left_time[kept])[5:] >= 10 * CYCLE * (1 - 1e-9))
    assert run.busy_share[2] > 0.9


def test_a_full_queue_drops_and_says_so():
    pipeline = Pipeline((Stage("a", 1, 100, slots=3),), CLOCK)
    run = run_pipeline(pipeline, np.zeros(10), np.full(10, 64), debug=True)
    # of ten at once three fit; none had been started when they came
    assert run.dropped.tolist() == [False] * 3 + [True] * 7
    assert np.isnan(run.left_time[3:]).all()


def test_slices_change_nothing():
    part = catalog.smart_nic("e2200")
    arrive = np.cumsum(np.random.default_rng(1).exponential(30e-9, 2000))
    nbytes = np.random.default_rng(2).integers(64, 1500, 2000)
    whole, sliced = (drive(pipeline_advance, new_pipeline_state(pipeline_of(part), arrive, nbytes),
                           max_events=limit) for limit in (None, 3))
    for one, other in zip(whole, sliced, strict=True):
        if isinstance(one, np.ndarray):
            assert np.array_equal(one, other)


def test_a_lost_packet_is_noticed():
    state = new_pipeline_state(pipeline_of(catalog.smart_nic("e2000")), [0.0, 1e-9], [64, 64])
    state.totals[5] = 1
    from rackwright.devices.nic.pipeline import _check
    with pytest.raises(ModelFault, match="bytes"):
        drive(pipeline_advance, state, check=_check)


def test_bottleneck_names_the_stage_or_the_slots():
    part = catalog.smart_nic("e2000")
    assert pipeline_of(part).bottleneck(1500) == "egress"
    assert pipeline_of(part, slots=1).bottleneck(64).startswith("slots before")


@pytest.mark.parametrize("make, says", [
    (lambda: Stage("x", 0), "depth_cycles must be a whole number, 1 or more, not 0"),
    (lambda: Stage("x", 1, width=-1.0), "width must be bytes a cycle above 0"),
    (lambda: Stage("x", 1, slots=0), "slots must be"),
    (lambda: Pipeline((), CLOCK), "one stage at least"),
    (lambda: Pipeline((Stage("x", 1),), 0.0), "a clock is from"),
    (lambda: run_pipeline(Pipeline((Stage("x", 1),), CLOCK), [1.0, 0.0], [1, 1]), "never fall"),
    (lambda: run_pipeline(Pipeline((Stage("x", 1),), CLOCK), [0.0], [-1]), "nbytes must be"),
    (lambda: run_pipeline(Pipeline((Stage("x", 1),), 1e6), [9e6], [1]), "longer than the engine"),
])
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(UsageError, match=says):
        make()
