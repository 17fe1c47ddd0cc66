"""The planner on the public A100 profiles: plans, GPU time, and how the limit acts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import build_costs
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import fixed_plan, plan_chain
from rackwright.traces import LayerProfile

Public = Callable[[str], LayerProfile]

# model, batch, gradients, GPUs, keyed: GPU-ms of data parallel, then of limits 1.5, 2, 5, 99
BUSY = {
    ("vgg", 16, "code", 4, False): (48.6, 32.4, 34.7, 34.7, 34.7),
    ("vgg", 16, "code", 8, False): (72.9, 32.8, 37.1, 42.7, 42.7),
    ("vgg", 16, "ring", 8, False): (87.2, 33.1, 38.3, 45.8, 45.8),
    ("vgg", 32, "code", 8, False): (97.3, 60.1, 65.0, 67.0, 67.0),
    ("vgg", 32, "ring", 8, False): (111.5, 60.7, 67.3, 70.1, 70.1),
    ("wrn", 16, "code", 8, False): (179.6, 75.9, 83.3, 169.1, 179.6),
    ("wrn", 32, "code", 8, False): (213.1, 124.5, 144.2, 213.1, 213.1),
    ("vgg", 16, "code", 8, True): (67.9, 38.4, 43.8, 46.2, 46.2),
    ("vgg", 32, "ring", 8, True): (110.5, 67.9, 74.7, 77.5, 77.5),
    ("wrn", 16, "code", 8, True): (179.4, 75.7, 83.1, 168.9, 179.4),
}


@pytest.mark.parametrize("row", BUSY, ids=str)
def test_gpu_time_is_that_of_two_earlier_programs(row: tuple[str, int, str, int, bool],
                                                  public: Public, flat: FlatNetwork) -> None:
    name, batch, counted, gpus, keyed = row
    costs = build_costs(public(name), flat, batch, gpus, keyed=keyed,
                        sync="code" if counted == "code" else "parameters")
    plans = [fixed_plan(costs, -1), *(plan_chain(costs, limit) for limit in (1.5, 2.0, 5.0, 99.0))]
    found = [plan.busy_time * 1e3 for plan in plans]
    assert found == pytest.approx(BUSY[row], abs=0.0501)


def test_plans_are_the_known_ones(public: Public, flat: FlatNetwork) -> None:
    small = build_costs(public("vgg"), flat, 16, 8, sync="code")
    large = build_costs(public("vgg"), flat, 32, 8)
    assert plan_chain(small, 5.0).text == "0-31 on 8, 32-36 on 1"
    assert plan_chain(small, 2.0).text == "0-16 on 8, 17-23 on 2, 24-31 on 4, 32-36 on 1"
    assert plan_chain(large, 2.0).text == "0-23 on 8, 24-31 on 4, 32-36 on 1"


def test_a_higher_limit_can_give_a_slower_plan(public: Public, flat: FlatNetwork) -> None:
    """As published: the test looks at one layer at a time."""
    costs = build_costs(public("vgg"), flat, 16, 8, sync="code")
    assert plan_chain(costs, 1.25).time > 1.15 * plan_chain(costs, 1.2).time


def test_a_longer_latency_changes_the_plan(public: Public) -> None:
    """The artefact's 240 us, by the keyed table: 12.62, 7.81, 7.20, 7.20 ms."""
    costs = build_costs(public("vgg"), FlatNetwork(2.66e11, 240e-6), 16, 8, sync="code",
                        keyed=True)
    found = [plan_chain(costs, limit).time * 1e3 for limit in (1.5, 2.0, 5.0, 99.0)]
    assert found == pytest.approx((12.62, 7.81, 7.20, 7.20), abs=0.00501)


def test_a_keyed_table_inflates_vgg(public: Public, flat: FlatNetwork) -> None:
    for batch, seq, keyed in ((32, 53.73, 60.51), (16, 29.39, 32.38)):
        found = [fixed_plan(build_costs(public("vgg"), flat, batch, 1, keyed=one), 0).time * 1e3
                 for one in (False, True)]
        assert found == pytest.approx((seq, keyed), abs=0.00501)


def test_inception_is_planned_with_its_branches(public: Public, flat: FlatNetwork) -> None:
    costs = build_costs(public("inception"), flat, 16, 8)
    plan = plan_layers(costs)
    assert plan.time < fixed_plan(costs, -1).time
    assert plan.most_gpus == 8 and plan.first.any()
    assert plan.busy_time <= 8 * plan.time
    assert plan_layers(costs, math.inf).time == plan.time
