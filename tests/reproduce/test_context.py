"""What a simulation is handed: work is shared, parameters are noted, files are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from rackwright.errors import Interrupted, UsageError
from rackwright.reproduce import Context, Parameter, Unavailable


def test_work_is_done_once_for_each_key() -> None:
    context, done = Context(), []
    for key in ("a", "b", "a"):
        context.once(key, lambda key=key: done.append(key))  # type: ignore[misc]
    assert done == ["a", "b"]


def test_an_error_of_shared_work_is_kept() -> None:
    context, calls = Context(), []

    def fail() -> None:
        calls.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            context.once("a", fail)
    assert len(calls) == 1


def test_an_interruption_is_not_kept() -> None:
    context = Context()

    def stop() -> float:
        raise Interrupted("now")

    with pytest.raises(Interrupted):
        context.once("a", stop)
    assert context.once("a", lambda: 3.0) == 3.0


@pytest.mark.parametrize(("value", "given", "band"), [
    (10.0, {}, (8.0, 12.0)), (-10.0, {}, (-12.0, -8.0)), (170, {}, (136, 204)), (1, {}, (1, 1)),
    (0.5, {"low": 0.4}, (0.4, 0.6)), (4, {"low": 2, "high": 8}, (2, 8))])
def test_a_parameter_has_a_band(value: float, given: dict[str, float], band: tuple[float, float]
                                ) -> None:
    context = Context()
    with context.noting() as taken:
        assert context.parameter("x", value, **given) == value
    assert taken["x"] == Parameter("x", value, *band)


@pytest.mark.parametrize("band", [{"low": 6.0}, {"high": 4.0}])
def test_a_band_holds_its_value(band: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="outside of its band"):
        Context().parameter("x", 5.0, **band)


def test_a_name_has_one_value() -> None:
    context = Context()
    context.parameter("x", 5.0)
    with pytest.raises(UsageError, match=r"'x' is 5.0 .* and 6.0"):
        context.parameter("x", 6.0)


def test_a_name_has_one_value_in_all_rows() -> None:
    context = Context()
    with context.noting():
        context.parameter("x", 5.0)
    with context.noting(), pytest.raises(UsageError, match="one name has one value"):
        context.parameter("x", 5.0, low=1.0)


def test_a_moved_parameter_moves_and_keeps_its_type() -> None:
    moved = Context().moved("cap", 204).moved("share", 1)
    assert moved.parameter("cap", 170) == 204 and type(moved.parameter("cap", 170)) is int
    assert type(moved.parameter("share", 0.5)) is float
    assert moved.parameter("other", 3) == 3


def test_parameters_of_shared_work_are_noted_for_everybody() -> None:
    context = Context()

    def inner() -> float:
        return context.parameter("x", 1.0)

    def outer() -> float:
        return context.once("inner", inner) + context.parameter("y", 1.0)

    for _ in range(2):
        with context.noting() as taken:
            context.once("outer", outer)
        assert set(taken) == {"x", "y"}
    with context.noting() as taken:
        context.once("inner", inner)
    assert set(taken) == {"x"}


def test_a_moved_context_repeats_only_work_that_took_the_parameter() -> None:
    context, done = Context(), []

    def work(given: Context, name: str) -> float:
        done.append(name)
        return given.parameter(name, 1.0)

    for given in (context, context.moved("x", 1.2)):
        for name in ("x", "y"):
            given.once(name, lambda given=given, name=name: work(given, name))  # type: ignore[misc]
    assert done == ["x", "y", "x", "y"]  # nothing was known when the second context was made
    done.clear()
    later = context.moved("x", 1.2)
    assert [later.once(name, lambda name=name: work(later, name)) for name in ("x", "y")  # type: ignore[misc]
            ] == [1.2, 1.0]
    assert done == ["x"]


def test_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x.csv").touch()
    context = Context(data=tmp_path)
    assert context.file("set/x.csv", source="s", licence="l") == tmp_path / "set" / "x.csv"
    assert context.file("set", source="s", licence="l") == tmp_path / "set"


@pytest.mark.parametrize(("folder", "words"), [
    (None, "no data folder is named"), ("there", "x.csv: not in the data folder")])
def test_a_missing_file_is_unavailable(folder: str | None, words: str, tmp_path: Path) -> None:
    context = Context(data=tmp_path / folder if folder else None)
    with pytest.raises(Unavailable, match=words) as problem:
        context.file("x.csv", source="https://example.org", licence="MIT")
    assert "MIT" in str(problem.value) and "https://example.org" in str(problem.value)


def test_progress_is_handed_on_and_may_be_absent() -> None:
    said: list[str] = []
    Context(progress=said.append).progress("now")
    Context().progress("now")
    assert said == ["now"]
