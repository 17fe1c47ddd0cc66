"""Edges of the dispersal's thresholds, one vote at a time (N = 7, f = 2)."""

from __future__ import annotations

import pytest

from rackwright.models.dispersedledger.avid import hear_vote
from rackwright.models.dispersedledger.schedules import clear
from rackwright.models.dispersedledger.world import COMPLETE, DL, GOT, READY, World, new_world

N, F = 7, 2


@pytest.fixture
def world() -> World:
    made = new_world(N, 1, DL)
    clear(made)
    return made


def _votes(world: World, kind: int, senders: range, version: int = 0) -> None:
    for sender in senders:
        hear_vote(world, 0, sender, kind, 0, version)


def _readies(world: World) -> int:
    rows = world.outbox.rows[:int(world.outbox.size[0])]
    return int((rows[:, 2] == READY).sum())


def test_got_chunk_edge(world: World) -> None:
    _votes(world, GOT, range(N - F - 1))
    assert _readies(world) == 0
    _votes(world, GOT, range(N - F - 1))       # again: counted once
    assert _readies(world) == 0
    _votes(world, GOT, range(N - F - 1, N))
    assert _readies(world) == 1


def test_relay_edge(world: World) -> None:
    _votes(world, READY, range(F))
    assert _readies(world) == 0
    _votes(world, READY, range(F, F + 1))
    assert _readies(world) == 1


def test_complete_edge(world: World) -> None:
    _votes(world, READY, range(2 * F))
    assert world.dispersal.table[0, 0, COMPLETE] == 0
    _votes(world, READY, range(2 * F, 2 * F + 1))
    assert world.dispersal.table[0, 0, COMPLETE] == 1


def test_a_sender_votes_for_one_root(world: World) -> None:
    _votes(world, READY, range(F))
    _votes(world, READY, range(F), version=1)
    _votes(world, READY, range(F, 2 * F), version=1)
    assert world.dispersal.table[0, 0, COMPLETE] == 0
    assert _readies(world) == 0
