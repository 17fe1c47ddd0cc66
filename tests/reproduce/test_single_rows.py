"""`keys` and `assess`, which the tests of a system use."""

from __future__ import annotations

from types import ModuleType

import pytest

from rackwright.errors import UnknownName
from rackwright.reproduce import State, assess, keys, reproduce


def test_a_row_is_the_one_of_the_whole(plain: ModuleType) -> None:
    whole = reproduce(["plain", "third"]).rows
    assert [assess(row.system, row.key) for row in whole] == list(whole)
    assert tuple(row.key for row in whole) == keys("plain") + keys("third")


def test_rows_share_work(plain: ModuleType) -> None:
    for key in ("holds", "fitted", "held by both"):
        assess("plain", key)
    assert plain.WORK == ["shared", "other"]


@pytest.mark.parametrize(("key", "stated"), [
    ("holds", True), ("missed", True), ("surprising", False), ("failing", False), ("bug", False),
    ("file", False)])
def test_whether_a_row_is_as_its_file_says(plain: ModuleType, key: str, stated: bool) -> None:
    assert assess("plain", key).as_stated is stated


@pytest.mark.parametrize(("key", "line"), [
    ("missed", "published 10, allowed 9 to 11, simulated 7: known miss"),
    ("ordered/above", "allowed from 1 s, simulated 1 s: holds"),
    ("bug", "published 10, allowed 9 to 11, simulated nothing: error (KeyError: 'x')")])
def test_a_row_in_a_line(plain: ModuleType, key: str, line: str) -> None:
    assert assess("plain", key).sentence == f"plain: {key}: {line}"


def test_unknown_names(plain: ModuleType) -> None:
    with pytest.raises(UnknownName, match="unknown row of plain 'hold'"):
        assess("plain", "hold")
    with pytest.raises(UnknownName, match="'plane'"):
        assess("plane", "holds")
    with pytest.raises(UnknownName):
        keys("plane")


def test_without_simulations(plain: ModuleType) -> None:
    assert assess("third", "alone").state is State.UNSIMULATED
