"""Edges of the dispersal's thresholds, one vote at a time (N = 7, f = 2)."""

from __future__ import annotations

import pytest

from rackwright.models.dispersedledger.avid import hear_vote
from rackwright.models.dispersedledger.schedules import clear
from rackwright.models.dispersedledger.world import COMPLETE, DL, GOT, READY, Core, new_world

N, F = 7, 2


@pytest.fixture
def core() -> Core:
    made = new_world(N, 1, DL)
    clear(made)
    return made.core


def _votes(core: Core, kind: int, senders: range, version: int = 0) -> None:
    for sender in senders:
        hear_vote(core, 0, sender, kind, 0, version)


def _readies(core: Core) -> int:
    rows = core.outbox.rows[:int(core.outbox.size[0])]
    return int((rows[:, 2] == READY).sum())


def test_got_chunk_edge(core: Core) -> None:
    _votes(core, GOT, range(N - F - 1))
    assert _readies(core) == 0
    _votes(core, GOT, range(N - F - 1))       # again: counted once
    assert _readies(core) == 0
    _votes(core, GOT, range(N - F - 1, N))
    assert _readies(core) == 1


def test_relay_edge(core: Core) -> None:
    _votes(core, READY, range(F))
    assert _readies(core) == 0
    _votes(core, READY, range(F, F + 1))
    assert _readies(core) == 1


def test_complete_edge(core: Core) -> None:
    _votes(core, READY, range(2 * F))
    assert core.dispersal.table[0, 0, COMPLETE] == 0
    _votes(core, READY, range(2 * F, 2 * F + 1))
    assert core.dispersal.table[0, 0, COMPLETE] == 1


def test_a_sender_votes_for_one_root(core: Core) -> None:
    _votes(core, READY, range(F))
    _votes(core, READY, range(F), version=1)
    _votes(core, READY, range(F, 2 * F), version=1)
    assert core.dispersal.table[0, 0, COMPLETE] == 0
    assert _readies(core) == 0
