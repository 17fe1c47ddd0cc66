"""Symmetric traffic solved by its classes: the finish times of every flow by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.share import share_flows, share_report
from rackwright.errors import Stalled

STEPS = 4e-12  # s: sums in another order may round an end up by a step
WIDTH = 12.5e9


def star_all_to_all(ranks: int) -> tuple[Any, Any, Any]:
    """Every rank to every other over one switch: up link, down link."""
    source, sink = np.nonzero(~np.eye(ranks, dtype=bool))
    links = np.stack([source, ranks + sink], axis=1).astype(np.int32).reshape(-1)
    return np.full(2 * ranks, WIDTH), np.arange(0, len(links) + 1, 2), links


def tree_all_to_all(ports: int) -> tuple[Any, Any, Any]:
    """Every host of a fat-tree to every other; the sink's number chooses the way up."""
    half = ports // 2
    hosts = half * half * ports
    source, sink = np.nonzero(~np.eye(hosts, dtype=bool))
    up, core = sink % half, sink // half % half
    edge, other = source // half, sink // half
    pod, there = edge // half, other // half
    near = edge == other
    inside = pod == there
    level = hosts * half  # links of one kind above the hosts: one an edge (or switch) and port
    parts = [source, np.where(near, -1, 2 * hosts + edge * half + up),
             np.where(inside, -1, 2 * hosts + level + (pod * half + up) * half + core),
             np.where(inside, -1, 2 * hosts + 2 * level + (there * half + up) * half + core),
             np.where(near, -1, 2 * hosts + 3 * level + other * half + up), hosts + sink]
    table = np.stack(parts, axis=1)
    offsets = np.concatenate([[0], np.cumsum((table >= 0).sum(axis=1))])
    return np.full(2 * hosts + 4 * level, WIDTH), offsets, table[table >= 0].astype(np.int32)


def both(*arguments: Any, **named: Any) -> tuple[Any, Any]:
    return share_report(*arguments, **named), share_report(*arguments, **named, classes=False)


def test_an_all_to_all_over_a_switch_is_one_class_and_ends_at_n_s_over_c() -> None:
    classes, alone = both(*star_all_to_all(24), 1 << 20)
    assert classes.classes == 1 and alone.classes == 24 * 23
    assert np.array_equal(classes.finish_time, alone.finish_time)
    assert classes.finish_time == pytest.approx(np.full(24 * 23, 23 * (1 << 20) / WIDTH),
                                                abs=STEPS)


@pytest.mark.parametrize("ports", [4, 6])
def test_an_all_to_all_on_a_fat_tree_with_structured_routes(ports: int) -> None:
    classes, alone = both(*tree_all_to_all(ports), 1e6)
    assert classes.classes < 20
    assert classes.finish_time == pytest.approx(alone.finish_time, abs=STEPS)


def test_a_ring_step_is_one_class() -> None:
    ranks = np.arange(64)
    links = np.stack([ranks, 64 + (ranks + 1) % 64], axis=1).reshape(-1)
    classes, alone = both(np.full(128, WIDTH), np.arange(0, 129, 2), links, 16_384)
    assert classes.classes == 1
    assert np.array_equal(classes.finish_time, alone.finish_time)


def test_random_paths_gain_nothing_and_are_solved_one_by_one(shuffle: Callable[..., Any]) -> None:
    load = shuffle(4, 100)
    report = share_report(*load.arguments[:3], 1e6)
    assert report.classes == 100


@pytest.mark.parametrize("what", ["nbytes", "start_time", "weight", "priority", "changes", "link"])
def test_whoever_differs_is_told_apart(what: str) -> None:
    """One rank differs: as many classes as roles towards it, and exact times for all."""
    width, offsets, links = star_all_to_all(12)
    count = len(offsets) - 1
    named: dict[str, Any] = {"nbytes": 1e6, "start_time": 0.0, "weight": 1.0, "priority": 0,
                             "changes": None}
    odd = (np.arange(count) == 5).astype(float)
    if what == "changes":
        named[what] = [(10**8, 3, WIDTH / 2), (2 * 10**8, 3, 0.0), (4 * 10**8, 3, WIDTH)]
    elif what == "link":
        width[3] /= 3
    else:
        named[what] = named[what] + odd * (1e-5 if what == "start_time" else 1)
    classes, alone = both(width, offsets, links, **named)
    assert 1 < classes.classes < count / 2
    assert classes.finish_time == pytest.approx(alone.finish_time, abs=STEPS)
    assert len(np.unique(alone.finish_time)) > 1


@st.composite
def copies(draw: st.DrawFn) -> dict[str, Any]:
    """A random load, several times on links of its own, beside shared ones: symmetric in part."""
    own, shared = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    times = draw(st.integers(8, 12))
    paths = draw(st.lists(st.lists(st.integers(0, own + shared - 1), min_size=0, max_size=4),
                          min_size=4, max_size=6))
    size = draw(st.lists(st.integers(0, 10**6), min_size=len(paths), max_size=len(paths)))
    start = draw(st.lists(st.integers(0, 10**8), min_size=len(paths), max_size=len(paths)))
    weight = draw(st.lists(st.sampled_from([1, 2, 30]), min_size=len(paths), max_size=len(paths)))
    width = draw(st.lists(st.integers(10**8, 10**10), min_size=own + shared,
                          max_size=own + shared))

    def moved(link: int, copy: int) -> int:
        return link * times + copy if link < own else own * times + link - own

    whole = [[moved(link, copy) for link in path] for copy in range(times) for path in paths]
    return {"link_bandwidth": np.concatenate([np.repeat(width[:own], times), width[own:]]),
            "path_offsets": np.cumsum([0, *map(len, whole)]),
            "path_links": np.array([link for path in whole for link in path], np.int64),
            "nbytes": np.tile(size, times), "start_time": np.tile(start, times) / 1e12,
            "weight": np.tile(weight, times)}


@settings(deadline=None, max_examples=100)
@given(case=copies(), mix=st.integers(0, 2**32 - 1))
def test_copies_of_a_load_are_collapsed_without_a_trace(case: dict[str, Any], mix: int) -> None:
    """Whatever the order of the flows."""
    order = np.random.default_rng(mix).permutation(len(case["nbytes"]))
    lengths = np.diff(case["path_offsets"])[order]
    case["path_links"] = np.concatenate([
        case["path_links"][case["path_offsets"][i]:case["path_offsets"][i + 1]] for i in order])
    case["path_offsets"] = np.cumsum([0, *lengths])
    for name in ("nbytes", "start_time", "weight"):
        case[name] = case[name][order]
    classes, alone = both(**case)
    assert classes.classes <= len(order) / 8
    assert classes.finish_time == pytest.approx(alone.finish_time, abs=2 * STEPS)


def test_a_stall_is_told_in_terms_of_the_flows_themselves() -> None:
    width, offsets, links = star_all_to_all(12)
    width[15] = 0.0  # the way down to rank 3
    words = []
    for classes in (True, False):
        with pytest.raises(Stalled) as stall:
            share_report(width, offsets, links, 1e6, classes=classes)
        words.append(str(stall.value))
    assert words[0] == words[1]
    assert "flow 2 (1000000 bytes left) waits for link 15" in words[0]
    assert words[0].endswith("; and 6 more flows")


def test_classes_are_used_without_asking() -> None:
    assert share_flows(*star_all_to_all(200), 1e6).shape == (200 * 199,)
