"""Plain-text tables: bounded width, no cell lost, the same on every terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rackwright.report.table import paragraph, table

CELL = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1,
               max_size=20)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    columns = draw(st.integers(1, 12))
    row = st.lists(CELL, min_size=columns, max_size=columns)
    return draw(row), draw(st.lists(row, max_size=5))


@given(tables(), st.integers(60, 120), st.sampled_from([1, 2]))
def test_no_line_is_wider_and_no_cell_is_lost(
        given_table: tuple[list[str], list[list[str]]], width: int, keep: int) -> None:
    header, rows = given_table
    text = table(header, rows, width, keep)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    for cell in (cell for row in (header, *rows) for cell in row):
        assert cell in words


def test_a_wide_table_is_cut_into_blocks_that_keep_pairs() -> None:
    header = ["", "alpha", "ratio", "beta", "ratio"]
    text = table(header, [["x" * 20, "1" * 20, "2.00x", "3" * 20, "4.00x"]], 60, keep=2)
    first, second = text.split("\n\n")
    assert "alpha" in first and "2.00x" in first and "beta" not in first
    assert "beta" in second and "4.00x" in second
    assert first.splitlines()[2].startswith("x" * 20)
    assert second.splitlines()[2].startswith("x" * 20)


def test_numbers_are_flush_right() -> None:
    assert table(["", "n"], [["a", "1"], ["bb", "100"]]) == (
        "      n\n-------\na     1\nbb  100\n")


def test_a_long_first_column_is_cut() -> None:
    text = table(["", "n"], [["y" * 200, "1"]], 60)
    assert "..." in text and max(map(len, text.splitlines())) <= 60


def test_a_paragraph_hangs_beside_its_label() -> None:
    text = paragraph("  aep", "word " * 30, 8, 40)
    lines = text.splitlines()
    assert lines[0].startswith("  aep   word")
    assert all(line.startswith(" " * 8) for line in lines[1:])
    assert max(map(len, lines)) <= 40
