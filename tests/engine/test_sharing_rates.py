"""Rates of jobs that share resources: by hand, by certificate, and against flows on links."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import maxmin_faults, new_flows
from rackwright.engine.flows import flow_next_ps, flow_open
from rackwright.engine.sharing import resource_rates
from rackwright.errors import InputError

MATH, MEMORY = [1.0, 0.125], [0.125, 1.0]  # bound by math, bound by memory
Floats = npt.NDArray[np.float64]


def test_two_alike_that_fill_a_resource_run_at_half_the_rate() -> None:
    assert resource_rates([MEMORY, MEMORY]).tolist() == [0.5, 0.5]
    assert resource_rates([MATH] * 4).tolist() == [0.25] * 4


def test_complements_run_as_fast_as_alone_until_a_resource_is_full() -> None:
    assert resource_rates([[0.75, 0.25], [0.25, 0.75]]).tolist() == [1, 1]
    assert resource_rates([[0.75, 0.5], [0.25, 0.75]]).tolist() == [0.8, 0.8]
    assert resource_rates([MATH, MEMORY]).tolist() == [1 / 1.125] * 2


def test_who_does_not_use_the_full_resource_is_not_slowed() -> None:
    assert resource_rates([MEMORY, MEMORY, [0.5, 0.0]]).tolist() == [0.5, 0.5, 1.0]


def test_what_one_cannot_use_goes_to_the_others() -> None:
    """Levels: 1/2 as the first resource fills up, then 5/8 as the second does, then none."""
    rates = resource_rates([[0.5, 0.5], [1.5, 0.0], [0.0, 0.75], [0.0, 0.25]])
    assert rates.tolist() == [0.5, 0.5, 0.75, 0.75]


def test_weights_scale_shares_up_to_the_own_pace() -> None:
    assert resource_rates([[1.0], [1.0]], weight=[3.0, 1.0]).tolist() == [0.75, 0.25]
    assert resource_rates([[0.5], [1.0]], weight=[9.0, 1.0]).tolist() == [1.0, 0.5]


def test_weights_by_the_dominant_demand_share_the_resource_itself() -> None:
    """Dominant resource fairness: the small user keeps its pace, the large one gives way."""
    demand = np.array([[0.25], [1.0]])
    assert resource_rates(demand).tolist() == [0.8, 0.8]
    assert resource_rates(demand, weight=1 / demand.max(axis=1)).tolist() == [1.0, 0.75]


def test_a_better_class_takes_what_it_needs() -> None:
    demand = [[0.25, 0.75], [0.25, 0.5], [0.5, 0.5]]
    assert resource_rates(demand, priority=[0, 1, 1]).tolist() == [1.0, 0.25, 0.25]
    assert resource_rates(demand, priority=[2, 1, 0]).tolist() == [0.0, 1.0, 1.0]
    assert resource_rates([MATH, MATH, [0.0, 0.5]], priority=[0, 5, 9]).tolist() == [1, 0, 1]


def test_what_rounding_leaves_is_no_room_for_the_next_class() -> None:
    """1 - 0.1 x - 0.7 x - 0.7 x - 0.1 x - 0.8 x at x = 1 / 2.4 is 1.1e-16 in float64."""
    rates = resource_rates([[0.1], [0.7], [0.7], [0.1], [0.8], [1.0]], priority=[0] * 5 + [1])
    assert rates[0] == pytest.approx(1 / 2.4) and rates[5] == 0


def test_capacity_may_be_anything() -> None:
    assert resource_rates([[2.0, 3.0]] * 2, capacity=[8.0, 3.0]).tolist() == [0.5, 0.5]
    assert resource_rates([[1.0, 0.0], [0.0, 1.0]], capacity=[0.0, 1.0]).tolist() == [0.0, 1.0]
    assert resource_rates(np.zeros((0, 2))).tolist() == []


def test_scaling_demands_and_capacities_together_changes_nothing() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    demand, how = rng.random((9, 3)), {"priority": rng.integers(0, 2, 9)}
    one, other = (resource_rates(by * demand, capacity=by * 1.0, **how) for by in (1.0, 1024.0))
    assert one.tolist() == other.tolist()


def test_the_order_of_jobs_does_not_matter() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    demand, rank = rng.random((9, 3)), rng.integers(0, 2, 9)
    turn = rng.permutation(9)
    one, other = resource_rates(demand, priority=rank), resource_rates(demand[turn],
                                                                       priority=rank[turn])
    assert other == pytest.approx(one[turn], rel=1e-12)


DEMAND = st.sampled_from([0.0, 0.0, 0.1, 0.25, 1 / 3, 0.7, 1.0])
JOBS = st.lists(st.tuples(DEMAND, DEMAND, DEMAND, st.sampled_from([0.5, 1.0, 3.0]),
                          st.integers(0, 2)), min_size=1, max_size=8)


def certificate(demand: Floats, weight: Floats, rank: npt.NDArray[np.int64], rates: Floats
                ) -> list[str]:
    """A proof that rates are right, not by filling: every job runs at full speed, or uses a
    resource that its class and better ones fill, on which no job of its class is ahead of it."""
    faults = []
    if (demand.T @ rates > 1 + 1e-9).any() or (rates > 1).any():
        faults.append("too much is given")
    for job in np.flatnonzero(rates < 1):
        better = rank <= rank[job]
        full = demand[better].T @ rates[better] >= 1 - 1e-9
        same = rank == rank[job]
        ahead = same & (rates / weight > rates[job] / weight[job] + 1e-9)
        if not (full & (demand[job] > 0) & ~(demand[ahead] > 0).any(axis=0)).any():
            faults.append(f"job {job} could go faster")
    return faults


@settings(deadline=None, max_examples=300)
@given(jobs=JOBS)
def test_rates_have_a_certificate(jobs: list[tuple[float, ...]]) -> None:
    table = np.array(jobs)
    demand, weight, rank = table[:, :3], table[:, 3], table[:, 4].astype(np.int64)
    rates = resource_rates(demand, weight=weight, priority=rank)
    assert certificate(demand, weight, rank, rates) == []


def test_the_certificate_sees_wrong_rates() -> None:
    demand, one, rank = np.array([MEMORY, MEMORY]), np.ones(2), np.zeros(2, np.int64)
    assert certificate(demand, one, rank, np.array([0.5, 0.5])) == []
    for wrong in ([0.4, 0.6], [0.4, 0.4], [0.6, 0.6]):
        assert certificate(demand, one, rank, np.array(wrong)) != []


@settings(deadline=None, max_examples=60)
@given(jobs=st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.integers(1, 3)),
                     min_size=1, max_size=8))
def test_demands_of_0_and_1_are_flows_on_links(jobs: list[tuple[set[int], int]]) -> None:
    """A flow uses its links alike, and its own pace is a link of its own."""
    count = len(jobs)
    paths = [[*sorted(links), 4 + job] for job, (links, _) in enumerate(jobs)]
    flows = new_flows([1.0] * (4 + count), np.cumsum([0, *map(len, paths)]), np.concatenate(paths),
                      slots=8)
    for job, (_, weight) in enumerate(jobs):
        flow_open(flows, 0, job, 1.0, float(weight), job)
    flow_next_ps(flows, 0)
    assert maxmin_faults(flows) == []
    demand = np.array([[float(link in links) for link in range(4)] for links, _ in jobs])
    rates = resource_rates(demand, weight=[float(weight) for _, weight in jobs])
    assert rates == pytest.approx(flows.slots.rate[:count], rel=1e-12)


def test_rates_are_those_of_exact_fractions() -> None:
    demand = [[Fraction(at % 5 + 1, 8), Fraction(at % 3, 4)] for at in range(7)]
    rates: dict[int, Fraction] = {}
    while len(rates) < 7:
        rising = [job for job in range(7) if job not in rates]
        levels = [(Fraction(1), -1)]
        for resource in (0, 1):
            load = sum(demand[job][resource] for job in rising)
            used = sum(demand[job][resource] * rate for job, rate in rates.items())
            if load:
                levels.append(((1 - used) / load, resource))
        level, full = min(levels)
        rates |= {job: level for job in rising if full < 0 or demand[job][full]}
    found = resource_rates([[float(use) for use in one] for one in demand])
    assert found == pytest.approx([float(rates[job]) for job in range(7)], rel=1e-14)


@pytest.mark.parametrize(("demand", "how", "words"), [
    ([1.0], {}, r"demand is float64 of shape \(1,\); numbers of shape \(jobs, resources\)"),
    ([["a"]], {}, "demand is <U1 of shape"),
    ([[1.0, -1.0]], {}, r"demand\[0, 1\] is -1.0; a finite number, 0 or more, is needed"),
    ([[1.0]], {"weight": 0.0}, r"weight\[0\] is 0.0; more than 0 is needed"),
    ([[1.0]], {"priority": [0, 1]}, r"priority has shape \(2,\); there are 1 jobs"),
    ([[1.0]], {"capacity": [1.0, 1.0]}, r"capacity has shape \(2,\); jobs use 1 resources"),
    ([[1.0]], {"capacity": np.inf}, "resource 0 of station 0 has capacity inf")])
def test_impossible_mixes_are_refused(demand: Any, how: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        resource_rates(demand, **how)
