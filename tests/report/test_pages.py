"""Every HTML page: sound as XML, one file below a megabyte, nothing fetched, nothing run."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import pytest

from rackwright.report import reproduce_html, study_html
from rackwright.report.document import document, table
from rackwright.reproduce import Reproduction
from rackwright.study.result import StudyResult

PAGES = ("sweep", "names", "replay", "reproduce")
RUN = {"script", "iframe", "object", "embed", "link", "img", "image", "base", "form",
       "foreignObject"}
FETCHING = ("src", "href", "action", "data", "srcset", "poster")


def elements(page: str) -> Iterator[tuple[str, ET.Element]]:
    """(tag without its name space, element)."""
    for element in ET.fromstring(page).iter():
        yield element.tag.rpartition("}")[2], element


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_and_alone(page_of: Callable[[str], str], name: str) -> None:
    page = page_of(name)
    assert page.startswith("<!DOCTYPE html>\n") and page.endswith("</html>\n")
    assert len(page.encode()) < 1_000_000
    for tag, element in elements(page):
        assert tag not in RUN
        for attribute in element.attrib:
            plain = attribute.rpartition("}")[2]
            assert plain not in FETCHING and not plain.startswith("on"), attribute
    spaces = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\"' <)]*", page)) <= spaces
    assert "@import" not in page and "url(" not in page


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order_and_words_stay_words(page_of: Callable[[str], str],
                                                    name: str) -> None:
    tags = [tag for tag, _ in elements(page_of(name)) if re.fullmatch("h[1-6]", tag)]
    assert tags[0] == "h1" and tags.count("h1") == 1
    assert not {"over", "why", "note", "here"} & {tag for tag, _ in elements(page_of(name))}


@pytest.mark.parametrize("name", PAGES)
def test_pictures_have_names_and_places_inside(page_of: Callable[[str], str], name: str) -> None:
    for tag, element in elements(page_of(name)):
        if tag != "svg" or element.get("viewBox") is None:
            continue
        _, _, width, height = map(float, str(element.get("viewBox")).split())
        assert element.get("aria-label") or element.find("{*}title") is not None
        for text in element.iter("{http://www.w3.org/2000/svg}text"):
            assert 0 <= float(text.get("x", "0")) <= width, ET.tostring(text)
            assert 0 < float(text.get("y", "0")) <= height, ET.tostring(text)


def test_what_xml_does_not_allow_is_replaced() -> None:
    page = document("a\x00b", [table([("x", "")], [["\x1b[31m"]])])
    ET.fromstring(page)
    assert "\x00" not in page and "\x1b" not in page


def test_four_hundred_claims_stay_below_a_megabyte(claims: Reproduction) -> None:
    many = Reproduction(claims.rows * 70, claims.papers)
    assert len(reproduce_html.page(many).encode()) < 1_000_000


def test_a_study_of_everything_at_its_most_stays_below_a_megabyte(sweep: StudyResult) -> None:
    rows = [dataclasses.replace(row, number=1000 * turn + row.number, error="")
            for turn in range(60) for row in sweep.rows]
    inputs = tuple({**sweep.inputs[0], "trace_hash": f"{n:064d}"} for n in range(5000))
    study = sweep.study.model_copy(update={"pareto": None})  # a front of so many takes long
    page = study_html.page(dataclasses.replace(sweep, study=study, rows=tuple(rows),
                                               inputs=inputs))
    assert len(page.encode()) < 1_000_000
    ET.fromstring(page)


def test_the_same_study_gives_the_same_page(page_of: Callable[[str], str],
                                            sweep: StudyResult) -> None:
    plain = study_html.page(sweep)
    assert plain == study_html.page(sweep) and plain != page_of("sweep")  # which has colours
