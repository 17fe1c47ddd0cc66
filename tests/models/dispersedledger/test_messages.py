"""The replay by messages: conservation, closed forms, the fluid, safety under Byzantine sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.errors import OptionsError
from rackwright.models.dispersedledger import messages
from rackwright.models.dispersedledger.checks import running_problems
from rackwright.models.dispersedledger.measures import latency
from rackwright.models.dispersedledger.messages import timed
from rackwright.models.dispersedledger.world import VERDICT
from rackwright.run import replay

MB = 1e6
SEVEN = np.linspace(8, 14, 7) * MB
SETTINGS: dict[str, Any] = {"method": "messages", "tick": "5ms"}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The worlds of all replays of a test."""
    worlds: list[Any] = []

    def remember(*args: Any) -> Any:
        state = timed(*args)
        worlds.append(state.world)
        return state

    monkeypatch.setattr(messages, "timed", remember)
    return worlds


@pytest.mark.parametrize("variant", ["hb", "hb_link", "dl_coupled", "dl"])
def test_bytes_are_conserved_and_no_port_exceeds_its_rate(
        fluid: Callable[..., Any], variant: str) -> None:
    total = fluid(SEVEN, seconds=15.0, variant=variant, **SETTINGS).moving.total
    assert total[0].sum() == pytest.approx(total[1].sum())
    assert total[2].sum() == pytest.approx(total[3].sum())
    for way in (0, 1):      # votes of the last tick may still be owed
        assert (total[way] + total[way + 2] <= SEVEN * 15.0 * 1.002).all()
    assert (total[4] <= total[5] + 15 * 500e3 * 15).all()


def test_latency_without_load_is_five_delays(fluid: Callable[..., Any]) -> None:
    """Chunk, GotChunk, Ready, Viable, Agreement; the block is retrieved meanwhile."""
    found = fluid(np.full(4, 1e9), 0.1, 20.0, load="250B/s", propose_bytes="1MB", **SETTINGS)
    done = found.tables.delivered[2:20] - found.tables.proposed[2:20]
    assert done == pytest.approx(0.5, abs=0.015)       # a tick for a chunk to leave
    assert found.tables.complete[2, 0] - found.tables.proposed[2, 0] == pytest.approx(0.3, abs=.01)


@pytest.mark.parametrize("nodes", [4, 7])
def test_overshoot_of_equal_sites_is_all_that_is_asked_for(
        fluid: Callable[..., Any], nodes: int) -> None:
    """Chunks of equal servers arrive together, so a cancel spares little; N - 1 are asked."""
    total = fluid(np.full(nodes, 9 * MB), 0.1, 30.0, variant="hb_link", block="1MB",
                  **SETTINGS).moving.total
    most = (nodes - 1) / (nodes - 2 * ((nodes - 1) // 3))
    # blocks under way at the end count in what was pulled alone
    assert 0.7 * most < total[2].sum() / total[5].sum() <= most * 1.05


@pytest.mark.parametrize("variant", ["hb_link", "dl"])
def test_the_fluid_agrees_given_its_overshoot(fluid: Callable[..., Any], variant: str) -> None:
    rates = np.full(7, 10 * MB)
    more = {"variant": variant, "propose_time": "1s", "block": "500kB"}
    found = fluid(rates, 0.1, 40.0, **SETTINGS, **more)
    over = found.moving.total[2].sum() / (found.moving.total[5].sum() * 7 / 6)   # own blocks
    ticks = fluid(rates, 0.1, 40.0, retrieval_overshoot=float(over), **more)
    assert found.rates.mean() == pytest.approx(ticks.rates.mean(), rel=0.1)


def test_hb_loses_what_the_slow_propose(fluid: Callable[..., Any], kept: list[Any]) -> None:
    rates = np.linspace(4, 14, 7) * MB
    found, link = (fluid(rates, 0.1, 40.0, variant=variant, block="1MB", **SETTINGS)
                   for variant in ("hb", "hb_link"))
    committed = (found.tables.decided[1:8] < 1e9).any(axis=2).sum(axis=1)
    assert (committed >= 5).all()
    assert committed.mean() < 6.5
    assert link.rates.mean() > 1.15 * found.rates.mean()
    assert not [each for world in kept for each in running_problems(world)]


@pytest.mark.parametrize("role", ["silent", "slow", "garbles", "lies", "two_faced", "half",
                                  "copies", "equivocates"])
def test_byzantine_sites_stop_nobody(fluid: Callable[..., Any], kept: list[Any], role: str) -> None:
    found = fluid(np.full(4, 9 * MB), 0.05, 10.0, byzantine=role, **SETTINGS)
    assert not running_problems(kept[0])
    assert (found.moving.fetch[:3] > 8).all()
    assert (found.rates[:3] > 1 * MB).all()


def test_a_bad_uploaders_blocks_do_not_count(fluid: Callable[..., Any], kept: list[Any]) -> None:
    rates, more = np.full(4, 9 * MB), {"propose_time": "1s", **SETTINGS}
    good, bad = (fluid(rates, 0.05, 20.0, byzantine=role, **more) for role in ("none", "garbles"))
    assert bad.rates[:3] == pytest.approx(good.rates[:3] * 3 / 4, rel=0.02)
    assert set(kept[1].dispersal.table[:3, 3::4, VERDICT].ravel().tolist()) <= {0, 2}


def test_poisson_arrivals(fluid: Callable[..., Any]) -> None:
    def median(**more: Any) -> Any:
        found = fluid(np.full(4, 9 * MB), 0.05, 15.0, load="200kB/s", **SETTINGS, **more)
        values, _ = latency(found.made.rules, found.tables, 15.0)
        return float(np.median(values)), found.tables.nbytes
    even, _ = median()
    drawn, one = median(arrivals="poisson", seed=1)
    again, same = median(arrivals="poisson", seed=1)
    _, other = median(arrivals="poisson", seed=2)
    assert drawn == pytest.approx(even, rel=0.1)
    assert one.tobytes() == same.tobytes() != other.tobytes()
    assert again == drawn
    assert (one % 250 == 0).all()


def test_slices_do_not_matter(fluid: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    one = fluid(SEVEN, seconds=6.0, **SETTINGS)
    monkeypatch.setattr(messages, "SLICE_TIME", 0.37)
    two = fluid(SEVEN, seconds=6.0, **SETTINGS)
    assert one.tables.output.tobytes() == two.tables.output.tobytes()
    assert one.moving.total.tobytes() == two.moving.total.tobytes()


def test_room_grows(fluid: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    one = fluid(SEVEN, seconds=6.0, **SETTINGS)
    monkeypatch.setattr(messages, "ROOM", 1)
    two = fluid(SEVEN, seconds=6.0, **SETTINGS)
    assert one.moving.total.tobytes() == two.moving.total.tobytes()


def test_the_whole_replay() -> None:
    found = replay("dispersedledger", duration="5s", byzantine="silent", fairness="reno",
                   **SETTINGS)
    assert found.metrics["throughput_bytes_per_s"] > 5 * MB
    assert 1 < found.metrics["retrieval_overshoot"] < 2.7
    assert any("us-west-2" in note for note in found.notes)


def test_refusals(fluid: Callable[..., Any]) -> None:
    with pytest.raises(OptionsError, match="at most 1"):
        fluid(np.full(4, 9 * MB), byzantine="silent", byzantine_sites=2, **SETTINGS)
    with pytest.raises(OptionsError, match="method=ticks, byzantine=silent"):
        replay("dispersedledger", byzantine="silent", duration="5s")
    with pytest.raises(OptionsError, match="at most 61"):
        fluid(np.full(64, 9 * MB), **SETTINGS)
    with pytest.raises(OptionsError, match="shorter duration"):
        replay("dispersedledger", duration="3000s", **SETTINGS)
