"""The checks notice a protocol whose rules are broken: thresholds too low, roles too many."""

from __future__ import annotations

from rackwright.errors import ModelFault
from rackwright.models.dispersedledger.checks import problems
from rackwright.models.dispersedledger.schedules import ROOM, play
from rackwright.models.dispersedledger.world import DL, World, new_world
from rackwright.models.protocols.network import new_network


def _bad(world: World, roles: list[str] | None, count: int = 30) -> set[str]:
    """First words of what went wrong over some seeds."""
    net, found = new_network(ROOM), set()
    for seed in range(count):
        try:
            play(world, net, seed, roles)
        except ModelFault:
            found.add("no end")
            continue
        found |= {sentence.partition(" ")[0] for sentence in problems(world)}
    return found


def test_the_true_thresholds_pass() -> None:
    assert not _bad(new_world(4, 2, DL), ["equivocates", *["correct"] * 3])


def test_too_few_ready_break_the_agreement_on_a_root() -> None:
    world = new_world(4, 2, DL)
    world.dispersal.votes.limits[:] = 1, 1, 1       # N - f, f + 1, 2 f + 1
    assert "instance" in _bad(world, ["equivocates", *["correct"] * 3])


def test_a_changed_log_is_noticed() -> None:
    world = new_world(4, 2, DL)
    play(world, new_network(ROOM), 1, ["correct"] * 4)
    assert not problems(world)
    world.ledger.log[2, 0, 1] = world.ledger.log[2, 1, 1]
    assert any("different logs" in sentence for sentence in problems(world))
