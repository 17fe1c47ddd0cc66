"""Predicted rows with each parameter at both ends of its band."""

from __future__ import annotations

from types import ModuleType

import pytest

from rackwright.reproduce import Context, Row, Sensitivity, reproduce


def rows(*keys: str) -> dict[str, Row]:
    return {row.key: row for row in reproduce(ids=keys, sensitivity=True).rows}


def test_every_parameter_of_a_row_is_moved(plain: ModuleType) -> None:
    found = rows("held by both")["held by both"].sensitivities
    assert found == (Sensitivity("cap", 5, 3, 8, at_low=9.5, at_high=19.5),
                     Sensitivity("share", 0.5, 0.4, 0.6, at_low=pytest.approx(12.8),
                                 at_high=pytest.approx(14.2)))


def test_changes_are_relative(plain: ModuleType) -> None:
    row = rows("holds")["holds"]
    assert row.sensitivities is not None and row.simulated is not None
    assert row.sensitivities[0].changes(row.simulated) == pytest.approx((-0.4, 0.6))


def test_only_predicted_rows_and_stand_ins_that_have_a_number(plain: ModuleType) -> None:
    found = rows("holds", "missed", "ordered", "failing", "fitted", "fault", "file", "nothing")
    assert {key for key, row in found.items() if row.sensitivities is not None} == {
        "holds", "missed", "ordered/above"}
    assert found["missed"].sensitivities == ()


def test_none_without_being_asked(plain: ModuleType) -> None:
    assert reproduce(ids=["holds"]).rows[0].sensitivities is None


def test_no_work_is_repeated_that_never_took_the_parameter(plain: ModuleType) -> None:
    rows("holds", "held by both", "missed")
    # once as it is, then once for each end of cap, although two rows take it
    assert sorted(plain.WORK) == ["other", "shared", "shared", "shared"]


def test_the_row_itself_is_not_moved(plain: ModuleType) -> None:
    assert rows("holds")["holds"].simulated == reproduce(ids=["holds"]).rows[0].simulated == 10.0


def test_an_end_at_the_value_itself_is_not_simulated(plain: ModuleType,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(context: Context) -> float:
        calls.append(context.parameter("cap", 1))  # 20 % of 1 is no whole number
        return 10.0

    monkeypatch.setitem(plain.SIMULATIONS, "holds", counted)
    assert rows("holds")["holds"].sensitivities == (Sensitivity("cap", 1, 1, 1, 10.0, 10.0),)
    assert calls == [1]


def test_an_end_that_cannot_be_simulated_says_why(plain: ModuleType,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    def inverse(context: Context) -> float:
        return 10.0 / (context.parameter("cap", 1, low=0) * 1.0)

    monkeypatch.setitem(plain.SIMULATIONS, "holds", inverse)
    found = rows("holds")["holds"].sensitivities
    assert found == (Sensitivity("cap", 1, 0, 1, at_low=None, at_high=10.0,
                                 reason="at 0: ZeroDivisionError: float division by zero"),)
    assert found[0].changes(10.0) == (None, 0.0)
