"""Optimising: ask and tell, equal trials for equal seeds, and resuming."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import study
from rackwright.errors import Interrupted, MissingTool, UnknownName, UsageError
from rackwright.study.pareto import undominated

Write = Callable[..., Path]
# bowl = (x1 - 1)^2 + (x2 + 2)^2
BOWL = """
name = "bowl"
[base]
system = "ishigami"
[[axis]]
path = "options.x1"
range = { start = -5.0, stop = 5.0, steps = 2 }
[[axis]]
path = "options.x2"
range = { start = -5.0, stop = 5.0, steps = 2 }
"""
TOY = """
name = "toy"
[base]
system = "toy"
[[axis]]
path = "options.workers"
range = { start = 1, stop = 64, steps = 2, whole = true }
[[axis]]
path = "options.policy"
values = ["fast", "slow"]
[pareto]
maximise = ["throughput"]
minimise = ["energy_j"]
"""


@pytest.fixture
def optuna() -> None:
    pytest.importorskip("optuna", reason="needs the extra [analysis]")


def best(found: study.Optimised, metric: str) -> float:
    return found.result.rows[found.best[0]].metrics[metric]


def test_it_finds_the_bottom_better_than_chance(ishigami: ModuleType, write: Write, optuna: None
                                                ) -> None:
    found = study.optimise(write(BOWL), minimise=["bowl"], trials=60)
    chance = study.optimise(write(BOWL), minimise=["bowl"], trials=60, optimiser="random")
    assert best(found, "bowl") < 0.3 and best(found, "bowl") < best(chance, "bowl")
    assert best(found, "bowl") == min(row.metrics["bowl"] for row in found.result.rows)


@pytest.mark.parametrize("optimiser", ["optuna", "random"])
def test_equal_seeds_ask_for_equal_trials(ishigami: ModuleType, write: Write, optuna: None,
                                          optimiser: str) -> None:
    one, other, third = (study.optimise(write(BOWL), minimise=["bowl"], trials=12, seed=seed,
                                        optimiser=optimiser).record() for seed in (0, 0, 1))
    assert one == other and one["trials"] != third["trials"]


def test_several_goals_give_a_front(toy: ModuleType, write: Write, optuna: None) -> None:
    found = study.optimise(write(TOY), trials=25)
    rows = found.result.rows
    assert (found.minimise, found.maximise) == (("energy_j",), ("throughput",))
    assert all(rows[number].axes["policy"] == "fast" for number in found.best)
    assert found.best == study.pareto_front(found.result)
    assert {row.axes["policy"] for row in rows} == {"fast", "slow"}
    assert "25 trials by optuna" in found.text()


def test_executors_and_jobs_change_nothing_and_batches_do(toy: ModuleType, write: Write,
                                                          optuna: None) -> None:
    path = write(TOY)
    plain = study.optimise(path, trials=24, batch=4)
    with ThreadPoolExecutor(3) as executor:
        other = study.optimise(path, trials=24, batch=4, executor=executor)
    assert other.result.to_json() == plain.result.to_json()
    assert [row.axes for row in plain.result.rows] != [
        row.axes for row in study.optimise(path, trials=24).result.rows]


def test_stopped_and_resumed(toy: ModuleType, write: Write, tmp_path: Path, optuna: None,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(TOY)
    whole = study.optimise(path, trials=20)
    told = 0

    def stop(*_: object) -> None:
        nonlocal told
        told += 1
        if told == 22:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--resume") as stopped:
        study.optimise(path, trials=20, out=tmp_path, progress=stop)
    partial = stopped.value.partial.rows
    assert 0 < len(partial) < 20
    assert [row.axes for row in partial] == [row.axes for row in whole.result.rows[:len(partial)]]
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    again = study.optimise(path, trials=20, out=tmp_path, resume=True)
    assert again.record() == whole.record()
    assert again.result.to_json() == whole.result.to_json()
    more = len({row.hash for row in whole.result.rows} - {row.hash for row in partial})
    assert len((tmp_path / "log").read_text().splitlines()) <= more


def test_trials_that_fail_are_told_as_failed(ishigami: ModuleType, write: Write, optuna: None
                                             ) -> None:
    path = write(BOWL.replace('"ishigami"', '"ishigami"\noptions = { bad = 0.0 }'))
    found = study.optimise(path, minimise=["bowl"], trials=30)
    assert found.result.failed and not set(found.best) & {row.number
                                                          for row in found.result.failed}
    assert "failed" in found.text() and "x1 is too large" in found.text()


class Halfway:
    """An optimiser of anybody's: the middle, then ever nearer to the lower corner."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Sequence[float] | None]] = []

    def ask(self) -> tuple[float, float]:
        return (0.5 ** (len(self.told) + 1),) * 2

    def tell(self, trial: int, costs: Sequence[float] | None) -> None:
        self.told.append((trial, costs))


def test_any_object_that_can_be_asked_and_told(ishigami: ModuleType, write: Write) -> None:
    mine = Halfway()
    found = study.optimise(write(BOWL), maximise=["bowl"], trials=3, optimiser=mine)
    assert [row.axes["x1"] for row in found.result.rows] == [0.0, -2.5, -3.75]
    assert [trial for trial, _ in mine.told] == [0, 1, 2]
    assert mine.told[0][1] == (-5.0,)  # 1 + 4, and more is better
    assert found.optimiser == "Halfway" and found.best == (2,)
    mine.told.append((0, None))
    monkey = Halfway()
    monkey.ask = lambda: (2.0, 0.0)  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="2 shares from 0 to 1"):
        study.optimise(write(BOWL), maximise=["bowl"], trials=1, optimiser=monkey)


def test_refusals(ishigami: ModuleType, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="needs a goal"):
        study.optimise(write(BOWL))
    with pytest.raises(UnknownName, match="'optuna'"):
        study.optimise(write(BOWL), minimise=["bowl"], optimiser="optun")
    with pytest.raises(UsageError, match="batches"):
        study.optimise(write(BOWL), minimise=["bowl"], trials=2, batch=3)
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingTool, match="--optimiser random"):
        study.optimise(write(BOWL), minimise=["bowl"])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_nothing_beats_a_front_and_something_beats_the_rest(costs: list[tuple[int, int]]) -> None:
    front = undominated(dict(enumerate(costs)))
    assert front
    for number, own in enumerate(costs):
        beaten = any(other[0] <= own[0] and other[1] <= own[1] and other != own for other in costs)
        assert beaten == (number not in front)
