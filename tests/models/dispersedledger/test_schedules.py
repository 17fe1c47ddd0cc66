"""The message-level protocol under an adversary: agreement, order, retrievability, linking."""

from __future__ import annotations

import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.models.dispersedledger.schedules import ROOM, play, run_schedules
from rackwright.models.dispersedledger.world import BAD, DL, GOOD, VERDICT, World, new_world
from rackwright.models.protocols.network import new_network

VARIANTS = ("hb", "hb_link", "dl_coupled", "dl")
BYZANTINE = ("silent", "equivocates", "garbles", "lies", "two_faced", "half", "copies")


def _blocks(world: World) -> bytes:
    assert world.matter is not None
    return world.matter.block.tobytes()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("nodes", "count"), [(4, 36), (7, 12), (16, 1)])
def test_schedules_keep_every_property(variant: str, nodes: int, count: int) -> None:
    found = run_schedules(count, nodes, variant=variant)
    assert not found.bad
    assert found.delivered >= count * 2 * nodes


@pytest.mark.parametrize("role", BYZANTINE)
def test_each_way_to_fail_is_borne(role: str) -> None:
    roles = [role, role, "slow", *["correct"] * 4]
    assert not run_schedules(4, 7, roles=roles).bad


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("nodes", "count"), [(4, 36), (7, 12), (16, 1)])
def test_eager_nodes_keep_every_property(variant: str, nodes: int, count: int) -> None:
    """They ask for blocks once these are complete: the order of timed replays."""
    assert not run_schedules(count, nodes, variant=variant, eager=True).bad


def test_common_coin() -> None:
    assert not run_schedules(20, 4, common_coin=True).bad


@pytest.mark.parametrize("seed", [1059, 1191])
def test_a_node_that_has_decided_goes_on_relaying(seed: int) -> None:
    """Schedules in which another correct node never ends its round otherwise."""
    assert not run_schedules(1, 4, first=seed, epochs=4).bad


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("nodes", "count"), [(4, 1500), (7, 200), (16, 15)])
def test_many_schedules(variant: str, nodes: int, count: int) -> None:
    assert not run_schedules(count, nodes, first=1000, epochs=4, variant=variant).bad


def test_a_bad_uploader_is_one_for_every_client() -> None:
    world = new_world(7, 3, DL)
    play(world, new_network(ROOM), 5, ["garbles", *["correct"] * 6])
    assert set(world.dispersal.table[1:, 0, VERDICT].tolist()) == {BAD}
    assert set(world.dispersal.table[1:, 1, VERDICT].tolist()) == {GOOD}


def test_a_schedule_is_its_seed() -> None:
    logs = []
    for _ in range(2):
        world, net = new_world(7, 3, DL), new_network(ROOM)
        heard = play(world, net, 11)
        logs.append((heard, world.ledger.log.tobytes(), _blocks(world)))
    assert logs[0] == logs[1]


def test_refusals() -> None:
    with pytest.raises(UnknownName, match="variant"):
        run_schedules(1, variant="pbft")
    with pytest.raises(UsageError, match="at most 1 Byzantine"):
        run_schedules(1, 4, roles=["lies", "lies", "correct", "correct"])
    with pytest.raises(UsageError, match="4 to 16 nodes"):
        run_schedules(1, 3)
    with pytest.raises(UsageError, match="at least one schedule"):
        run_schedules(0)
