"""What the guide says is so: the columns of one's own CSV, and the figures of its example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rackwright.calibrate import TABLES
from rackwright.fidelity import text

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "fidelity.md").read_text(encoding="utf-8")
TOLERANCE = 1.0  # percentage points


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_that_a_table_needs(name):
    row, = re.findall(rf"^\| `{name}` \| (.*) \|$", GUIDE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == [*TABLES[name].keys, TABLES[name].values[0]]


def test_the_example_csv_can_be_read(tmp_path):
    from rackwright.fidelity.own import read_own

    example = GUIDE.partition("So does a CSV of your own:\n\n```\n")[2].partition("```")[0]
    (tmp_path / "a.csv").write_text(example)
    assert [len(rows) for rows in read_own(tmp_path / "a.csv").rows.values()] == [2]


def test_the_example_report_is_about_today_s(packaged):
    """Copy the lines of `rackwright fidelity` into the guide when this fails."""
    names, _, *shown = GUIDE.partition("```\noperation  ")[2].partition("```")[0].splitlines()
    lines = text(packaged).splitlines()
    first = shown[0].split("  ")[0] + " "
    place = next(i for i, line in enumerate(lines) if line.startswith(first))
    assert names.split() == lines[0].split()[1:]
    for line, now in zip(shown, lines[place:], strict=False):
        assert line.split()[0] == now.split()[0]
        assert numbers(line) == pytest.approx(numbers(now), abs=TOLERANCE)


def numbers(line):
    return [float(found) for found in re.findall(r"\d+\.\d|\b\d{3}\b", line)]
