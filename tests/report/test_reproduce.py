"""Published against simulated: text, Markdown between marks, and a page that stands alone."""

from __future__ import annotations

import dataclasses
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rackwright.errors import InputError
from rackwright.report import reproduce as text
from rackwright.report.reproduce_html import fragment, page
from rackwright.report.reproduce_markdown import (
    check_marks,
    rows_markdown,
    summary_markdown,
    write_between_marks,
)
from rackwright.report.reproduce_moved import envelope, moved_rows
from rackwright.report.reproduce_plot import plot
from rackwright.reproduce import Claim, Reproduction, Row, Sensitivity, State


def claim(key: str = "x-1", **fields: object) -> Claim:
    given = {"id": key, "figure": "Fig 1", "claim": "gain over a baseline in a long sentence",
             "configuration": "eight | GPUs", "unit": "1", "kind": "predicted", **fields}
    if "low" not in given and "high" not in given:
        given = {"published": 2.0, "tolerance": 0.1, **given}
    return Claim.model_validate(given)


def made(*rows: Row) -> Reproduction:
    return Reproduction(rows, {"toy": "a <b>paper</b>"})


def judged(simulated: float, key: str = "x-1", **fields: object) -> Row:
    return Row.judged("toy", claim(key, **fields), simulated)


FOUND = made(
    judged(2.1), judged(4.1, "x-2", known_miss="too\nmany <caches> * of | them"),
    judged(9.0, "x-3", kind="check"), judged(30.0, "x-4", low=1.01),
    Row("toy", claim("x-5"), state=State.SKIPPED, reason="no file"),
    judged(2.0, "x-6", kind="fitted", fits="cap", fitted_on=("x-6",)))


@pytest.mark.parametrize(("fields", "goal"), [
    ({}, "2 +-10 %"), ({"tolerance": 0.0}, "2"), ({"tolerance": 1e-9}, "2 +-1e-07 %"),
    ({"published": 0.0027, "unit": "s"}, "2.7 ms +-10 %"), ({"low": 1.01}, ">= 1.01"),
    ({"high": 0.9, "published": 0.5}, "<= 0.9"), ({"low": 2e9, "high": 3e9, "unit": "B/s"},
                                                  "2 GB/s to 3 GB/s")])
def test_what_is_allowed(fields: dict[str, object], goal: str) -> None:
    assert text.goal(claim(**fields)) == goal  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "unit", "words"), [
    (46900.0, "tokens/s", "46.9k tok/s"), (-0.5, "s", "-0.5 s"), (None, "s", "-"),
    (1.00812, "1", "1.008"), (12.0, "records", "12 records")])
def test_a_number_has_its_unit(value: float | None, unit: str, words: str) -> None:
    assert text.number(value, unit) == words


@pytest.mark.parametrize(("simulated", "error"), [
    (2.1, "+5.0 %"), (1.0, "-50 %"), (2.0, "0 %"), (2.0000001, "0 %"), (6.0, "+200 %")])
def test_an_error_has_its_sign(simulated: float, error: str) -> None:
    assert text.error(judged(simulated)) == error


def test_notes() -> None:
    found = [text.notes_of(row) for row in FOUND.rows]
    assert found == [[], ["known miss: too many <caches> * of | them"], [], [],
                     ["skipped: no file"], ["fits cap, on x-6"]]


def test_what_many_rows_share_is_said_once() -> None:
    skipped = [Row("toy", claim(f"x-{place}"), state=State.SKIPPED, reason=reason)
               for place, reason in enumerate(["no file"] * 4 + ["no net"] * 2)]
    assert text.notes([judged(2.0, "y"), *skipped]) == [
        ("x-0 to x-3 (4 rows)", "skipped: no file"), ("x-4, x-5", "skipped: no net")]


def moved(*found: Sensitivity, simulated: float = 2.0) -> list[str]:
    row = judged(simulated, known_miss=None if simulated == 2.0 else "far off")
    return text.notes_of(dataclasses.replace(row, sensitivities=found))[-1:]


def test_a_sensitivity_in_words() -> None:
    assert moved(Sensitivity("cap", 10, 8, 12, 1.9, 2.05),
                 Sensitivity("host_time", 7e-6, 5e-6, 9e-6, 2.0, None, "at 9e-6: too much")) == [
        "moves with cap 10, from 8 to 12: -5.0 % to +2.5 %; host_time 7 us, from 5 us to 9 us: "
        "0 % to - (at 9e-6: too much)"]
    assert moved() == ["takes no stand-in or fitted number"]


def test_what_a_row_does_not_follow_is_only_named() -> None:
    still = Sensitivity("skew", 1.0, 0.5, 1.5, 2.0, 2.0)
    assert moved(still, Sensitivity("cap", 10, 8, 12, 1.9, 2.1), still) == [
        "moves with cap 10, from 8 to 12: -5.0 % to +5.0 %; does not move with skew, skew"]
    assert moved(still) == ["does not move with skew"]


@pytest.mark.parametrize(("simulated", "ends"), [
    (2.0, "-50 % (misses) to +5.0 %"), (4.0, "-75 % to -48 % (holds)")])
def test_where_a_parameter_turns_a_row_is_said(simulated: float, ends: str) -> None:
    assert moved(Sensitivity("cap", 10, 8, 12, 1.0, 2.1), simulated=simulated) == [
        f"moves with cap 10, from 8 to 12: {ends}"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_text_fits_its_width(width: int) -> None:
    lines = text.reproduction_text(FOUND, width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(any(row.key in line for line in lines) for row in FOUND.rows)
    if width >= 80:  # the columns stand side by side
        assert lines[1].startswith("row ") and lines[1].endswith(" state")


def test_the_headline_ends_the_text() -> None:
    found = text.reproduction_text(FOUND)
    assert "all  2 of 4 predicted values hold; 1 known to miss, 1 skipped" in found
    assert found.splitlines()[-1].startswith("CHANGED toy: x-3: published 2, ")


def test_markdown_counts() -> None:
    assert summary_markdown(FOUND).splitlines()[2:] == ["| toy | 4 | 2 | 1 | 0 | 1 | 2 |",
                                                        "| all | 4 | 2 | 1 | 0 | 1 | 2 |"]


def test_markdown_cells_are_safe() -> None:
    lines = rows_markdown(FOUND).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {8}
    assert r"* x-2: known miss: too many \<caches\> \* of \| them" in lines


BOTH = ("head\n<!-- reproduce summary -->\nstale\n<!-- reproduce end -->\nbody\n"
        "<!-- reproduce rows -->\n<!-- reproduce end -->\ntail\n")


def test_marks_are_filled_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(BOTH)
    for _ in range(2):  # the second time changes nothing
        write_between_marks(path, FOUND)
        assert path.read_text() == BOTH.replace("stale\n", summary_markdown(FOUND)).replace(
            "rows -->\n", "rows -->\n" + rows_markdown(FOUND))


@pytest.mark.parametrize("wrong", [
    "", BOTH.replace("end -->\nbody", "ends -->\nbody"), BOTH.replace("summary", "summery"),
    BOTH.replace("<!-- reproduce rows -->\n", ""),
    BOTH.replace("<!-- reproduce end -->\nbody\n", "")])
def test_wrong_marks_are_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(wrong)
    with pytest.raises(InputError, match="reproduce end"):
        check_marks(path)


class Tags(HTMLParser):
    """Checks that tags are closed in order, and keeps them with their attributes."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone() -> None:
    content = page(FOUND)
    tags = Tags(content).seen
    assert not [tag for tag, _ in tags if tag in ("script", "link", "img", "iframe")]
    assert not [attrs for _, attrs in tags if {"src", "href", "onclick"} & set(attrs)]
    assert "<caches>" not in content and "&lt;caches&gt;" in content
    assert "<b>" not in content
    assert sum(tag == "h2" for tag, _ in tags) == 2  # the plot, the system
    assert page(FOUND) == content


def test_the_fragment_has_no_style() -> None:
    tags = [tag for tag, _ in Tags(fragment(FOUND)).seen]
    assert "style" not in tags and tags.count("tr") == 1 + len(FOUND.rows)
    assert FOUND._repr_html_() == fragment(FOUND)


def marks(found: Reproduction) -> tuple[list[float], list[tuple[float, float]], int]:
    """Centres of dots, (start, end) of bars, number of arrows."""
    root = ElementTree.fromstring(plot(found))
    name = "{http://www.w3.org/2000/svg}"
    bars = [(float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"]))
            for bar in root.iter(name + "rect")]
    dots = [float(dot.attrib["cx"]) for dot in root.iter(name + "circle")]
    return dots, bars, len(list(root.iter(name + "path")))


def test_a_dot_lies_on_its_bar_exactly_when_the_row_holds() -> None:
    rows = [judged(value, f"x-{place}", **fields) for place, (value, fields) in enumerate((
        (1.81, {}), (1.79, {}), (2.19, {}), (2.21, {}), (1.5, {"low": 1.2, "high": 1.6}),
        (1.7, {"low": 1.2, "high": 1.6}), (1.3, {"low": 1.1}), (0.9, {"low": 1.1}),
        (0.5, {"high": 0.9}), (1.0, {"high": 0.9})))]  # type: ignore[arg-type]
    dots, bars, _ = marks(made(*rows))
    on_bar = [low <= dot <= high for dot, (low, high) in zip(dots, bars, strict=True)]
    assert on_bar == [row.holds for row in rows]


def test_the_axis_is_logarithmic_and_the_far_is_an_arrow() -> None:
    dots, _, arrows = marks(made(*(judged(2.0 * share, f"x-{share}") for share in (0.5, 1, 2, 9))))
    assert dots[1] - dots[0] == pytest.approx(dots[2] - dots[1], abs=0.11)
    assert (len(dots), arrows) == (3, 1)


@pytest.mark.parametrize("row", [
    Row("toy", claim()), judged(-1.0), judged(0.0), judged(1.0, published=0.0),
    judged(1.0, low=-2.0)])
def test_what_has_no_place_on_the_axis_is_left_out(row: Row) -> None:
    assert plot(made(row)) == ""
    assert "NaN" not in page(made(row)) and str(math.inf) not in page(made(row))


def with_moves() -> Reproduction:
    cap = Sensitivity("cap", 10, 8, 12, 1.0, 2.1)
    still = Sensitivity("step_time", 2e-3, 1e-3, 3e-3, 2.0, 2.0)
    lost = Sensitivity("cap", 10, 8, 12, None, 4.2, "at 8: too small")
    return made(dataclasses.replace(judged(2.0), sensitivities=(cap, still)),
                dataclasses.replace(judged(4.0, "x-2", known_miss="far"), sensitivities=(lost,)),
                judged(2.0, "x-3", kind="check"))


def test_a_line_for_each_number_that_stands_in() -> None:
    assert moved_rows(with_moves().rows) == [
        ["cap", "10", "8", "12", "2", "2", "x-1: -50 % to +5.0 %", "x-1"],
        ["step_time", "2 ms", "1 ms", "3 ms", "1", "0", "-", "-"]]
    assert moved_rows(FOUND.rows) == []


def test_the_range_of_a_row_over_all_of_them() -> None:
    assert [envelope(row) for row in with_moves().rows] == ["1 to 2.1", "4 to 4.2", "-"]


def test_markdown_shows_both() -> None:
    lines = rows_markdown(with_moves()).splitlines()
    table = [line for line in lines if line.startswith("| x-")]
    assert [line.split(" | ")[-1] for line in table] == ["1 to 2.1 |", "4 to 4.2 |", "- |"]
    assert "Numbers that are fitted or stand in:" in lines
    assert "| cap | 10 | 8 | 12 | 2 | 2 | x-1: -50 % to +5.0 % | x-1 |" in lines
    assert not any("moves with" in line for line in lines)
    assert "moved" not in rows_markdown(FOUND)


def test_the_page_shows_the_numbers_too() -> None:
    text = page(with_moves())
    assert "<h3>Numbers that are fitted or stand in</h3>" in text and "step_time" in text
    assert "<h3>" not in page(FOUND)
