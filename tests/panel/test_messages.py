"""Program messages: units, arguments, strings, blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.panel.scpi import ScpiError, block, quoted, units
from rackwright.panel.scpi.message import Unit


def one(message: bytes) -> Unit:
    (found,) = units(message)
    assert isinstance(found, Unit), found
    return found


def test_a_message_has_units_with_arguments() -> None:
    first, second, third = units(b" meas:pow? 'h0/gpu0' , 5 ms ;*OPC?; :SYST:ERR?\n")
    assert isinstance(first, Unit) and isinstance(second, Unit) and isinstance(third, Unit)
    assert first.words == ("MEAS", "POW") and first.query and not first.rooted
    assert [argument.text for argument in first.arguments] == ["h0/gpu0", "5 ms"]
    assert second.common and second.words == ("*OPC",)
    assert third.rooted


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_a_string_comes_back_as_it_was_written(text: str) -> None:
    found = one(b"X " + quoted(text).encode("latin-1"))
    assert found.arguments[0].kind == "string" and found.arguments[0].text == text


@given(st.binary(max_size=200))
def test_a_block_comes_back_as_it_was_written(content: bytes) -> None:
    first, second = units(b"X " + block(content) + b", 1;Y")
    assert isinstance(first, Unit) and isinstance(second, Unit)
    assert first.arguments[0].text.encode("latin-1") == content
    assert second.words == ("Y",)


@given(st.binary(max_size=300))
def test_any_bytes_give_units_or_one_error_at_the_end(message: bytes) -> None:
    found = units(message)
    assert all(isinstance(unit, Unit) for unit in found[:-1])


@pytest.mark.parametrize(("message", "number"), [
    (b"X 'open", -151), (b"X #215short", -161), (b"X #x", -161), (b"X 1,", -109),
    (b"X? Y Z'", -102),
    (b"\x80X", -101), (b"X::Y", -102), (b"*A:B", -102), (b"X 'a' 'b'", -102), (b"1X", -102)])
def test_what_cannot_be_read_is_a_standard_error(message: bytes, number: int) -> None:
    problem = units(message)[-1]
    assert isinstance(problem, ScpiError) and problem.number == number


def test_a_quoted_separator_separates_nothing() -> None:
    assert [argument.text for argument in one(b'X "a;b","c,d",\'say ""\'').arguments] == [
        "a;b", "c,d", 'say ""']
