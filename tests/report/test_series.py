"""Curves of a result: through the JSON and back, as text, as drawings."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest

from rackwright import run
from rackwright.models.outcome import Series
from rackwright.report.series import series_html, series_text
from rackwright.result import Result

QUEUE = Series("time_s", (0.5, 1.5, 2.5), (0.0, 5.0, 10.0))


@pytest.fixture
def plain(fake: ModuleType) -> Result:
    return run.replay("fake", fake.FABRIC, fake.TRACE)


@pytest.fixture
def drawn(plain: Result) -> Result:
    return dataclasses.replace(plain, series={"queue_tokens": QUEUE})


def test_a_series_goes_through_the_json(drawn: Result) -> None:
    assert Result.from_json(drawn.to_json()).series == {"queue_tokens": QUEUE}
    assert Result.from_json(drawn.to_json()).to_json() == drawn.to_json()


def test_a_result_without_the_field_can_still_be_read(plain: Result) -> None:
    text = plain.to_json().replace(' "series": {},\n', "")
    assert "series" not in text
    assert Result.from_json(text) == plain


def test_a_line_a_series(drawn: Result, plain: Result) -> None:
    assert series_text(plain) == ""
    line = series_text(drawn).splitlines()[-1]
    assert line.split()[:8] == ["queue", "tokens", "time", "500", "ms", "to", "2.5", "s"]
    assert line.endswith("| =@|")   # nothing, half, the most
    assert series_text(drawn) in drawn.summary()


def test_nothing_at_all_is_drawn_flat(plain: Result) -> None:
    empty = dataclasses.replace(plain, series={"queue_tokens": Series("time_s", (1.0, 2.0),
                                                                      (0.0, 0.0))})
    assert series_text(empty).rstrip().endswith("|  |")
    assert "<rect" not in series_html(empty)


def test_a_bar_a_point_that_is_not_zero(drawn: Result) -> None:
    html = drawn._repr_html_()
    assert html.count("<rect") == 2
    assert 'height="32.0"' in html and 'height="16.0"' in html
