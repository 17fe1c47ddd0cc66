"""Curves and maxima: a capped baseline's is known in closed form."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from rackwright.errors import UsageError
from rackwright.models.aep import AepOptions
from rackwright.models.aep.sweep import (
    Workload,
    load_point,
    maximum_of_rates,
    rate_curve,
    search_maximum,
)
from rackwright.topologies.fabric import Fabric
from rackwright.traces import Uniform, UniformLengths

SMALL = Workload(UniformLengths(Uniform(20, 40), Uniform(8, 12)), seed=2, most_seconds=40.0)
CAP = 4


@pytest.fixture(scope="module")
def capped() -> AepOptions:
    """Four requests at a time: its iterations take equally long, so its maximum is known."""
    return AepOptions.checked({"policy": "ep_framework", "ep_max_running": CAP,
                               "timeline_spans": 0})


@pytest.fixture(scope="module")
def most(dgx: Fabric, capped: AepOptions) -> float:
    """Requests/s: the cap over the time of ten iterations, from a run that is overloaded."""
    latency = load_point(dgx, 100.0, capped, SMALL).metrics["itl_mean_s"]
    return CAP / (10 * latency)


def test_a_curve_rises_until_it_is_flat(dgx: Fabric, capped: AepOptions, most: float) -> None:
    rates = (0.4 * most, 0.7 * most, 1.5 * most, 2 * most)
    points = rate_curve(dgx, rates, capped, SMALL)
    assert [point.rate for point in points] == list(rates)
    assert [point.overloaded for point in points] == [False, False, True, True]
    through = [point.throughput for point in points]
    assert through[0] < through[1] < through[2] == pytest.approx(through[3], rel=0.02)
    assert through[3] == pytest.approx(10 * most, rel=0.03)


def test_points_side_by_side_are_the_same(dgx: Fabric, capped: AepOptions, most: float) -> None:
    rates = (0.4 * most, 1.5 * most, 0.7 * most)
    with ThreadPoolExecutor(2) as executor:
        assert rate_curve(dgx, rates, capped, SMALL, executor=executor) == rate_curve(
            dgx, rates, capped, SMALL)


def test_what_a_process_is_handed_can_be_sent(dgx: Fabric, capped: AepOptions) -> None:
    fabric, options = pickle.loads(pickle.dumps((dgx, capped)))
    assert load_point(fabric, 30.0, options, SMALL) == load_point(dgx, 30.0, capped, SMALL)


def test_the_search_finds_the_cap(dgx: Fabric, capped: AepOptions, most: float) -> None:
    found = search_maximum(dgx, 0.5 * most, 1.5 * most, capped, SMALL, within=0.04)
    assert not found.overloaded
    # of 40 s of random arrivals some 5 % more or less come than should
    assert found.rate == pytest.approx(most, rel=0.15)


def test_maximum_of_rates_stops_at_the_first_overload(dgx: Fabric, capped: AepOptions,
                                                      most: float) -> None:
    rates = [share * most for share in (0.3, 0.6, 1.3, 1.6, 2.0)]
    assert maximum_of_rates(dgx, rates, capped, SMALL).rate == rates[2]
    assert maximum_of_rates(dgx, rates[:2], capped, SMALL).rate == rates[1]


def test_a_steady_window_is_found(dgx: Fabric) -> None:
    point = load_point(dgx, 30.0, AepOptions(timeline_spans=0), SMALL)
    assert point.metrics["stable"] == 1.0 and 0 < point.seconds <= 40


def test_a_search_elsewhere_is_refused(dgx: Fabric, capped: AepOptions, most: float) -> None:
    with pytest.raises(UsageError, match="is an overload already: lower `low`"):
        search_maximum(dgx, 2 * most, 3 * most, capped, SMALL)
    with pytest.raises(UsageError, match="is sustained: raise `high`"):
        search_maximum(dgx, 0.3 * most, 0.4 * most, capped, SMALL)
    with pytest.raises(UsageError, match="expected 0 < low < high"):
        search_maximum(dgx, 2.0, 1.0, capped, SMALL)
    for rates in ([], [2.0, 1.0], [1.0, 1.0]):
        with pytest.raises(UsageError, match="rates must ascend"):
            maximum_of_rates(dgx, rates, capped, SMALL)
