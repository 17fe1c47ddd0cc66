"""What a claim comes to, one state at a time, and what that means for the exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.reproduce import Reproduction, Row, State, System, reproduce

EXPECTED = {
    "holds": State.HOLDS, "held by both": State.HOLDS, "missed": State.KNOWN_MISS,
    "surprising": State.SURPRISE, "failing": State.FAILS, "fitted": State.HOLDS,
    "ordered/above": State.HOLDS, "ordered/below": State.HOLDS, "fault": State.ERROR,
    "bug": State.ERROR, "undefined": State.ERROR, "file": State.SKIPPED,
    "dies": State.HOLDS, "nothing": State.KNOWN_MISS, "forgotten": State.ERROR}

pytestmark = pytest.mark.usefixtures("systems")


@pytest.fixture
def found() -> Reproduction:
    return reproduce(["plain"])


def one(found: Reproduction, key: str) -> Row:
    return next(row for row in found.rows if row.key == key)


def test_every_state(found: Reproduction) -> None:
    assert {row.key: row.state for row in found.rows} == EXPECTED
    assert set(EXPECTED.values()) == set(State) - {State.UNSIMULATED}


def test_a_system_without_simulations() -> None:
    found = reproduce(["third"])
    assert [row.state for row in found.rows] == [State.UNSIMULATED] * 2
    assert found.unsimulated == ("third",)
    assert found.exit_code == 0


@pytest.mark.parametrize(("key", "reason"), [
    ("fault", "the queue is negative at 2 s"), ("bug", "KeyError: 'x'"),
    ("undefined", "the simulation gave nan"),
    ("forgotten", "fake_plain.SIMULATIONS has no 'forgotten'")])
def test_an_error_is_one_line(found: Reproduction, key: str, reason: str) -> None:
    row = one(found, key)
    assert reason in row.reason and "\n" not in row.reason
    assert row.simulated is None and row.holds is None and row.changed


def test_a_skipped_row_says_what_is_missing(found: Reproduction) -> None:
    reason = one(found, "file").reason
    assert all(word in reason for word in (
        "traces/of_others.csv", "CC-BY-4.0", "https://example.org/set", "RACKWRIGHT_DATA"))
    assert not one(found, "file").changed


@pytest.mark.parametrize("named", ["argument", "environment"])
def test_a_row_finds_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
                              ) -> None:
    (tmp_path / "data" / "traces").mkdir(parents=True)
    (tmp_path / "data" / "traces" / "of_others.csv").write_text("4.1")
    if named == "environment":
        monkeypatch.setenv("RACKWRIGHT_DATA", str(tmp_path / "data"))
    found = reproduce(ids=["file"], data=tmp_path / "data" if named == "argument" else None)
    assert found.rows[0].simulated == 4.1 and found.rows[0].state is State.HOLDS


def test_a_data_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        reproduce(data=tmp_path / "nowhere")


@pytest.mark.parametrize(("keys", "code"), [
    (["holds", "missed", "file", "nothing"], 0), (["surprising"], 1), (["failing"], 1),
    (["fault"], 1), (["forgotten"], 1)])
def test_exit_code(keys: list[str], code: int) -> None:
    assert reproduce(ids=keys).exit_code == code


@pytest.mark.parametrize(("kind", "code"), [
    ("predicted", 1), ("check", 1), ("stand-in", 0), ("fitted", 0)])
def test_only_predicted_and_check_rows_change(systems: tuple[System, ...], kind: str, code: int
                                              ) -> None:
    fits = 'fits = "cap"\nfitted_on = ["half"]\n' if kind == "fitted" else ""
    path = systems[1].targets
    path.write_text(path.read_text().replace("0.5", "0.9").replace('"predicted"', f'"{kind}"')
                    + fits)
    found = reproduce(["second"])
    assert found.rows[0].state is State.FAILS
    assert found.exit_code == code


def test_the_headline_counts_predicted_rows_only(found: Reproduction) -> None:
    headline = found.headline
    assert headline.predicted == 9
    assert headline.met == 4  # holds, held by both, surprising, dies
    assert headline.text == ("4 of 9 predicted values hold; 1 of them despite a known miss, "
                             "2 known to miss, 2 in error, 1 skipped")


def test_bounds_are_allowed_themselves(systems: tuple[System, ...]) -> None:
    path = systems[1].targets
    path.write_text(path.read_text().replace("published = 0.5", "published = 0.4")
                    .replace("tolerance = 0.1", "tolerance = 0.25"))
    assert reproduce(["second"]).rows[0].state is State.HOLDS


def test_errors_are_relative(found: Reproduction) -> None:
    assert one(found, "missed").relative_error == pytest.approx(-0.3)
    assert one(found, "ordered/below").relative_error == pytest.approx(-2 / 3)
    assert one(found, "ordered/above").relative_error is None


def test_the_seed_reaches_the_simulations() -> None:
    assert [row.simulated for row in reproduce(ids=["ordered"], seed=4).rows] == [5.0, 5.0]


def test_rows_and_systems_are_picked() -> None:
    assert [row.key for row in reproduce(ids=["ordered"]).rows] == ["ordered/above",
                                                                    "ordered/below"]
    assert [row.key for row in reproduce(ids=["half", "ordered/below"]).rows] == [
        "ordered/below", "half"]
    assert {row.system for row in reproduce(["third", "second"]).rows} == {"second", "third"}


@pytest.mark.parametrize(("systems_named", "ids"), [
    (["plane"], None), (None, ["hold"]), (["second"], ["holds"]), (None, ["ordered/abov"])])
def test_unknown_names_are_refused(systems_named: list[str] | None, ids: list[str] | None) -> None:
    with pytest.raises(UnknownName, match="Known: "):
        reproduce(systems_named, ids=ids)


@pytest.mark.parametrize("arguments", [{"jobs": 0}, {"seed": -1}, {"seed": 1.5}])
def test_senseless_arguments_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        reproduce(**arguments)  # type: ignore[arg-type]


def test_a_simulation_without_a_row_is_every_rows_error(systems: tuple[System, ...]) -> None:
    path = systems[1].targets
    path.write_text(path.read_text().replace('"half"', '"whole"'))
    found = reproduce(["second"])
    assert found.rows[0].state is State.ERROR
    assert f"{path}: fake_second simulates 'half', which no row is about" in found.rows[0].reason


def test_data_of_the_environment_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "RACKWRIGHT_DATA", "")
    assert reproduce(ids=["file"]).rows[0].state is State.SKIPPED
