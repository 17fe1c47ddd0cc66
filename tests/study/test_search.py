"""Searches: halving against its rule, and what a study makes of what is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import study
from rackwright.errors import InputError, Interrupted, UsageError
from rackwright.study.search import Halving, Search

Write = Callable[..., Path]
# throughput is workers x 100 / (1 + load), half of that for "slow"
SEARCH = """
name = "load"
question = "How much load may be offered?"
baselines = ["slow"]
[base]
system = "toy"
[[axis]]
path = "options.workers"
values = [1, 2, 4]
[search]
path = "options.load"
low = 0.1
high = 40.0
within = 0.01
that = "throughput >= 10"
[derived]
gain = "load.ratio"
[[expect]]
that = "load > 8"
"""


def run(search: Halving, edge: float) -> None:
    while (number := search.ask()) is not None:
        assert number not in search.tried and len(search.tried) < 80
        search.tell(number, number <= edge if search.search.find == "largest" else number >= edge)


@given(low=st.floats(0.01, 100), width=st.floats(1.01, 1000), share=st.floats(-0.1, 1.1),
       within=st.floats(1e-3, 0.5), find=st.sampled_from(["largest", "smallest"]))
def test_halving_ends_around_the_edge(low: float, width: float, share: float, within: float,
                                      find: Any) -> None:
    high = low * width
    search = Halving(Search(path="p", low=low, high=high, that="x", find=find, within=within))
    edge = low + share * (high - low)
    run(search, edge)
    ends = sorted(end for end in (search.holds_at, search.fails_at) if end is not None)
    if len(ends) == 2:
        assert ends[0] <= edge <= ends[1] and ends[1] <= ends[0] * (1 + within) * (1 + 1e-9)
    else:
        assert share <= 1e-9 or share >= 1 - 1e-9
        assert len(search.tried) <= 2


@given(low=st.integers(1, 40), steps=st.integers(1, 60), edge=st.floats(0, 110),
       find=st.sampled_from(["largest", "smallest"]))
def test_whole_numbers_end_side_by_side(low: int, steps: int, edge: float, find: Any) -> None:
    search = Halving(Search(path="p", low=low, high=low + steps, that="x", find=find, whole=True,
                            within=1e-6))
    run(search, edge)
    assert all(number == int(number) for number in search.tried)
    if search.holds_at is not None and search.fails_at is not None:
        assert abs(search.holds_at - search.fails_at) == 1


def test_each_point_is_searched_for_the_system_and_its_baseline(toy: ModuleType, write: Write
                                                                ) -> None:
    found = study.run(write(SEARCH))
    for row, workers in zip(found.rows, (1, 2, 4), strict=True):
        for prefix, slow in (("", 1), ("slow.", 2)):
            edge = workers * 100 / 10 / slow - 1
            load, beyond = (row.metrics[f"{prefix}{name}"] for name in ("load", "beyond_load")) \
                if edge < 40 else (40.0, None)
            assert load <= edge <= (beyond or 40.0) <= load * 1.01
        # the row's other metrics are those of the replay that was found
        assert row.metrics["throughput_requests_per_s"] == pytest.approx(
            workers * 100 / (1 + row.metrics["load"]))
        assert row.derived["gain"] == row.metrics["load"] / row.metrics["slow.load"]
        assert len(row.keys) == 2 and not row.error
    assert found.exit_code == 0 and found.expectations[0].true == (0, 1, 2)
    assert "load" in found.summary() and "slow.load" in found.to_csv()


@pytest.mark.parametrize(("edit", "metric", "value"), [
    (("throughput >= 10", "throughput >= 1000"), "load", None),
    (("throughput >= 10", "throughput >= 0.1"), "beyond_load", None),
    (("throughput >= 10", "throughput >= 0.1"), "load", 40.0),
    (('that = "throughput >= 10"', 'that = "latency_mean >= \\"50ms\\""\nfind = "smallest"'),
     "load", 5.0)])
def test_ends_that_all_or_none_hold(toy: ModuleType, write: Write, edit: tuple[str, str],
                                    metric: str, value: float | None) -> None:
    row = study.run(write(SEARCH.replace(*edit))).rows[0]
    if value is None:
        assert metric not in row.metrics
        assert ("does not hold at the low end" in row.undefined[metric]) == (metric == "load")
    else:
        assert row.metrics[metric] == pytest.approx(value, rel=0.01)


def test_a_replay_that_fails_does_not_hold(toy: ModuleType, write: Write) -> None:
    text = SEARCH.replace('"options.load"\nlow = 0.1\nhigh = 40.0', '"options.workers"\nlow = 1\n'
                          'high = 100\nwhole = true').replace("load.ratio", "1").replace(
        'path = "options.workers"\nvalues = [1, 2, 4]', 'path = "options.load"\nvalues = [0.5]')
    with pytest.raises(InputError, match="workers = 100.*<= 64"):
        study.run(write(text))
    text = text.replace("high = 100", "high = 64").replace("that = \"throughput >= 10\"",
                                                         'that = "throughput >= 10"\nname = "n"')
    text = text.replace('"load > 8"', '"n > 8"').replace(
        'system = "toy"', 'system = "toy"\noptions = { fault = "stall" }')
    row = study.run(write(text)).rows[0]
    assert "request 3 waits" in row.error and "request 3 waits" in row.undefined["n"]


def test_searches_are_kept_and_resumed_to_the_same_bytes(toy: ModuleType, write: Write,
                                                         tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    path = write(SEARCH)
    whole = study.run(path)
    replays = len((tmp_path / "log").read_text().splitlines())
    told = 0

    def stop(*_: object) -> None:
        nonlocal told
        told += 1
        if told == 30:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--resume goes on") as stopped:
        study.run(path, tmp_path / "out", progress=stop)
    assert len(stopped.value.partial.rows) < 3
    with pytest.raises(UsageError, match="--resume"):
        study.run(path, tmp_path / "out")
    with ThreadPoolExecutor(3) as executor:
        again = study.run(path, tmp_path / "out", resume=True, executor=executor)
    assert (again.to_json(), again.to_csv()) == (whole.to_json(), whole.to_csv())
    assert len((tmp_path / "log").read_text().splitlines()) == 2 * replays  # none twice
    searched = json.loads(whole.to_json())["points"][0]["searched"]
    assert [number for number, _ in searched[""]["tried"]] == sorted(
        number for number, _ in searched[""]["tried"])


def test_shards_of_searches(toy: ModuleType, write: Write) -> None:
    path = write(SEARCH)
    whole = study.run(path).rows
    parts = [study.run(path, shard=study.Shard(number, 2)).rows for number in (1, 2)]
    assert [row.record() for row in (*parts[0], *parts[1])] == [
        whole[number].record() for number in (0, 2, 1)]


@pytest.mark.parametrize(("edit", "words"), [
    (("low = 0.1", "low = 50"), "low below high"),
    (("low = 0.1", "low = -1"), "greater than 0"),
    (("that = \"throughput >= 10\"", "that = \"throughput.ratio >= 1\""), "each replay alone"),
    (("that = \"throughput >= 10\"", "that = \"throughput >=\""), "no expression"),
    (("options.load", "options.lod"), "'load'"),
    (("options.load", "options.workers"), "search for it or vary it"),
    (('path = "options.load"', 'path = "options.load"\nname = "gain"'), "cannot name"),
    (("that = \"throughput >= 10\"", "that = \"thruput >= 10\""), "'throughput'")])
def test_faults_of_searches(toy: ModuleType, write: Write, edit: tuple[str, str], words: str
                            ) -> None:
    with pytest.raises(InputError, match=words):
        study.run(write(SEARCH.replace(*edit)))


def test_quantities_are_searched_in_si_units(toy: ModuleType, write: Write) -> None:
    row = study.run(write('name = "q"\n[base]\nsystem = "toy"\n[search]\npath = "options.line"\n'
                          'low = 10\nhigh = 400\nwithin = 0.001\nunit = "Gbps"\n'
                          'name = "gate"\nthat = "gate <= \\"123Gbps\\" and line_bps == gate"\n'
                          )).rows[0]
    assert row.metrics["gate_bps"] == pytest.approx(123e9, rel=1e-3)
