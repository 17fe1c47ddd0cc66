"""Means over seeds, fronts, knees and moves, on tables whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import study
from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.study.axes import Axis

Write = Callable[..., Path]
HEAD = 'name = "a"\n{}[base]\nsystem = "toy"\n'
AXIS = '[[axis]]\npath = "options.{}"\nvalues = {}\n'


def test_seeds_give_means_and_intervals(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("workers", [1, 2]) + (
        '[[axis]]\npath = "seed"\nvalues = [0, 10, 20]\n')
    found = study.run(write(text))
    one, two = study.seed_statistics(found)
    assert (one["axes"], two["axes"]) == ({"workers": 1}, {"workers": 2})
    rate = two["metrics"]["throughput_requests_per_s"]
    base = 200 / 1.5
    assert rate["mean"] == pytest.approx(base * 1.01) and rate["values"] == 3
    # Student's t, 2 degrees of freedom, 95 %: 4.302653; deviation of 0, 1, 2 %: 1 %
    assert rate["half"] == pytest.approx(4.302653 * base * 0.01 / 3 ** 0.5, rel=1e-6)
    assert "mean over seeds" in found.summary() and "+-" in found.summary()


def test_a_single_seed_has_no_interval() -> None:
    assert study.interval([3.0]) == (3.0, None, 1)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.floats(-50, 50))
def test_intervals_move_with_the_values(values: list[float], shift: float) -> None:
    plain, moved = study.interval(values), study.interval([value + shift for value in values])
    assert moved.mean == pytest.approx(plain.mean + shift, abs=1e-9)
    assert plain.half is not None and moved.half == pytest.approx(plain.half, abs=1e-6)


def test_a_front_has_what_nothing_beats(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("workers", [1, 2]) + AXIS.format("load", [0.5, 1.0]) + (
        '[pareto]\nmaximise = ["throughput"]\nminimise = ["energy_j"]\n')
    found = study.run(write(text))
    # less load is more throughput for the same energy; more workers cost energy
    assert study.pareto_front(found) == (0, 2)
    assert 'class="front"' in found._repr_html_()


def test_a_knee_is_where_the_curve_bends(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("load", [0.0, 0.5, 1.0, 8.0, 16.0])
    found = study.run(write(text))
    assert study.knee(found, "load", "throughput").x == 1.0
    with pytest.raises(UnknownName, match="axis"):
        study.knee(found, "lod", "throughput")
    with pytest.raises(UsageError, match="three points"):
        study.knee(found, "load", "throughput", load=0.5)


def test_moves_are_of_one_axis_at_a_time(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("workers", [1, 4]) + AXIS.format("load", [0.5, 1.0])
    widest, other = study.moves(study.run(write(text)), "throughput")
    assert (widest.axis, widest.at_low, widest.at_high) == ("workers", 1, 4)
    assert (other.axis, other.low, other.high) == ("load", 50.0, pytest.approx(100 / 1.5))


def test_axes_of_quantities_are_numbers_and_others_are_refused(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("line", '["100Gbps", "200Gbps"]') + (
        '[[expect]]\nthat = "line_bps == line"\n[[expect]]\nthat = "line > 0"\nat = "one"\n'
        'where = "line > \\"150Gbps\\""\n')
    assert study.run(write(text)).exit_code == 0
    text = HEAD.format("") + AXIS.format("policy", '["fast", "slow"]') + (
        '[[expect]]\nthat = "policy > 1"\n')
    with pytest.raises(InputError, match="axis policy is text"):
        study.run(write(text))


def test_bends_that_the_file_asks_for(toy: object, write: Write) -> None:
    text = HEAD.format("") + AXIS.format("load", [0.0, 0.5, 1.0, 8.0, 16.0]) + AXIS.format(
        "workers", [1, 2]) + '[[knee]]\nx = "load"\ny = "throughput"\n'
    found = study.run(write(text))
    one, two = study.knees(found)
    assert (one["axes"], one["at"]) == ({"workers": 1}, 1.0)
    assert two["value"] == 2 * one["value"] and found.record()["knees"] == [one, two]
    assert "throughput over load at workers 2 bends at 1, where it is" in found.summary()
    text = text.replace("[0.0, 0.5, 1.0, 8.0, 16.0]", "[0.0, 0.5]")
    assert "no bend: a knee of throughput over load needs three" in study.run(write(text)).summary()
    with pytest.raises(InputError, match="unknown axis 'lod'"):
        study.load(write(text.replace('x = "load"', 'x = "lod"')))
    with pytest.raises(InputError, match="'throughputs'"):
        study.run(write(text.replace('y = "throughput"', 'y = "throughputs"')))


def test_seeds_of_generated_traces_are_seeds(toy: object) -> None:
    axes = [Axis(path=path, values=(1, 2)) for path in ("seed", "trace.args.seed", "options.load")]
    assert [axis.is_seed for axis in axes] == [True, True, False]
