"""An exchange of unequal parts: as an all_to_all when they are equal, bounds when not."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import all_to_allv_time, collective_time, transfers_time

FIT = catalog.collectives("nccl-h100").all_to_all_simple


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


FABRICS = {"host": topologies.dgx("h100-sxm"), "two": topologies.dgx("h100-sxm", hosts=2),
           "one adapter": topologies.dgx("h100-sxm", hosts=2, gpus=4, nics=1),
           "cube": topologies.hybrid_cube_mesh()}


@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("nbytes", [1, 4096, 2 ** 17, 2 ** 20, 2 ** 26])
def test_equal_entries_are_an_all_to_all(name, nbytes):
    fabric = topologies.compile(FABRICS[name])
    count = len(fabric.gpus())
    for protocol in (None, "ll", "simple"):
        found = all_to_allv_time(np.full((count, count), nbytes), fabric, protocol=protocol)
        assert found == pytest.approx(collective_time("all_to_all", count * nbytes, fabric,
                                                      protocol=protocol), rel=1e-9)


def test_what_a_rank_keeps_does_not_move(host):
    table = np.full((8, 8), 1 << 20)
    kept = table + np.diag(np.full(8, 1 << 30))
    assert all_to_allv_time(kept, host) == all_to_allv_time(table, host)
    assert all_to_allv_time(np.diag(np.full(8, 1 << 30)), host) == 0.0
    assert all_to_allv_time(np.zeros((8, 8), int), host) == 0.0


@settings(max_examples=40, deadline=None)
@given(table=arrays(np.int64, (8, 8), elements=st.integers(0, 2 ** 26)))
def test_no_port_carries_more_than_its_links(host, table):
    found = all_to_allv_time(table, host)
    moved = table * (1 - np.eye(8))
    assert found >= max(moved.sum(0).max(), moved.sum(1).max()) / 450e9


@settings(max_examples=30, deadline=None)
@given(table=arrays(np.int64, (8, 8), elements=st.integers(0, 2 ** 26)),
       order=st.permutations(range(8)))
def test_only_the_table_matters_on_a_crossbar(host, table, order):
    """Renaming ranks changes nothing."""
    found = all_to_allv_time(table, host)
    assert all_to_allv_time(table[np.ix_(order, order)], host) == pytest.approx(found, rel=1e-6)
    assert all_to_allv_time(table, host, [f"h0/gpu{gpu}" for gpu in order]) == pytest.approx(
        found, rel=1e-6)


def test_all_to_one_by_hand(host):
    """Seven entries through one port: as long as they take there."""
    table = np.zeros((8, 8), int)
    table[1:, 0] = 2 ** 28
    wire = 7 * 2 ** 28 / (450e9 * 0.836)
    found = all_to_allv_time(table, host)
    assert wire / FIT.long_share < found < wire / FIT.long_share + 1e-4
    assert all_to_allv_time(table.T, host) == pytest.approx(found)


def test_a_skewed_expert_costs_more_than_an_even_load(host):
    even = np.full((8, 8), 2 ** 24)
    skewed = even.copy()
    skewed[:, 3] *= 4
    assert skewed.sum() < 2 * even.sum()
    assert all_to_allv_time(skewed, host) > 3 * all_to_allv_time(even, host)


def test_a_single_entry_is_about_a_transfer(host):
    table = np.zeros((2, 2), int)
    table[0, 1] = 2 ** 30
    ranks = host.gpus()[:2]
    assert all_to_allv_time(table, host, ranks) == pytest.approx(transfers_time(
        [(ranks[0], ranks[1])], 2 ** 30, host), rel=0.2)  # two fits


def test_beside_other_traffic(host):
    table = np.full((8, 8), 2 ** 27)
    quiet, busy = (all_to_allv_time(table, host, traffic=traffic)
                   for traffic in ((), [("h0/gpu0", "h0/gpu1", math.inf)]))
    assert busy == pytest.approx(collective_time(
        "all_to_all", 2 ** 30, host, traffic=[("h0/gpu0", "h0/gpu1", math.inf)]), rel=1e-9)
    assert busy > 1.1 * quiet


@pytest.mark.parametrize(("table", "more", "error", "text"), [
    (np.zeros((2, 8), int), {}, UsageError, "nbytes has shape (2, 8); 8 ranks exchange a table of "
                                            "(8, 8), [from, to]"),
    (1024, {}, UsageError, "nbytes has shape (); 8 ranks"),
    ([[1, 2], [3]], {}, UsageError, "nbytes has rows of unequal lengths; 8 ranks"),
    (np.full((8, 8), -1), {}, UsageError, "nbytes must be whole numbers >= 0, not -1"),
    (np.full((8, 8), 1), {"protocol": "ll128"}, UnknownName, "unknown protocol 'll128'"),
    (np.full((8, 8), 1), {"ranks": ["h0/gpu0"]}, UsageError, "all_to_all needs two ranks"),
])
def test_wrong_calls(host, table, more, error, text):
    with pytest.raises(error, match=re.escape(text)):
        all_to_allv_time(table, host, **more)
