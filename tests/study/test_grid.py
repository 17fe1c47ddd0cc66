"""Axes and how their values are combined."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from rackwright import study
from rackwright.study.axes import Axis, Draw, Range

Write = Callable[..., Path]
TWO = """
[base]
system = "toy"
[base.options]
policy = "slow"
[[axis]]
path = "options.workers"
values = [1, 2, 3]
[[axis]]
path = "options.load"
name = "rho"
values = [0.5, 1.5, 2.5]
"""


def axes(path: Path) -> list[tuple[object, ...]]:
    return [tuple(point.axes.values()) for point in study.points(study.load(path))]


def test_a_grid_is_the_product_and_the_last_axis_changes_fastest(toy: object, write: Write) -> None:
    path = write('name = "g"\n' + TWO)
    assert axes(path) == list(product([1, 2, 3], [0.5, 1.5, 2.5]))
    point = study.points(study.load(path))[4]
    assert point.number == 4 and list(point.axes) == ["workers", "rho"]
    assert dict(point.scenario) == {"system": "toy", "seed": 0, "options.policy": "slow",
                                    "options.workers": 2, "options.load": 1.5}


def test_zip_goes_value_by_value(toy: object, write: Write) -> None:
    assert axes(write('name = "z"\ncombine = "zip"\n' + TWO)) == [(1, 0.5), (2, 1.5), (3, 2.5)]


def test_a_sample_is_part_of_the_grid_without_repeats(toy: object, write: Write) -> None:
    text = 'name = "r"\ncombine = "sample"\nsample = 5\nsample_seed = {}\n' + TWO
    found = axes(write(text.format(1)))
    every = list(product([1, 2, 3], [0.5, 1.5, 2.5]))
    assert len(set(found)) == 5 and found == sorted(found, key=every.index)
    assert found == axes(write(text.format(1))) != axes(write(text.format(2)))


def test_cases_change_several_paths(toy: object, write: Write) -> None:
    path = write('name = "c"\n[base]\nsystem = "toy"\n[[axis]]\nname = "size"\n[[axis.case]]\n'
                 'name = "small"\nset = { "options.workers" = 1, topology = "star:hosts=2" }\n'
                 '[[axis.case]]\nname = "big"\nset = { "options.workers" = 9, "seed" = 4 }\n')
    small, big = study.points(study.load(path))
    assert (small.axes, big.axes) == ({"size": "small"}, {"size": "big"})
    assert small.scenario["topology"] == "star:hosts=2" and "topology" not in big.scenario
    assert big.scenario["seed"] == 4 and big.scenario["options.workers"] == 9


def test_ranges_end_where_they_say() -> None:
    assert Range(start=0, stop=1, steps=5).values() == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert Range(start=1, stop=1000, steps=4, scale="log").values() == (1.0, 10.0, 100.0, 1000.0)
    assert Range(start=100, stop=400, steps=3, unit="Gbps").values() == (
        "100.0Gbps", "250.0Gbps", "400.0Gbps")
    assert Range(start=1, stop=3, steps=9, whole=True).values() == (1, 2, 3)


@pytest.mark.parametrize("draw", [
    Draw(low=1, high=2, count=50), Draw(distribution="log-uniform", low=1e-3, high=2, count=50),
    Draw(distribution="normal", mean=1.5, deviation=0.3, low=0.5, high=2, count=50)])
def test_draws_are_seeded_and_stay_inside(draw: Draw) -> None:
    values = draw.values()
    assert values == draw.values() and len(set(values)) > 20
    assert all(1e-3 <= float(value) <= 2 for value in values)
    assert draw.model_copy(update={"seed": 1}).values() != values


@pytest.mark.parametrize(("path", "column"), [
    ("options.rate", "rate"), ("link.nvlink.rate", "nvlink_rate"), ("seed", "seed"),
    ("device.h100-sxm.memory", "memory")])
def test_a_column_is_called_by_the_end_of_its_path(path: str, column: str) -> None:
    assert Axis(path=path, values=(1,)).column == column
