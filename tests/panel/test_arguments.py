"""Arguments: numbers with units, limits, switches, choices."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.panel.scpi import Choice, Integer, Number, ScpiError, Switch, answer_text
from rackwright.panel.scpi.message import Argument

TIME = Number("time", "time", lambda _: (1e-6, 10.0, 0.5))
SHARE = Number("share", "share", lambda _: (0.0, 1.0, 1.0))
POWER = Number("power", "power", lambda _: (0.0, 1e9, 0.0))


def word(text: str) -> Argument:
    return Argument("word", text)


@pytest.mark.parametrize(("text", "value"), [
    ("5ms", 5e-3), ("5 ms", 5e-3), ("5 MS", 5e-3), ("0.25", 0.25), ("1E-3 S", 1e-3),
    ("MIN", 1e-6), ("maximum", 10.0), ("DEF", 0.5)])
def test_times(text: str, value: float) -> None:
    assert TIME.read(word(text), None) == value


def test_case_decides_where_it_must() -> None:
    assert POWER.read(word("5mW"), None) == 5e-3
    assert POWER.read(word("5MW"), None) == 5e6


def test_a_share_may_be_in_percent() -> None:
    assert SHARE.read(word("50 PCT"), None) == SHARE.read(word("0.5"), None) == 0.5


@pytest.mark.parametrize(("text", "number"), [
    ("5 furlongs", -131), ("5W", -131), ("eleven", -141), ("11", -222), ("-1", -222),
    ("nan", -141), ("inf", -222), ("1e999", -222), ("1_0", -121), ("5e", -131),
    ("1e40000", -123), ("1" * 256, -124), ("1.2.3", -121), ("--1", -121)])
def test_no_time(text: str, number: int) -> None:
    with pytest.raises(ScpiError) as problem:
        TIME.read(word(text), None)
    assert problem.value.number == number


def test_a_string_is_no_number() -> None:
    with pytest.raises(ScpiError) as problem:
        TIME.read(Argument("string", "5ms"), None)
    assert problem.value.number == -158


def test_switches_and_choices() -> None:
    assert [Switch("x").read(word(text), None) for text in ("ON", "off", "1", "0", "0.4")] == [
        True, False, True, False, False]
    assert Choice("mode", ("STEP", "REALtime")).read(word("real"), None) == "REALTIME"
    with pytest.raises(ScpiError, match="-224"):
        Choice("mode", ("STEP", "REALtime")).read(word("rea"), None)


def test_whole_numbers_are_rounded() -> None:
    assert Integer("mask", 0, 255).read(word("4.6"), None) == 5


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_an_answer_reads_back_the_same(value: float) -> None:
    assert float(answer_text(value)) == value
    assert b"." in answer_text(value) and b"E" in answer_text(value)


def test_what_is_no_number_reads_as_scpi_has_it() -> None:
    assert answer_text(math.nan) == b"9.91E+37" and answer_text(math.inf) == b"9.9E+37"
