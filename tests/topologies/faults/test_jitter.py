"""Jitter of links and ranks: none is none, means are kept, the slowest grows as theory says."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.engine import share_flows
from rackwright.errors import UsageError
from rackwright.topologies import (
    capacity_changes,
    collective_time,
    compile,
    dgx,
    epochs,
    jitter,
    star,
    stragglers,
)


@pytest.fixture(scope="module")
def host():
    return compile(dgx("h100-sxm"))


def shares(**changed):
    arguments = {"mean": 0.7, "spread": 0.2, "step": 1e-3, "until": 20.0, "seed": 3} | changed
    return np.array([event.value for event in jitter(star(hosts=2), "h0=>s0", **arguments)
                     if event.action == "rate"])


def test_none_is_none(host):
    assert jitter(star(), "h*->s0", step=1.0, until=5.0) == ()
    assert set(stragglers(host.gpus(), 0.0).values()) == {1.0}
    one, two = (collective_time("all_reduce", 1 << 24, host, algorithm="halving_doubling", **slow)
                for slow in ({}, {"slow": stragglers(host.gpus(), 0.0)}))
    assert one == two


def test_a_spread_of_none_is_the_mean():
    assert set(shares(spread=0.0)) == {0.7}


@pytest.mark.parametrize(("mean", "spread"), [(0.7, 0.2), (0.7, 0.05), (0.95, 0.1), (0.2, 0.3)])
def test_mean_and_spread_are_those_asked_for(mean, spread):
    found = shares(mean=mean, spread=spread)
    assert len(found) == 20_000 and ((found >= 0) & (found <= 1)).all()
    assert found.mean() == pytest.approx(mean, abs=4 * spread / 20_000 ** 0.5)
    assert found.std() == pytest.approx(spread, rel=0.03)


def test_a_long_flow_gets_the_mean():
    """Whatever the spread; a constant share gives the same time exactly."""
    graph = star(hosts=2)
    fabric = compile(graph)
    route = fabric.routes([("h0", "h1")])
    nbytes = 0.7 * fabric.links.bandwidth[0] * 5.0

    def finish(spread):
        events = jitter(graph, "h0->s0", 0.7, spread, step=1e-3, until=10.0, seed=5)
        return share_flows(fabric.links.bandwidth, route.offsets, route.links, nbytes,
                           changes=capacity_changes(fabric, events))[0]
    assert finish(0.0) == pytest.approx(5.0, rel=1e-9)
    assert finish(0.2) == pytest.approx(5.0, rel=4 * 0.2 / 0.7 / 5000 ** 0.5)


def test_rows_are_in_order_of_time_and_end_as_they_began():
    graph = star(hosts=3)
    fabric = compile(graph)
    rows = capacity_changes(fabric, jitter(graph, "h*->s0", 0.5, 0.1, step=1e-6, until=1e-5))
    assert len(rows) == 6 * 11 and [row[0] for row in rows] == sorted(row[0] for row in rows)
    last = {link: bandwidth for _, link, bandwidth in rows}
    assert last == dict(enumerate(fabric.links.bandwidth))
    assert len(epochs(graph, jitter(graph, "h1=>s0", 0.5, 0.1, step=1.0, until=3.0))) == 4


def test_draws_belong_to_a_name():
    graph = star(hosts=4)
    alone = jitter(graph, "h2=>s0", 0.5, 0.1, step=1.0, until=4.0, seed=9)
    among = jitter(graph, "h*->s0", 0.5, 0.1, step=1.0, until=4.0, seed=9)
    assert set(alone) < set(among)
    assert alone == jitter(graph, "h2=>s0", 0.5, 0.1, step=1.0, until=4.0, seed=9)
    assert alone != jitter(graph, "h2=>s0", 0.5, 0.1, step=1.0, until=4.0, seed=8)
    few, many = (stragglers([f"h{n}" for n in range(count)], 0.1, seed=2) for count in (3, 30))
    assert few.items() < many.items()
    assert stragglers(["h0"], 0.1, seed=2, turn=1) != stragglers(["h0"], 0.1, seed=2)


@pytest.mark.parametrize("ranks", [1, 2, 8, 64])
def test_the_slowest_of_many(ranks):
    """Exponential draws: the mean of the largest of n is the n-th harmonic number."""
    names = [f"h{number}" for number in range(ranks)]
    slowest = [max(stragglers(names, 0.05, seed=1, turn=turn).values()) for turn in range(1200)]
    harmonic = sum(1 / number for number in range(1, ranks + 1))
    error = 0.05 * (np.pi ** 2 / 6 / 1200) ** 0.5
    assert np.mean(slowest) == pytest.approx(1 + 0.05 * harmonic, abs=4 * error)


def test_stragglers_make_a_collective_slower(host):
    times = [collective_time("all_reduce", 1 << 26, host, algorithm="halving_doubling",
                             slow=stragglers(host.gpus(), mean, seed=4))
             for mean in (0.0, 0.1, 0.4)]
    assert times[0] < times[1] < times[2]


@pytest.mark.parametrize("op", ["all_reduce", "all_to_all", "broadcast"])
def test_changes_of_links_in_a_collective(host, op):
    """Half of the rate from the start on is a host with half of the rate."""
    def time(**more):
        return collective_time(op, 1 << 28, host, in_switch=False, fidelity="flows", **more)
    pattern = "h0/gpu*->h0/nvswitch"
    half = capacity_changes(host, jitter(host.graph, pattern, 0.5, step=1.0, until=1.0))
    assert time(changes=[]) == time()
    late = [(row[0] + 10 ** 12, *row[1:]) for row in half]
    assert time(changes=late) == pytest.approx(time())
    assert 1.8 < time(changes=half) / time() < 2.1
    noisy = capacity_changes(host, jitter(host.graph, pattern, 0.5, 0.1, step=1e-4, until=0.02))
    assert time(changes=noisy) > time(changes=half)  # the slowest of many links, at every step


@pytest.mark.parametrize(("arguments", "words"), [
    ({"mean": 0.0}, "mean is 0.0; a share above 0"), ({"mean": 1.2}, "at most 1"),
    ({"spread": 0.5}, "spread is 0.5; shares of mean 0.7 .* below 0.4583"),
    ({"spread": -0.1}, "of 0 or more"), ({"mean": 1.0, "spread": 0.1}, "standard deviation of 0$"),
    ({"step": 0.0}, "step is 0.0"), ({"until": float("inf")}, "until is inf"),
    ({"seed": -1}, "seed is -1"), ({"step": 1e-6}, "at most 1000000 events")])
def test_what_cannot_be(arguments, words):
    with pytest.raises(UsageError, match=words):
        shares(**arguments)


def test_what_cannot_be_elsewhere(host):
    with pytest.raises(UsageError, match="no edge is named"):
        jitter(star(), "h9->s0", 0.5, step=1.0, until=1.0)
    with pytest.raises(UsageError, match="mean is -1"):
        stragglers(["h0"], -1)
    with pytest.raises(UsageError, match="turn is -1"):
        stragglers(["h0"], 0.1, turn=-1)
    with pytest.raises(UsageError, match="changes in time need fidelity='flows'"):
        collective_time("all_reduce", 1, host, changes=[(0, 0, 1.0)])
    for row, words in (((0, 9999, 1.0), "a link from 0 to"), ((-1, 0, 1.0), "0 ps or more"),
                       ((0, 0), "each row is")):
        with pytest.raises(UsageError, match=words):
            collective_time("all_reduce", 1, host, changes=[row], fidelity="flows")
