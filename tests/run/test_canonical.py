"""Canonical JSON: one text for one value."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.canonical import canonical_json, content_hash, plain

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_the_text_reads_back_as_the_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_count(value: dict[str, int]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical_json(turned) == canonical_json(value)
    assert content_hash(turned) == content_hash(value)


def test_floats_have_their_shortest_text() -> None:
    assert canonical_json([0.1, 1.0, 1e-12, 2.0 / 3.0]) == "[0.1,1.0,1e-12,0.6666666666666666]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")], np.float64("nan"),
                                   {"a": np.array([1.0, np.inf])}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no canonical JSON form"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: 2}, b"x"])
def test_values_without_one_form_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_numpy_becomes_plain() -> None:
    found = plain({"a": np.float64(0.5), "b": np.arange(3), "c": np.bool_(True)})
    assert found == {"a": 0.5, "b": [0, 1, 2], "c": True}
    assert [type(entry) for entry in found["b"]] == [int, int, int]
    assert type(found["a"]) is float


def test_a_float_and_an_int_are_told_apart() -> None:
    assert content_hash(1) != content_hash(1.0)
