"""Systems side by side: the same bytes, and a process that ends early is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rackwright.errors import Interrupted
from rackwright.reproduce import Context, State, System, reproduce
from rackwright.reproduce.reproduction import Progress
from rackwright.reproduce.simulate import Job
from rackwright.reproduce.workers import longest_first

pytestmark = pytest.mark.usefixtures("plain")


@pytest.mark.parametrize("jobs", [2, 5])
def test_the_same_bytes_however_many_processes(jobs: int) -> None:
    alone = reproduce(jobs=1, sensitivity=True)
    beside = reproduce(jobs=jobs, sensitivity=True)
    assert alone.to_json() == beside.to_json()
    assert alone == beside


def test_the_system_with_most_to_simulate_is_begun_first(systems: tuple[System, ...]) -> None:
    jobs = [Job(system, system.claims(), system.claims().keys) for system in systems[::-1]]
    assert [jobs[number].system.name for number in longest_first(jobs)] == [
        "plain", "third", "second"]
    few = replace(jobs[-1], keys=("holds", "failing"), sensitivity=True)
    assert longest_first([jobs[1], few]) == [1, 0]  # one row of the two is moved


def test_the_same_bytes_twice() -> None:
    assert reproduce().to_json() == reproduce().to_json()


def test_a_process_that_ends_loses_its_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_DIES", "1")
    found = reproduce(["plain", "second"], ids=["holds", "dies", "nothing", "half"], jobs=2)
    assert [(row.key, row.state) for row in found.rows] == [
        ("holds", State.HOLDS), ("dies", State.ERROR), ("nothing", State.ERROR),
        ("half", State.HOLDS)]
    assert found.rows[1].reason == "the process of plain ended early (exit code 7)"


def collecting(said: list[tuple[float, float, str]]) -> Progress:
    return lambda done, total, text: said.append((done, total, text))


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_counts_rows(jobs: int) -> None:
    said: list[tuple[float, float, str]] = []
    reproduce(ids=["holds", "missed", "half"], progress=collecting(said), jobs=jobs)
    assert {text for _, _, text in said} == {"plain: holds", "plain: missed", "second: half",
                                             "second: halving"}
    assert {total for _, total, _ in said} == {3}
    done = [done for done, _, _ in said]
    assert done == sorted(done) and done[0] == 0 and done[-1] <= 2


def test_ctrl_c_keeps_what_is_done(plain: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(context: Context) -> float:
        raise KeyboardInterrupt

    monkeypatch.setitem(plain.SIMULATIONS, "missed", stop)  # type: ignore[attr-defined]
    with pytest.raises(Interrupted, match="1 of 3 rows are done") as stopped:
        reproduce(ids=["holds", "missed", "half"])
    partial = stopped.value.partial
    assert [row.key for row in partial.rows] == ["holds"]
    assert partial.left == ("plain: missed", "second: half")
