"""Reports as text: the figures, the bottlenecks, and what was assumed, within the width."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest

from rackwright import run
from rackwright.replays import Replays
from rackwright.report import side_by_side, summary
from rackwright.report.options import options_text


@pytest.fixture
def replays(fake: ModuleType) -> Replays:
    return run.replay_baselines("fake", fake.FABRIC, fake.TRACE)


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_ratios_are_the_system_over_the_row(replays: Replays) -> None:
    text = side_by_side(replays)
    assert line_of(text, "slow").split() == ["slow", "250", "req/s", "2.00x", "6", "ms", "0.50x"]
    assert line_of(text, "pair").split() == [
        "pair", "1000", "req/s", "0.50x", "1.5", "ms", "2.00x"]
    assert "ratio: fake divided by the row" in text


def test_every_run_names_what_limits_it(replays: Replays) -> None:
    limits = side_by_side(replays).split("what limits it\n")[1].split("\n\n")[0]
    assert [line.split()[0] for line in limits.splitlines()] == ["fake", "slow", "pair"]
    assert limits.count("box/cpu is busy all the time") == 3


def test_a_number_without_a_datasheet_is_a_footnote(replays: Replays) -> None:
    assert side_by_side(replays).count("service = 2 ms (assumed): made up for tests") == 1


def test_a_footnote_of_a_baseline_alone_names_it(replays: Replays) -> None:
    own = dataclasses.replace(replays.baselines["slow"], notes=("only here",))
    text = side_by_side(Replays(replays.result, {**replays.baselines, "slow": own}))
    assert "- [slow] only here" in text


def test_an_undefined_metric_says_why(replays: Replays) -> None:
    assert "latency p99: needs 100 requests, had 3" in side_by_side(replays)
    assert "latency p99: needs 100 requests, had 3" in summary(replays.result)


def test_an_idle_device_is_not_among_the_busiest(replays: Replays) -> None:
    text = side_by_side(replays)
    assert line_of(text, "box/cpu").split() == ["box/cpu", "device", "100", "%"]
    assert "box/idle" not in text


def test_an_interrupted_run_is_marked(replays: Replays) -> None:
    cut = dataclasses.replace(replays.baselines["slow"], complete=False)
    text = side_by_side(Replays(replays.result, {"slow": cut}, ("pair",)))
    assert "slow *" in text and "* interrupted" in text and "not run: pair" in text
    assert "interrupted" not in side_by_side(replays)


def test_a_summary_has_every_metric_with_its_name(replays: Replays) -> None:
    text = replays.result.summary()
    for name in replays.result.metrics:
        assert name in text
    assert "75 mJ" in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_asked(replays: Replays, width: int) -> None:
    long = dataclasses.replace(
        replays.result, notes=("word " * 60,),
        breakdown={f"activity_number_{place}": 0.1 for place in range(10)})
    for text in (side_by_side(Replays(long, replays.baselines), width), summary(long, width)):
        assert max(map(len, text.splitlines())) <= width


def test_the_text_is_the_same_every_time(replays: Replays) -> None:
    assert side_by_side(replays) == side_by_side(replays)


def test_options_are_listed_with_what_is_allowed(fake: ModuleType) -> None:
    text = options_text(fake.MODEL)
    assert "service = 2ms    [time with a unit (2us) > 0]" in text
    assert "workers = 1    [integer >= 1 and <= 8, in servers]" in text
    assert line_of(text, "  slow").split() == ["slow", "service=4ms"]
