"""`rackwright.replay`: what it takes, what it refuses, and its baselines."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import rackwright
from rackwright import run, traces
from rackwright.errors import ModelFault, OptionsError, Stalled, UnknownName, UsageError
from rackwright.models import registry
from rackwright.units import Quantity


def replayed(fake: ModuleType, **options: Any) -> rackwright.Result:
    return rackwright.replay("fake", fake.FABRIC, fake.TRACE, **options)


def test_metrics_are_the_model_s(fake: ModuleType) -> None:
    found = replayed(fake, service="5ms")
    assert found.metrics["throughput_requests_per_s"] == pytest.approx(200.0)
    assert found.undefined == {"latency_p99_s": "needs 100 requests, had 3"}
    assert found.complete and found.baseline is None and found.label == "fake"


def test_options_are_kept_as_exact_text(fake: ModuleType) -> None:
    found = replayed(fake, service=Quantity(0.1, "time"), workers=3)
    assert found.options == {"service": "0.1s", "order": "fifo", "workers": 3, "fault": "none"}


def test_a_graph_is_compiled(fake: ModuleType) -> None:
    from rackwright import topologies

    graph = topologies.resolve("dgx-a100")
    found = rackwright.replay("fake", graph, fake.TRACE)
    assert found.inputs.topology_hash == topologies.compile(graph).content_hash
    named = rackwright.replay("fake", "dgx-a100", fake.TRACE)
    assert named == found


def test_the_seed_reaches_the_result(fake: ModuleType) -> None:
    assert replayed(fake, seed=7).seed == 7


@pytest.mark.parametrize("seed", [-1, 2**31, 1.0, "0", None, True])
def test_a_wrong_seed_is_refused(fake: ModuleType, seed: Any) -> None:
    with pytest.raises(UsageError, match="seed is"):
        replayed(fake, seed=seed)


def test_an_unknown_system_lists_the_known() -> None:
    with pytest.raises(UnknownName, match=r"unknown system 'aap'.*'aep'"):
        rackwright.replay("aap")


def test_wrong_options_stop_before_anything_is_read(fake: ModuleType) -> None:
    with pytest.raises(OptionsError, match="unknown option 'servise'; did you mean 'service'"):
        rackwright.replay("fake", "no-such-topology", "no-such-file", servise="1s")


def test_a_stall_is_passed_on(fake: ModuleType) -> None:
    with pytest.raises(Stalled, match="request 3 waits for box"):
        replayed(fake, fault="stall")


def test_a_metric_that_is_no_number_is_the_model_s_fault(fake: ModuleType) -> None:
    with pytest.raises(ModelFault, match="latency_mean_s is nan"):
        replayed(fake, fault="nan")


def test_baselines_run_on_the_same_inputs(fake: ModuleType) -> None:
    found = run.replay_baselines("fake", fake.FABRIC, fake.TRACE, seed=3, order="lifo")
    assert list(found.baselines) == ["slow", "pair"]
    for result in found:
        assert result.inputs == found.result.inputs
        assert (result.seed, result.options["order"]) == (3, "lifo")
    assert found.baselines["slow"].options["service"] == "0.004s"
    assert found.baselines["slow"].label == "slow"
    assert found.complete and not found.missing


def test_a_baseline_overrides_the_user_s_options(fake: ModuleType) -> None:
    found = run.replay_baselines("fake", fake.FABRIC, fake.TRACE, ["slow"], service="1ms")
    assert found.result.options["service"] == "0.001s"
    assert found.baselines["slow"].options["service"] == "0.004s"


def test_baselines_can_be_chosen(fake: ModuleType) -> None:
    assert list(run.replay_baselines("fake", fake.FABRIC, fake.TRACE, ()).baselines) == []
    chosen = run.replay_baselines("fake", fake.FABRIC, fake.TRACE, ["pair", "pair"])
    assert list(chosen.baselines) == ["pair"]
    with pytest.raises(UnknownName, match=r"unknown baseline of fake 'par'.*'pair'"):
        run.replay_baselines("fake", fake.FABRIC, fake.TRACE, ["par"])


def test_an_error_in_a_baseline_names_it(fake: ModuleType, monkeypatch: pytest.MonkeyPatch
                                         ) -> None:
    monkeypatch.setitem(fake.MODEL.baselines, "slow", {"fault": "stall"})
    with pytest.raises(Stalled) as caught:
        run.replay_baselines("fake", fake.FABRIC, fake.TRACE)
    assert "baseline slow" in caught.value.__notes__[0]


def test_progress_names_the_run(fake: ModuleType) -> None:
    seen: list[tuple[float, float, str]] = []
    run.replay_baselines("fake", fake.FABRIC, fake.TRACE, ["slow"],
                         progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 3, "fake: 0 requests")
    assert seen[-1] == (2, 3, "slow: 2 requests")


def test_a_trace_file_is_named_without_its_folder(fake: ModuleType, tmp_path: Any) -> None:
    path = tmp_path / "load.csv"
    path.write_text("1\n2\n")
    found = rackwright.replay("fake", fake.FABRIC, path)
    assert found.inputs.trace == "load.csv"
    assert str(tmp_path) not in found.to_json()


def test_a_packaged_trace_goes_by_its_name(fake: ModuleType, tmp_path: Any,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = run.load_trace(fake.MODEL)
    named = run.load_trace(fake.MODEL, "requests_medium", 5)
    assert named.name == sample.name and named.name.endswith("requests_medium.csv")
    assert named.count == 5 < sample.count
    (tmp_path / "requests_medium").write_text("1\n")  # a file of that name comes first
    assert run.load_trace(fake.MODEL, "requests_medium").count == 1


def test_a_packaged_trace_is_that_trace() -> None:
    """Read by its own system, the first requests have the content of the packaged ones."""
    model = registry.get("aep")
    found = run.load_trace(model, "requests_medium", 5)
    assert found.content_hash == traces.sample("requests_medium").first(5).content_hash
