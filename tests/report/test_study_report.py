"""The report of a study: sound pictures, text that cannot break out, a bounded size."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rackwright import units
from rackwright.report.study_html import page
from rackwright.report.study_plots import pareto_plot, plots
from rackwright.report.study_svg import plot
from rackwright.study.analysis import pareto_front
from rackwright.study.grid import points
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
    shown = text.count("<td class=\"t\">&lt;i&gt;gpu")
    assert len(text.encode()) < 1_000_000 and 500 < shown < 20_000
    assert f"and {20_000 - shown} more in results.csv" in text


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


def test_each_topology_is_drawn_once_in_the_colours_of_its_first_point() -> None:
    study = Study.model_validate_json("""{"name": "d", "base": {"system": "aep"}, "axis": [
        {"path": "topology", "name": "t", "values": ["dgx-a100", "dgx-h100"]},
        {"path": "seed", "values": [1, 2]}], "metrics": ["itl_mean_s"]}""")
    rows = tuple(Row(point.number, point.axes, {"itl_mean_s": 1.0}, {}, {},
                     {"text": "busy", "resource": "g", "utilisation": 0.5}, {"": str(point.number)},
                     "gone" if point.number == 2 else "") for point in points(study))
    asked = []

    def kept(key: str) -> dict[str, Any]:
        asked.append(key)
        return {"result": {"link_utilisation": {"h0/gpu0->h0/nvswitch": 0.97},
                           "device_utilisation": {"h0/gpu3": 0.25}}}

    text = page(StudyResult(study, rows), Path("."), kept)
    assert asked == ["0", "3"]  # point 2 has an error
    assert text.count("<h3>") == 2 and "Point 3 (t = dgx-h100, seed = 2): busy." in text
    assert "h0/gpu0 - h0/nvswitch: nvlink3, busy 97 %" in text
    assert "h0/gpu3: a100-sxm-80, busy 25 %" in text
    assert "busy 97" not in page(StudyResult(study, rows), Path("."))


SEEDS = """{"name": "s", "base": {"system": "aep"}, "axis": [
    {"path": "limit", "values": [1, 2, 3]}, {"path": "seed", "values": [1, 2, 3, 4]}],
    "metrics": ["itl_mean_s"]}"""


def seeds(spread: float) -> StudyResult:
    study = Study.model_validate_json(SEEDS)
    return StudyResult(study, tuple(
        Row(point.number, point.axes,
            {"itl_mean_s": float(point.axes["limit"]) + spread * (float(point.axes["seed"]) - 2.5)})
        for point in points(study)))


def test_seeds_are_a_mean_with_a_band() -> None:
    (figure,) = plots(seeds(0.1))
    picture = ET.fromstring(figure).find("{*}svg")
    assert picture is not None and "means over seeds" in figure
    assert len(picture.findall(".//{*}circle")) == 3  # one a value of the axis, not one a seed
    (band,) = [path for path in picture.iter() if path.get("class") == "band"]
    assert str(band.get("d")).count("L") == 5
    # Student's t of 4 values: 3.182 * deviation / 2
    half = 3.182 * 0.1 * math.sqrt(5 / 3) / 2
    titles = [str(title.text) for title in picture.iter() if title.tag.endswith("title")]
    assert titles[1] == f"2: 2 s ({units.format_time(2 - half)} to {units.format_time(2 + half)})"


def test_one_value_has_no_band() -> None:
    study = Study.model_validate_json(SEEDS.replace("[1, 2, 3, 4]", "[1]"))
    one = seeds(0.1)
    (figure,) = plots(StudyResult(study, one.rows[::4]))
    assert 'class="band"' not in figure and "seeds" not in figure


def test_the_front_is_drawn_with_the_numbers_of_its_points() -> None:
    study = Study.model_validate_json("""{"name": "p", "base": {"system": "aep"}, "axis": [
        {"path": "seed", "values": [1, 2, 3, 4]}], "metrics": ["a_s", "b_usd"],
        "pareto": {"minimise": ["a_s", "b_usd"]}}""")
    rows = [Row(number, {"seed": number}, {"a_s": a, "b_usd": b})
            for number, (a, b) in enumerate([(1.0, 9.0), (2.0, 4.0), (3.0, 5.0), (4.0, 1.0)])]
    found = StudyResult(study, tuple(rows))
    svg = ET.fromstring(pareto_plot(found, pareto_front(found))).find("{*}svg")
    assert svg is not None
    labels = [str(text.text) for text in svg.iter() if text.get("class") == "label"]
    assert labels == ["0", "1", "3"]
    assert pareto_plot(result(3), ()) == ""


@pytest.mark.parametrize("texts", [["a", "b"], ["h0/gpu0->h0/nvswitch"] * 2, ["x" * 60, "y"]])
def test_names_below_an_axis_are_wrapped_to_their_room(texts: list[str]) -> None:
    svg = ET.fromstring(plot({"": [(text, 1.0) for text in texts]}, "x", "y", str, str))
    said = [str(text.text) for text in svg.iter() if text.get("text-anchor") == "middle"]
    assert max(len(text) for text in said) * 7.2 <= 520


def test_values_themselves_are_ticks_where_they_have_room() -> None:
    def ticks(values: list[float]) -> list[str]:
        svg = ET.fromstring(plot({"": [(x, 1.0) for x in values]}, "title", "y", str, str))
        return [str(text.text) for text in svg.iter() if text.get("text-anchor") == "middle"][:-1]

    assert ticks([1, 2, 4]) == ["1.0", "2.0", "4.0"]
    assert len(ticks([1, 1.001, 4])) < 7 and "1.001" not in ticks([1, 1.001, 4])
