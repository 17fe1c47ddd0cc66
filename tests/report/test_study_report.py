"""The report of a study: sound pictures, text that cannot break out, a bounded size."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rackwright.report.study_html import page
from rackwright.report.study_svg import plot
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row
from rackwright.study.study import Study

STUDY = """{"name": "<b>&", "question": "</style><script>x</script>", "base": {"system": "aep",
"topology": "none.json"}, "axis": [{"path": "seed", "name": "n<", "values": [1]}],
"metrics": ["itl_mean_s"], "notes": "a<b"}"""


class Balanced(HTMLParser):
    """Notes tags that are not closed, and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def result(count: int) -> StudyResult:
    rows = tuple(Row(number, {"n<": number}, {"itl_mean_s": 0.001 * number}, {}, {},
                     {"text": "<i>gpu</i> & more", "resource": "g", "utilisation": 0.5},
                     {"": "a" * 64})
                 for number in range(count))
    return StudyResult(Study.model_validate_json(STUDY), rows)


def test_the_page_is_closed_and_holds_no_code() -> None:
    parser = Balanced()
    parser.feed(page(result(3)))
    assert not parser.open
    assert not parser.seen & {"script", "link", "img", "iframe", "i"}


def test_a_long_study_stays_below_a_megabyte() -> None:
    text = page(result(20_000))
    assert len(text.encode()) < 1_000_000 and "19500 more in results.csv" in text


@pytest.mark.parametrize("points", [
    [(1, 2.0), (2, 3.0)], [(1, 0.0)], [(1, 5.0), (2, 5.0)], [("a", 1.0), ("b<", 2.0)],
    [(1, 1e-9), (10, 1e9), (1e6, 3.0)], [(0, -3.0), (1, 4.0)], [(True, 1.0), (False, 2.0)],
    [(1, 1.0), (40, 2.0)], [(5, 0.02), (5, 0.03), (5, 0.9)]])
def test_a_picture_is_sound_and_inside_its_frame(points: list[tuple[object, float]]) -> None:
    svg = plot({"one <": points, "two": points}, "x & y", "y", str, str)
    root = ET.fromstring(svg)
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    marks = [mark for mark in root.iter() if mark.tag.endswith("circle")]
    assert len(marks) == len(points) + 1  # and one in the legend
    for mark in marks:
        assert 0 <= float(mark.get("cx", "-1")) <= width
        assert 0 <= float(mark.get("cy", "-1")) <= height
    assert svg == plot({"one <": points, "two": points}, "x & y", "y", str, str)


def test_nothing_to_draw_is_no_picture() -> None:
    assert plot({}, "x", "y", str, str) == "" and plot({"a": []}, "x", "y", str, str) == ""


def test_the_topology_of_the_base_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    study = Study.model_validate_json('{"name": "d", "base": {"system": "aep"}}')
    text = page(StudyResult(study, ()), Path("."))
    assert "Topology of the base" in text and "nvswitch" in text and len(text) < 400_000
