"""Rounds of halving-doubling and hierarchical: who sends what, whatever the set of ranks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies
from rackwright.topologies.collectives.layout import layout_of
from rackwright.topologies.collectives.schedules import schedule

FABRIC = topologies.compile(topologies.dgx("h100-sxm", hosts=3))
some_ranks = st.lists(st.sampled_from(FABRIC.gpus()), min_size=2, unique=True)


def moved(rounds):
    """Shares that every rank sends and gets, over all rounds."""
    sent, got = Counter(), Counter()
    for one in rounds:
        for (of, to), share in zip(one.pairs, one.share, strict=True):
            sent[of] += share * one.repeat
            got[to] += share * one.repeat
    return sent, got


def rounds_of(op, ranks, algorithm="halving_doubling"):
    return schedule(op, algorithm, layout_of(FABRIC, ranks))


@settings(max_examples=40, deadline=None)
@given(ranks=some_ranks)
def test_a_gather_brings_every_rank_what_it_lacks(ranks):
    """(p - 1) / p of the bytes, no part twice; and a scatter takes as much from every rank."""
    lacking = dict.fromkeys(ranks, pytest.approx(1 - 1 / len(ranks)))
    assert moved(rounds_of("all_gather", ranks))[1] == lacking
    assert moved(rounds_of("reduce_scatter", ranks))[0] == lacking


@settings(max_examples=40, deadline=None)
@given(ranks=some_ranks)
def test_a_scatter_backwards_is_a_gather(ranks):
    scatter, gather = (rounds_of(op, ranks) for op in ("reduce_scatter", "all_gather"))
    for there, back in zip(scatter, gather[::-1], strict=True):
        assert [(to, of) for of, to in there.pairs] == list(back.pairs)
        assert np.array_equal(there.share, back.share)


@settings(max_examples=40, deadline=None)
@given(ranks=some_ranks)
def test_every_round_of_an_all_reduce_is_a_swap_or_a_fold(ranks):
    """In a swap as many bytes come back as go; a rank sends once a round and gets once."""
    power = 1 << (len(ranks).bit_length() - 1)
    folds = 0
    for one in rounds_of("all_reduce", ranks):
        share = dict(zip(one.pairs, one.share, strict=True))
        assert len({of for of, _ in share}) == len({to for _, to in share}) == len(share)
        swap = all((to, of) in share and share[to, of] == part
                   for (of, to), part in share.items())
        folds += not swap
        assert len(share) == power if swap else len(share) == len(ranks) - power
    assert folds == (0 if power == len(ranks) else 2)


def test_halving_by_hand():
    shares = [set(one.share) for one in rounds_of("all_reduce", FABRIC.gpus()[:8])]
    assert shares == [{1 / 2}, {1 / 4}, {1 / 8}, {1 / 8}, {1 / 4}, {1 / 2}]
    sent, got = moved(rounds_of("all_reduce", FABRIC.gpus()[:8]))
    assert set(sent.values()) == set(got.values()) == {2 * 7 / 8}


def test_most_bytes_stay_with_neighbours():
    """Sixteen ranks on two hosts: a sixteenth of the bytes crosses, both ways of the sum."""
    rounds = rounds_of("all_reduce", FABRIC.gpus()[:16])
    crossing = [one for one in rounds if any(of[:2] != to[:2] for of, to in one.pairs)]
    assert len(crossing) == 2 and {part for one in crossing for part in one.share} == {1 / 16}


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 8), min_size=2, max_size=3))
def test_a_hierarchy_adds_up_every_part_once(sizes):
    """Inside a host of k ranks each part makes k - 1 hops and ends at its own rank; of the ring
    of m hosts every rail carries its part 2 (m - 1) / m times."""
    ranks = [f"h{host}/gpu{gpu}" for host, size in enumerate(sizes) for gpu in range(size)]
    rounds, rails = rounds_of("all_reduce", ranks, "hierarchical"), min(sizes)
    inside = moved([one for one in rounds if one.pairs[0][0][:2] == one.pairs[0][1][:2]])[0]
    for host, size in enumerate(sizes):
        found = sum(part for rank, part in inside.items() if rank.startswith(f"h{host}/"))
        assert found == pytest.approx(2 * (size - 1))
    across = moved([one for one in rounds if one.pairs[0][0][:2] != one.pairs[0][1][:2]])[0]
    hosts = len(sizes)
    assert across == {f"h{host}/gpu{rail}": pytest.approx(2 * (hosts - 1) / hosts / rails)
                      for host in range(hosts) for rail in range(rails)}


@pytest.mark.parametrize("sizes", [(4, 6), (1, 5), (3, 8, 4)])
def test_parts_of_unequal_hosts_arrive_where_they_are_added_up(sizes):
    """Follow part c of every host: each hop starts where the one before ended, at rank c last."""
    ranks = [f"h{host}/gpu{gpu}" for host, size in enumerate(sizes) for gpu in range(size)]
    rounds, parts = rounds_of("all_reduce", ranks, "hierarchical"), min(sizes)
    for host, size in enumerate(sizes):
        at = {part: f"h{host}/gpu{(part + 1) % size}" for part in range(parts)}
        for one in rounds[:max(sizes) - 1]:
            hops = {of: to for of, to in one.pairs if of.startswith(f"h{host}/")}
            at = {part: hops.get(place, place) for part, place in at.items()}
        assert at == {part: f"h{host}/gpu{part}" for part in range(parts)}
