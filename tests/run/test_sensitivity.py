"""`rackwright.sensitivity`: which links matter, and why the others do not."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner, Result

import rackwright
from rackwright import run, sensitivities, topologies, traces
from rackwright.cli.replay import replay
from rackwright.errors import Interrupted, UnknownName, UsageError
from rackwright.models import registry


@pytest.fixture(scope="module")
def narrow() -> Any:
    """Two machines behind a switch whose links have a ten-thousandth of their rate."""
    return topologies.scale(topologies.dgx("a100-sxm-80", hosts=2), "s0->*", 1e-4)


@pytest.fixture(scope="module")
def trace() -> Any:
    return run.load_trace(registry.get("aep"), None, 2)


@pytest.fixture(scope="module")
def found(narrow: Any, trace: Any) -> sensitivities.Sensitivity:
    return rackwright.sensitivity("aep", narrow, trace)


def row(found: sensitivities.Sensitivity, group: str) -> sensitivities.Reaction:
    return next(entry for entry in found.rows if entry.group == group)


def test_a_row_for_every_kind(found: sensitivities.Sensitivity, narrow: Any) -> None:
    fabric = topologies.compile(narrow)
    assert [entry.group for entry in found.rows] == sorted(set(fabric.link_kinds))
    assert sum(entry.links for entry in found.rows) == len(fabric.link_names)


def test_the_link_that_limits_changes_the_result(found: sensitivities.Sensitivity) -> None:
    slower = row(found, "ethernet")
    assert slower.changed and not slower.reason
    moved = {entry.name: entry.ratio for entry in slower.moved}
    assert 1.3 < moved["itl_mean_s"] < 2.0          # latency and compute stay
    assert 0.5 < moved["throughput_tokens_per_s"] < 0.8
    headline = [name in found.base.headline for name in moved]
    assert headline == sorted(headline, reverse=True)


def test_links_on_no_route_say_so(found: sensitivities.Sensitivity) -> None:
    slower = row(found, "memory")
    assert not slower.changed and not slower.moved
    assert slower.reason == "on no route between the 16 devices that worked, and none was busy"
    assert slower.result.metrics == found.base.metrics


def test_links_that_are_used_and_idle_say_how_much(trace: Any) -> None:
    found = rackwright.sensitivity("aep", "dgx-a100:hosts=2", trace, ["ethernet"])
    assert not row(found, "ethernet").changed
    assert row(found, "ethernet").reason.startswith("the busiest of them, ")
    assert row(found, "ethernet").reason.endswith(" was busy less than 0.1 % of the time")


def test_one_link_by_its_name(narrow: Any, trace: Any) -> None:
    """Both directions of one cable, "=>" only one."""
    found = rackwright.sensitivity("aep", narrow, trace, ["h0/nic1->s0", "h0/nic1=>s0"])
    both, one = found.rows
    assert (both.links, one.links) == (2, 1)
    assert both.changed and found.base.bottleneck.resource == "link h0/nic1->s0"


def test_each_row_is_the_replay_of_such_a_graph(found: sensitivities.Sensitivity, narrow: Any,
                                                trace: Any) -> None:
    changed = narrow.copy()
    for _, _, data in changed.edges(data=True):
        if data["link"].kind == "nvlink":
            data["link"] = topologies.scale(topologies.dgx(), "*gpu*->*nvswitch", 0.5).edges[
                "h0/gpu0", "h0/nvswitch"]["link"]
    assert rackwright.replay("aep", changed, trace) == row(found, "nvlink").result


def test_faster_links(narrow: Any, trace: Any) -> None:
    faster = rackwright.sensitivity("aep", narrow, trace, ["ethernet"], factor=10.0)
    assert {entry.name: entry.ratio for entry in faster.rows[0].moved}["itl_mean_s"] < 0.5


def test_a_wide_tolerance_keeps_everything_the_same(narrow: Any, trace: Any) -> None:
    found = rackwright.sensitivity("aep", narrow, trace, ["ethernet"], tolerance=10.0)
    assert not found.rows[0].changed
    assert "was busy" in found.rows[0].reason


def test_the_same_again(found: sensitivities.Sensitivity, narrow: Any, trace: Any) -> None:
    again = rackwright.sensitivity("aep", narrow, trace)
    assert again == found and again.text() == found.text()
    assert json.dumps(again.record()) == json.dumps(found.record())


def test_the_base_is_a_plain_replay(found: sensitivities.Sensitivity, narrow: Any,
                                    trace: Any) -> None:
    assert found.base == rackwright.replay("aep", narrow, trace)
    assert found == sensitivities.reactions(found.base, narrow, trace)


def test_the_text(found: sensitivities.Sensitivity) -> None:
    text = found.text()
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("links at 0.5 of their rate, divided by the base case")
    assert "\n  - ethernet: changes " in text
    assert "\n  - memory: no change: on no route between" in text
    assert found._repr_html_().startswith("<pre>links at")


def test_parallel_links_are_all_slowed() -> None:
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(topologies.star(hosts=2))
    for tail, head in (("h0", "s0"), ("s0", "h0")):
        graph.add_edge(tail, head, link=topologies.star().edges["h1", "s0"]["link"])
    fabric = topologies.compile(graph)
    edges = sensitivities.groups(fabric)["ethernet"]
    assert len(edges) == len(fabric.link_names) == 6
    slowed = topologies.compile(sensitivities._scaled(fabric.graph, edges[:5], 0.5))
    assert sorted(slowed.links.bandwidth / max(slowed.links.bandwidth)) == [0.5] * 5 + [1.0]


@pytest.mark.parametrize(("links", "error", "words"), [
    (["infiniband"], UnknownName, "unknown kind of link 'infiniband'. Known: ethernet, "),
    (["h9->s0"], UsageError, "no edge is named 'h9->s0'"),
])
def test_wrong_groups_stop_before_anything_runs(monkeypatch: pytest.MonkeyPatch, links: Any,
                                                error: Any, words: str) -> None:
    monkeypatch.setattr(run, "replay", None)
    with pytest.raises(error, match=words):
        rackwright.sensitivity("aep", "dgx-a100:hosts=2", None, links)


@pytest.mark.parametrize("factor", [0, -1.0, 1, float("nan"), float("inf"), True])
def test_wrong_factors(factor: float) -> None:
    with pytest.raises(UsageError, match="factor is .*; it must be above 0, finite, and not 1"):
        rackwright.sensitivity("aep", "dgx-a100", factor=factor)


def test_an_interruption_keeps_the_rows_so_far(fake: ModuleType,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    calls, whole = [], run.replay

    def stopped(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 3:
            raise Interrupted("stopped by hand")
        return whole(*args, **options)

    monkeypatch.setattr(run, "replay", stopped)
    with pytest.raises(Interrupted, match="by hand") as stop:
        rackwright.sensitivity("fake", "dgx-a100", fake.TRACE)
    assert len(stop.value.partial.rows) == 1
    assert stop.value.partial.base.system == "fake"


@pytest.fixture
def command(fake: ModuleType, tmp_path: Path) -> Any:
    (tmp_path / "trace").write_text("1\n2\n3\n")

    def called(*args: object) -> Result:
        return CliRunner().invoke(replay, [
            "fake", "--topology", "dgx-a100", "--trace", str(tmp_path / "trace"), "--quiet",
            *map(str, args)])

    return called


def test_the_command_prints_the_table_after_the_result(command: Any) -> None:
    plain, both = command().stdout, command("--sensitivity").stdout
    assert both.startswith(plain + "\nlinks at 0.5 of their rate")
    assert "  - nvlink: no change: " in both and "  - pcie: no change: " in both


def test_the_command_takes_kinds_and_edges(command: Any) -> None:
    found = json.loads(command("--json", "--sensitivity=pcie,h0/gpu0->h0/nvswitch").stdout)
    assert [entry["group"] for entry in found["sensitivity"]["rows"]] == [
        "pcie", "h0/gpu0->h0/nvswitch"]
    assert found.pop("sensitivity")["base_hash"]
    assert found == json.loads(command("--json").stdout)


def test_the_result_file_is_the_same(command: Any, tmp_path: Path) -> None:
    command("--out", tmp_path / "one")
    command("--out", tmp_path / "two", "--sensitivity")
    texts = [(tmp_path / name / "result.json").read_bytes() for name in ("one", "two")]
    assert texts[0] == texts[1]


def test_the_command_refuses_an_unknown_kind_first(command: Any) -> None:
    done = command("--sensitivity=wifi")
    assert isinstance(done.exception, UnknownName) and not done.stdout


def test_a_trace_of_our_own() -> None:
    """Requests made here, so that the answer is not the sample's."""
    trace = traces.generate_requests(2.0, duration_time=1.0, lengths=traces.SHORT, seed=3)
    found = rackwright.sensitivity("aep", "dgx-a100", trace, ["socket"], top_k=2)
    assert found.rows[0].reason.startswith("on no route between the 8 devices")
