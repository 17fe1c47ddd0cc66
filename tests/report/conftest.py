"""Pages of every sort, made of invented numbers with whatever makes pages ugly: long names, many
series, seeds, errors, tiny and negative values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rackwright import run, topologies
from rackwright.models.outcome import Series
from rackwright.report import replay_html, reproduce_html, study_html
from rackwright.reproduce import Claim, Reproduction, Row, Sensitivity, State
from rackwright.study.grid import points
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row as Point
from rackwright.study.study import Study

SWEEP = """{"name": "A sweep <over> rates & policies, with a name that is longer than a line",
"question": "Which is best?", "notes": "Several words.", "base": {"system": "aep"},
"axis": [{"path": "link.ethernet.rate", "name": "network", "values": ["10Gbps", "100Gbps",
"200Gbps", "400Gbps"]}, {"path": "options.policy", "values": ["ep_ideal", "mtfs", "defrag"]},
{"path": "seed", "values": [0, 1, 2]}, {"path": "topology", "name": "machine",
"values": ["dgx-a100", "lovelock:storage=8,compute=8", "dgx-h100:hosts=4"]}],
"metrics": ["throughput_tokens_per_s", "itl_mean_s"], "derived": {"x": "itl_mean_s * 2"},
"pareto": {"maximise": ["throughput_tokens_per_s"], "minimise": ["itl_mean_s"]},
"expect": [{"that": "x > 0", "why": "Because."}, {"that": "x < 0"}]}"""
NAMES = """{"name": "Names", "base": {"system": "aep", "topology": "none.json"}, "axis": [
{"path": "fail", "name": "what is down", "values": ["none", "h0/gpu0->h0/nvswitch",
"h0/gpu4->h0/nvswitch", "h0/a_name_without_any_place_to_break_it_that_goes_on_and_on"]},
{"path": "options.policy", "values": ["a quite long name of a policy", "and an even longer name",
"p", "q", "r"]}], "metrics": ["a_metric_of_a_long_name_share", "cost_usd"]}"""


@pytest.fixture
def sweep() -> StudyResult:
    """A study with everything: numbers, lines, seeds, machines, a front, an error."""
    return _sweep()


@pytest.fixture
def claims() -> Reproduction:
    """Rows of all states, with sensitivities."""
    return _claims()


def _sweep() -> StudyResult:
    study = Study.model_validate_json(SWEEP)
    rows = []
    for point in points(study):
        rate = float(str(point.axes["network"]).removesuffix("Gbps"))
        policy = ("ep_ideal", "mtfs", "defrag").index(str(point.axes["policy"])) + 1
        seed = float(point.axes["seed"]) * point.number / 10
        metrics = {"throughput_tokens_per_s": rate * 90 * policy + 40 * seed,
                   "itl_mean_s": 0.003 + 0.5 / rate * policy + 0.001 * seed}
        wrong = point.number == 7
        rows.append(Point(point.number, point.axes, {} if wrong else metrics, {},
                          {} if wrong else {"x": 2 * metrics["itl_mean_s"]},
                          {"text": "a link is the limit (busy 99%), and more is to be said",
                           "resource": "h0/gpu0->h0/nvswitch", "utilisation": 0.99},
                          {"": f"{point.number:064d}"}, "it failed: <why>" if wrong else ""))
    return StudyResult(study, tuple(rows), (
        {"topology": "t" * 90, "topology_hash": "ab" * 32, "trace": "requests",
         "trace_hash": "cd" * 32},), {"h100-sxm": "ef" * 32}, {"a.loop": "01" * 32})


def _names() -> StudyResult:
    study = Study.model_validate_json(NAMES)
    rows = [Point(point.number, point.axes,
                  {"a_metric_of_a_long_name_share": 0.01 * point.number - 0.03,
                   "cost_usd": 1e-7 * 4.0 ** point.number},
                  {}, {}, {"text": "", "resource": "r", "utilisation": 0.0}, {"": "a" * 64})
            for point in points(study)]
    return StudyResult(study, tuple(rows))


def _kept(key: str) -> dict[str, Any]:
    share = int(key) % 100 / 100
    return {"result": {"device_utilisation": {"h0/gpu0": 0.98},
                       "link_utilisation": {"h0/gpu0->h0/nvswitch": share,
                                            "h0/gpu1->h0/nvswitch": 0.5, "s0->h3/nic0": 0.85}}}


def _claims() -> Reproduction:
    rows = []
    for number, (value, low, high) in enumerate([(2.1, 1.4, 2.2), (4.1, 0.5, 9.0), (30.0, 30, 30),
                                                 (1e-12, 0, 1), (2e9, 1e9, 3e9)]):
        claim = Claim.model_validate({
            "id": f"toy-{number}", "part": "a part with a long name of its own", "figure": "Fig 1",
            "claim": "gain <over> a baseline in a long sentence, told at length",
            "configuration": "eight GPUs, of two sorts", "unit": ("1", "tokens/s")[number % 2],
            "published": 2.0, "tolerance": 0.1, "kind": "predicted",
            "known_miss": "it is too much" if number == 1 else None})
        rows.append(dataclasses.replace(Row.judged("toy", claim, value), sensitivities=(
            Sensitivity("step_host_time", 7e-4, 5e-4, 9e-4, low, high),
            Sensitivity("skew", 1.0, 0.5, 1.5, value, value))))
    rows.append(Row("other", claim, state=State.SKIPPED, reason="no file <here>"))
    return Reproduction(tuple(rows), {"toy": "a paper", "other": "another paper"})


def _replay(fake: ModuleType) -> str:
    found = run.replay_baselines("fake", fake.FABRIC, fake.TRACE)
    curve = Series("time_s", tuple(range(64)), tuple(float(x * x) for x in range(64)))
    busy = {"h0/gpu0->h0/nvswitch": 0.95, "h0/nvswitch->h0/gpu0": 0.2}
    result = dataclasses.replace(found.result, link_utilisation=busy, series={"queue": curve},
                                 notes=("a <note>",), complete=False)
    graph = topologies.resolve("dgx-h100:hosts=2")
    return replay_html.page(dataclasses.replace(found, result=result), graph)


_MADE: dict[str, str] = {}  # a page is made once, and looked at by several tests


@pytest.fixture
def page_of(fake: ModuleType) -> Callable[[str], str]:
    """The page of a name."""
    makers = {"sweep": lambda: study_html.page(_sweep(), Path("."), _kept),
              "names": lambda: study_html.page(_names()), "replay": lambda: _replay(fake),
              "reproduce": lambda: reproduce_html.page(_claims())}

    def page(name: str) -> str:
        if name not in _MADE:
            _MADE[name] = makers[name]()
        return _MADE[name]

    return page
