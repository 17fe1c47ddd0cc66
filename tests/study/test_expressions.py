"""The language of expectations: what it computes, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import InputError
from rackwright.study.expressions import Expression, NoValue

VALUES = {("a",): 3.0, ("b",): -2.0, ("base", "a"): 4.0, ("a", "ratio"): 0.75}


def value(text: str) -> float:
    return Expression.read(text).value(VALUES.__getitem__)


@pytest.mark.parametrize(("text", "wanted"), [
    ("a", 3.0), ("-b", 2.0), ("a + b * 2", -1.0), ("(a + b) * 2", 2.0), ("base.a / 8", 0.5),
    ("a.ratio", 0.75), ("min(a, b, 7)", -2.0), ("max(a, b)", 3.0), ("abs(b)", 2.0),
    ("sqrt(base.a)", 2.0), ("log2(8)", 3.0), ("a > b", 1.0), ("1 < a <= 3", 1.0),
    ("a > 1 and b > 1", 0.0), ("a > 1 or b > 1", 1.0), ("not a > 1", 0.0), ("a != 3", 0.0),
    ('a < "20ms"', 0.0), ('"20ms"', 0.02), ('"1KiB"', 1024.0), ('"100Gbps"', 1e11)])
def test_values(text: str, wanted: float) -> None:
    assert value(text) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("text", [
    "", "a +", "__import__('os').system('true')", "a.b.c.d", "a[0]", "lambda: 1", "a ** 2",
    "a if b else 1", "open('x')", "min(a, key=b)", "[a]", "a := 2", "(yield)", "'text'", "True",
    "a @ b", "f'{a}'", "a" * 500, "(" * 200 + "a" + ")" * 200, "min()", "a().b", "1j", "a; b",
    "b''", "'20'", "a is b", "x.__class__.__base__.__x__"])
def test_refusals(text: str) -> None:
    with pytest.raises(InputError):
        value(text)


@pytest.mark.parametrize("text", ["a / (a - 3)", "sqrt(b)", "log2(0)", "1e308 * 10"])
def test_what_has_no_value_says_so(text: str) -> None:
    with pytest.raises(NoValue, match="."):
        value(text)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.5, 1e6))
def test_arithmetic_is_that_of_floats(one: float, two: float, three: float) -> None:
    found = Expression.read("(x + y) / z - x * y").value(
        {("x",): one, ("y",): two, ("z",): three}.__getitem__)
    assert found == (one + two) / three - one * two


@given(st.text(max_size=60))
def test_no_text_does_anything_but_read_or_refuse(text: str) -> None:
    try:
        Expression.read(text)
    except InputError as problem:
        assert str(problem)
