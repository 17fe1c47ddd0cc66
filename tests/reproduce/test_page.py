"""The page of published against simulated has every claim of every system, once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rackwright.reproduce import keys, listed
from rackwright.reproduce.claim import COUNTED, UNITS
from rackwright.units import BASE_UNITS, format_bandwidth

PAGE = Path(__file__).parents[2] / "docs" / "reproduction.md"
README = PAGE.parents[1] / "README.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def tables() -> dict[str, list[str]]:
    """System -> keys in the table of its section, in order."""
    found: dict[str, list[str]] = {}
    text = PAGE.read_text().split("<!-- reproduce rows -->")[1]
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        head, _, body = section.partition("\n")
        rows = body.split("Numbers that are fitted or stand in:")[0]
        found[head.partition(":")[0]] = [
            line.split(" | ")[0].removeprefix("| ").replace("\\", "")
            for line in rows.splitlines() if line.startswith("| ")][2:]
    return found


def test_the_page_has_the_claims_of_the_files() -> None:
    wanted = {system.name: list(rows) for system, _, rows in listed()}
    assert {name: list(keys(name)) for name in wanted} == wanted
    assert tables() == wanted, "run `make reproduce`"


@pytest.mark.parametrize("page", [PAGE, README], ids=["page", "readme"])
def test_the_counts_are_those_of_the_files(page: Path) -> None:
    text = page.read_text().split("<!-- reproduce summary -->")[1].split("<!-- reproduce end")[0]
    rows = [line.strip("| ").split(" | ") for line in text.strip().splitlines()[2:]]
    found = {row[0]: (int(row[1]), int(row[-1])) for row in rows}
    wanted = {}
    for system, claims, _ in listed():
        predicted = sum(claim.kind == "predicted" for claim in claims.rows)
        wanted[system.name] = predicted, len(claims.rows) - predicted
    totals = tuple(map(sum, zip(*wanted.values(), strict=True)))
    assert found == wanted | {"all": totals}, "run `make reproduce`"


def test_units_are_those_of_the_package_and_things_counted() -> None:
    assert UNITS == ("1", *BASE_UNITS, *COUNTED)
    assert set(BASE_UNITS) == {"s", "B", "bit", "Hz", "W", "J", "USD"}
    assert not set(BASE_UNITS) & set(COUNTED)


def test_bytes_are_written_as_sizes_everywhere() -> None:
    from rackwright.report.reproduce import number

    assert number(5e7, "bytes/s") == number(5e7, "B/s") == format_bandwidth(5e7) == "50 MB/s"
