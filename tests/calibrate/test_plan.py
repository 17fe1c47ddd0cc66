"""The plan is the same every time; whole groups are held, chosen by the seed alone."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from rackwright.calibrate import TABLES, Point, estimated_seconds, plan, sets
from rackwright.calibrate.measure_products import rows_per_expert
from rackwright.errors import UnknownName


def test_the_plan_is_the_same_every_time():
    assert plan() == plan()


def test_tables_are_measured_in_their_order():
    assert list(dict.fromkeys(point.table for point in plan())) == list(TABLES)


def test_no_point_comes_twice():
    points = [(point.table, point.values) for point in plan()]
    assert len(points) == len(set(points))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_alone_has_the_sets_it_has_in_the_whole_plan(name):
    assert plan([name]) == [point for point in plan() if point.table == name] != []


def test_values_are_those_a_table_allows():
    for point in plan():
        for value, words in zip(point.values, TABLES[point.table].keys.values(), strict=True):
            least = 0 if point.table == "streams" else 1  # 0: no second work, so no size
            assert value in words if words else isinstance(value, int) and value >= least, point


def test_a_group_is_in_one_set():
    seen = defaultdict(set)
    for point in plan():
        group = tuple(point[name] for name in TABLES[point.table].group)
        seen[point.table, group].add(point.set)
    assert {len(found) for found in seen.values()} == {1}


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if table.group])
def test_three_groups_in_ten_of_a_stratum_are_held(name):
    table, strata = TABLES[name], defaultdict(dict)
    for point in plan([name]):
        group = tuple(point[key] for key in table.group)
        strata[tuple(point[key] for key in table.stratum)][group] = point.set
    for groups in strata.values():
        held = sum(found == "held" for found in groups.values())
        assert held >= 1 and abs(held - sets.HELD_SHARE * len(groups)) <= 0.5


def test_another_seed_holds_other_groups(monkeypatch):
    before = plan(["gemm"])
    monkeypatch.setattr(sets, "SEED", sets.SEED + 1)
    assert [point.set for point in plan(["gemm"])] != [point.set for point in before]


def test_sets_do_not_depend_on_the_order_of_points():
    points = plan(["expert"])
    assert sets.assign(reversed(points)) == points[::-1]


def test_a_single_group_is_for_fitting():
    only = [Point("expert", (4, 5, tokens), "held") for tokens in (1, 2)]
    assert [point.set for point in sets.assign(only)] == ["fit", "fit"]


def test_an_unknown_table():
    with pytest.raises(UnknownName, match=re.escape("'gem'. Did you mean 'gemm'?")):
        plan(["gem"])


def test_the_estimate_adds_up():
    points = plan(["power", "launch"])
    assert estimated_seconds(points) == pytest.approx(
        sum(TABLES[point.table].seconds for point in points))


@pytest.mark.parametrize("skew", ["even", "zipf"])
@pytest.mark.parametrize(("rows", "experts"), [(0, 3), (2, 8), (8192, 160)])
def test_every_row_goes_to_one_expert(rows, experts, skew):
    counts = rows_per_expert(rows, experts, skew)
    assert sum(counts) == rows and len(counts) == experts and min(counts) >= 0
    assert counts == sorted(counts, reverse=True)
