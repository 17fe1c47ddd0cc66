"""Flows opened, closed and re-shared from inside a kernel, at any time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import FOREVER_PS, Flows, grown_flows, kernel, maxmin_faults, new_flows
from rackwright.engine.flow_state import with_routes
from rackwright.engine.flows import (
    flow_close,
    flow_left,
    flow_next_ps,
    flow_open,
    flow_room,
    flow_set_bandwidth,
    flow_take,
)
from rackwright.errors import InputError

OPEN, NEXT, TAKE, CLOSE, LEFT, SET, ROOM = range(7)


@kernel
def play(flows, what, now_ps, item, value, tag):  # type: ignore[no-untyped-def]
    """One operation; returns what it gives as a float."""
    if what == OPEN:
        return float(flow_open(flows, now_ps, item, value, 1.0, tag))
    if what == NEXT:
        return float(flow_next_ps(flows, now_ps))
    if what == TAKE:
        return float(flow_take(flows, now_ps))
    if what == CLOSE:
        return flow_close(flows, now_ps, item)
    if what == LEFT:
        return flow_left(flows, now_ps, item)
    if what == SET:
        flow_set_bandwidth(flows, item, value)
        return 0.0
    return float(flow_room(flows))


class Player:
    """`play` with the flows and the clock kept."""

    def __init__(self, flows: Flows) -> None:
        self.flows, self.now = flows, 0

    def __call__(self, what: int, item: int = 0, value: float = 0.0, tag: int = 0) -> float:
        return float(play(self.flows, what, self.now, item, value, tag))


@pytest.fixture
def two_links() -> Player:
    """Routes 0: link 0; 1: link 1; 2: both; 3: none. 10 bytes/s each."""
    return Player(new_flows([10.0, 10.0], [0, 1, 2, 4, 4], [0, 1, 0, 1], slots=4))


def test_ends_move_when_a_flow_joins(two_links: Player) -> None:
    flow = two_links
    flow(OPEN, 0, 100.0)
    assert flow(NEXT) == 10e12
    flow.now = int(5e12)
    flow(OPEN, 2, 100.0)
    assert flow(NEXT) == 15e12  # 50 bytes left at 5 bytes/s


def test_one_re_share_for_all_that_happens_in_a_tick(two_links: Player) -> None:
    flow = two_links
    for _ in range(3):
        flow(OPEN, 0, 10.0)
    flow(NEXT)
    flow(NEXT)
    assert flow.flows.fills[0] == 1
    flow.now = int(3e12)
    assert [flow(TAKE) for _ in range(4)] == [0, 1, 2, -1]
    flow(NEXT)
    assert flow.flows.fills[0] == 2


def test_flows_that_end_together_come_by_their_number_even_in_old_slots(two_links: Player) -> None:
    flow = two_links
    first, second = flow(OPEN, 0, 10.0, 7), flow(OPEN, 0, 20.0, 8)
    flow(NEXT)
    flow.now = int(2e12)
    assert flow(TAKE) == first
    flow(OPEN, 1, 10.0, 9)  # in the slot of the first, ends with the second
    flow(NEXT)
    flow.now = int(3e12)
    slots = [int(flow(TAKE)), int(flow(TAKE))]
    assert slots == [second, first]
    assert flow.flows.slots.tag[slots].tolist() == [8, 9]


def test_a_closed_flow_leaves_its_share_to_the_others(two_links: Player) -> None:
    flow = two_links
    flow(OPEN, 0, 100.0)
    slot = int(flow(OPEN, 0, 100.0))
    flow(NEXT)
    flow.now = int(4e12)
    assert flow(LEFT, slot) == 80.0
    assert flow(CLOSE, slot) == 80.0
    assert flow(NEXT) == 12e12


def test_bandwidth_may_change_and_vanish_and_come_back(two_links: Player) -> None:
    flow = two_links
    slot = int(flow(OPEN, 0, 100.0))
    assert flow(NEXT) == 10e12
    flow.now = int(2e12)
    flow(SET, 0, 20.0)
    assert flow(NEXT) == 6e12
    flow.now = int(3e12)
    flow(SET, 0, 0.0)
    assert flow(NEXT) == float(FOREVER_PS)
    flow.now = int(9e12)
    assert flow(LEFT, slot) == 60.0
    flow(SET, 0, 60.0)
    assert flow(NEXT) == 10e12


def test_a_flow_that_takes_no_time_disturbs_nobody(two_links: Player) -> None:
    flow = two_links
    flow(OPEN, 0, 10.0)
    assert flow(NEXT) == 1e12
    flow(OPEN, 3, 5.0)
    flow(OPEN, 0, 0.0)
    assert flow(NEXT) == 0
    assert [flow(TAKE) for _ in range(3)] == [1, 2, -1]
    assert flow.flows.fills[0] == 1


def test_room_shrinks_and_grows(two_links: Player) -> None:
    flow = two_links
    for left in (3, 2, 1, 0):
        flow(OPEN, 2, 10.0)
        assert flow(ROOM) == left
    flow(NEXT)
    flow.flows = grown_flows(flow.flows)
    assert flow(ROOM) == 16
    flow(OPEN, 2, 10.0)
    assert flow(NEXT) == 4e12 + 1e12
    assert maxmin_faults(flow.flows) == []


def test_routes_can_be_added_longer_than_all_before(two_links: Player) -> None:
    flow = two_links
    for route in (0, 1, 2):
        flow(OPEN, route, 100.0)
    flow(NEXT)
    flow.flows = with_routes(flow.flows, [0, 1, 6], [1, 0, 1, 0, 1, 0])
    flow(OPEN, 5, 5.0)
    assert flow(NEXT) < float(FOREVER_PS)
    assert maxmin_faults(flow.flows) == []
    while flow.flows.live[0]:
        flow.now = int(flow(NEXT))
        while flow(TAKE) >= 0:
            assert maxmin_faults(flow.flows) is not None
    assert (flow.flows.links.first == -1).all()
    with pytest.raises(InputError, match=r"path_links\[0\] is 2 \(path 0\); there are 2 links"):
        with_routes(flow.flows, [0, 1], [2])


@settings(deadline=None, max_examples=100)
@given(steps=st.lists(st.tuples(st.sampled_from([OPEN, OPEN, CLOSE, SET, NEXT]),
                                st.integers(0, 30), st.integers(0, 10**6)), max_size=60))
def test_any_sequence_keeps_rates_fair_and_lists_whole(steps: list[tuple[int, int, int]]) -> None:
    offsets = [0, 1, 2, 3, 5, 7, 10]
    flow = Player(new_flows([10e3, 7e3, 3e3], offsets, [0, 1, 2, 0, 1, 1, 2, 0, 1, 2], slots=2))
    for what, item, value in steps:
        live = flow.flows.slots.ends[:flow.flows.live[0]]
        if what == OPEN:
            if flow(ROOM) == 0:
                flow.flows = grown_flows(flow.flows)
            flow(OPEN, item % 6, float(value))
        elif what == CLOSE and len(live):
            flow(CLOSE, int(live[item % len(live)]))
        elif what == SET:
            flow(SET, item % 3, float(value % 10_000))
        elif what == NEXT:
            end = flow(NEXT)
            assert end >= flow.now
            if end < float(FOREVER_PS):
                flow.now = int(end)
                assert flow(TAKE) >= 0
        flow(NEXT)
        assert maxmin_faults(flow.flows) == []
        assert_lists_are_whole(flow.flows)


def assert_lists_are_whole(flows: Flows) -> None:
    """Every link's list holds exactly the hops of the live flows that cross it."""
    slots, bits = flows.slots, int(flows.routes.hop_bits[0])
    wanted: dict[int, list[int]] = {}
    for slot in slots.ends[:flows.live[0]].tolist():
        if slots.filled[slot] >= 0:
            route = slots.route[slot]
            start, end = flows.routes.offsets[route:route + 2]
            for at, link in enumerate(flows.routes.links[start:end].tolist()):
                wanted.setdefault(link, []).append((slot << bits) + at)
    for link in range(len(flows.links.first)):
        found, hop, before = [], int(flows.links.first[link]), -1
        while hop >= 0:
            assert slots.last_hop[hop] == before
            found.append(hop)
            hop, before = int(slots.next_hop[hop]), hop
        assert sorted(found) == sorted(wanted.get(link, []))
        assert flows.links.hops[link] == len(found)
    busy: Any = flows.links.busy[:flows.links.busy_count[0]]
    assert sorted(busy.tolist()) == sorted(wanted)
