"""What a replay reports: shares that add up, laws that hold for any scheduler, spans, names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rackwright.models.aep
from rackwright import topologies
from rackwright.models.aep import AepOptions, replay
from rackwright.models.outcome import Outcome, Spans
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests

ASYNC = ("defrag", "mtfs", "flfs")
POLICIES = (*ASYNC, "group", "ep_ideal", "ep_same_host", "ep_framework", "ep_low_latency")
CARD = Path(rackwright.models.aep.__file__).parent / "README.md"


def settings_of(policy: str) -> dict[str, Any]:
    return {"policy": policy, **({"ep_max_running": 9} if policy == "ep_framework" else {})}


@pytest.fixture(scope="module")
def outcomes(dgx: Fabric, busy_trace: RequestTrace) -> Callable[..., Outcome]:
    """Replays of the busy trace, kept by their options."""
    kept: dict[tuple[Any, ...], Outcome] = {}

    def found(policy: str, **options: Any) -> Outcome:
        key = (policy, *sorted(options.items()))
        if key not in kept:
            checked = AepOptions.checked({**settings_of(policy), **options})
            kept[key] = replay(dgx, busy_trace, checked)
        return kept[key]
    return found


@pytest.fixture(scope="module")
def steady_trace() -> RequestTrace:
    """20 s of short answers, so that a steady window fits."""
    return generate_requests(40.0, duration_time=20.0, seed=5, input_tokens=Uniform(10, 50),
                             output_tokens=Uniform(8, 20))


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("policy", POLICIES)
def test_shares_are_shares(outcomes: Callable[..., Outcome], policy: str, top_k: int) -> None:
    found = outcomes(policy, top_k=top_k)
    assert sum(found.breakdown.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(found.breakdown.values()) >= 0
    for share in (*found.device_utilisation.values(), *found.link_utilisation.values()):
        assert 0 <= share <= 1
    assert 0 <= found.bottleneck.utilisation <= 1
    assert len(found.device_utilisation) == 8 and found.complete


@pytest.mark.parametrize("policy", POLICIES)
def test_busy_shares_in_a_window_too(dgx: Fabric, steady_trace: RequestTrace,
                                     policy: str) -> None:
    found = replay(dgx, steady_trace, AepOptions.checked(settings_of(policy)))
    assert "throughput_steady_tokens_per_s" in found.metrics
    assert 0 < max(found.device_utilisation.values()) <= 1
    assert all(0 <= share <= 1 for share in found.link_utilisation.values())


@pytest.mark.parametrize("policy", ["defrag", "flfs", "ep_ideal"])
def test_littles_law(dgx: Fabric, steady_trace: RequestTrace, policy: str) -> None:
    """Requests inside = tokens per second x seconds per token, whatever the scheduler does."""
    found = replay(dgx, steady_trace, AepOptions.checked(settings_of(policy)))
    metrics = found.metrics
    assert metrics["stable"] == 1.0
    # a first token takes as long as any other, once its request is admitted
    inside = metrics["throughput_steady_tokens_per_s"] * metrics["itl_mean_s"]
    assert metrics["active_steady_requests"] == pytest.approx(inside, rel=0.06)


@pytest.mark.parametrize("policy", POLICIES)
def test_little_s_law_over_everything(outcomes: Callable[..., Outcome], busy_trace: RequestTrace,
                                      policy: str) -> None:
    """Without a window the law is an identity: all latencies are first tokens and gaps."""
    metrics = outcomes(policy).metrics
    tokens, requests = busy_trace.output_tokens.sum(), len(busy_trace)
    gaps = metrics["itl_mean_s"] * (tokens - requests)
    whole = metrics["latency_mean_s"] * requests
    assert whole == pytest.approx(metrics["ttft_mean_s"] * requests + gaps, rel=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
def test_all_work_is_done_once(outcomes: Callable[..., Outcome], busy_trace: RequestTrace,
                               policy: str) -> None:
    metrics = outcomes(policy).metrics
    assert metrics["requests"] == metrics["requests_finished"] == len(busy_trace)
    assert metrics["tokens"] == busy_trace.output_tokens.sum()
    rate = metrics["tokens"] / metrics["makespan_s"]
    assert metrics["throughput_tokens_per_s"] == pytest.approx(rate)


def expert_parts(found: Outcome) -> list[int]:
    """Parts of tokens by expert GPU, from the timeline."""
    spans = found.spans
    assert spans is not None and spans.dropped == 0
    experts = spans.label == spans.labels.index("experts")
    per_gpu = np.bincount(spans.track[experts], weights=spans.amount[experts],
                          minlength=len(spans.tracks))
    return [int(parts) for parts in per_gpu]


@pytest.mark.parametrize("top_k", [1, 2])
def test_every_policy_sees_the_same_routing(outcomes: Callable[..., Outcome], top_k: int) -> None:
    """Common random numbers: experts get equal work under each scheduler and the barrier."""
    counts = {policy: expert_parts(outcomes(policy, top_k=top_k, timeline_spans=500_000))
              for policy in POLICIES}
    assert counts["defrag"] == counts["mtfs"] == counts["flfs"]
    assert counts["defrag"][:4] == [0] * 4 and min(counts["defrag"][4:]) > 0
    # the barrier has an expert on each GPU, the others two experts on each of four
    assert counts["ep_ideal"] == counts["ep_framework"]
    pairs = np.array(counts["ep_ideal"]).reshape(4, 2).sum(axis=1)
    assert counts["defrag"][4:] == pairs.tolist()


@pytest.mark.parametrize("policy", POLICIES)
def test_spans_are_the_busy_time(outcomes: Callable[..., Outcome], policy: str) -> None:
    """Spans of a GPU do not overlap; their sum over the makespan is its utilisation."""
    found = outcomes(policy, timeline_spans=500_000)
    spans = found.spans
    assert spans is not None and spans.tracks == tuple(found.device_utilisation)
    assert np.all(np.diff(spans.start_ps) >= 0)
    for track, name in enumerate(spans.tracks):
        mine = spans.track == track
        start, end = spans.start_ps[mine], spans.end_ps[mine]
        assert np.all(end > start) and np.all(start[1:] >= end[:-1])
        busy = float((end - start).sum()) * 1e-12 / found.metrics["makespan_s"]
        assert found.device_utilisation[name] == pytest.approx(busy, rel=1e-6)


def test_batches_are_in_the_spans(outcomes: Callable[..., Outcome], busy_trace: RequestTrace
                                  ) -> None:
    """32 blocks of attention and experts, one sampler, for every token."""
    tokens = int(busy_trace.output_tokens.sum())
    for policy in ASYNC:
        spans = outcomes(policy, timeline_spans=500_000).spans
        assert spans is not None
        handled = [int(spans.amount[spans.label == label].sum()) for label in range(3)]
        assert handled == [32 * tokens, 32 * tokens, tokens]


@pytest.mark.parametrize("policy", ["defrag", "ep_ideal"])
def test_the_timeline_is_capped(outcomes: Callable[..., Outcome], policy: str) -> None:
    """The first spans are kept, the others counted; nothing else changes."""
    every, few, none = (outcomes(policy, timeline_spans=cap) for cap in (500_000, 100, 0))

    def spans(found: Outcome) -> Spans:
        assert found.spans is not None
        return found.spans

    total = len(spans(every).track)
    assert (len(spans(few).track), spans(few).dropped) == (100, total - 100)
    assert (len(spans(none).track), spans(none).dropped) == (0, total)
    # spans are recorded when they end
    assert spans(few).end_ps.max() <= np.sort(spans(every).end_ps)[100]
    assert few.metrics == every.metrics == none.metrics


def test_every_metric_is_in_the_model_card(outcomes: Callable[..., Outcome]) -> None:
    card = CARD.read_text()
    names = {name for policy in POLICIES
             for known in (outcomes(policy).metrics, outcomes(policy).undefined) for name in known}
    assert sorted(name for name in names if f"`{name}`" not in card) == []


def test_every_parameter_is_in_the_model_card(outcomes: Callable[..., Outcome]) -> None:
    card = CARD.read_text()
    used = {parameter.name: parameter for policy in POLICIES
            for parameter in outcomes(policy).parameters}
    assert sorted(name for name in used if f"`{name}`" not in card) == []
    assert {used[name].kind for name in used} <= {"fitted", "stand-in", "assumed", "measured",
                                                  "chosen"}


def test_a_changed_parameter_is_the_user_s(outcomes: Callable[..., Outcome]) -> None:
    def kind(found: Outcome, name: str) -> str:
        return next(each.kind for each in found.parameters if each.name == name)

    assert kind(outcomes("defrag"), "message_time") == "assumed"
    assert kind(outcomes("defrag", message_time="30us"), "message_time") == "chosen"
    assert kind(outcomes("ep_framework"), "ep_max_running") == "chosen"


def latency_ps(fabric: Fabric, trace: RequestTrace, **options: Any) -> int:
    found = replay(fabric, trace, AepOptions.checked(options))
    return round(found.metrics["latency_mean_s"] * 1e12)


@pytest.mark.parametrize("policy", ASYNC)
def test_one_request_pays_each_message_in_full(dgx: Fabric, single: RequestTrace,
                                               policy: str) -> None:
    """4 tokens, 32 blocks, a message there and one back: 256 times what is saved."""
    slow, fast = (latency_ps(dgx, single, policy=policy, message_time=each)
                  for each in ("60us", "30us"))
    assert slow - fast == 4 * 32 * 2 * 30_000_000


@pytest.mark.parametrize(("option", "times"), [("attention_fixed_time", 4 * 32),
                                               ("attention_token_time", 4 * 32),
                                               ("expert_fixed_time", 4 * 32),
                                               ("sampler_fixed_time", 4),
                                               ("sampler_token_time", 4)])
def test_one_request_pays_each_host_time_in_full(dgx: Fabric, single: RequestTrace, option: str,
                                                 times: int) -> None:
    low, high = (latency_ps(dgx, single, **{option: each}) for each in ("0us", "8us"))
    assert high - low == times * 8_000_000


@pytest.mark.parametrize(("option", "times"), [("ep_host_attention_time", 4 * 32),
                                               ("ep_host_expert_time", 4 * 32),
                                               ("ep_layer_overhead_time", 4 * 32),
                                               ("ep_exchange_time", 4 * 32 * 2)])
def test_one_request_pays_each_framework_time_in_full(dgx: Fabric, single: RequestTrace,
                                                      option: str, times: int) -> None:
    low, high = (latency_ps(dgx, single, policy="ep_framework", **{option: each})
                 for each in ("0us", "8us"))
    assert high - low == times * 8_000_000


def test_one_request_is_as_fast_on_many_gpus(single: RequestTrace) -> None:
    """Every route crosses one NVSwitch and every GPU is equal: only its expert's place changes."""
    latencies = {latency_ps(topologies.compile(topologies.dgx("h200-sxm", gpus=gpus, nics=0)),
                            single) for gpus in (2, 4, 8)}
    assert len(latencies) == 1


def test_a_barrier_gains_from_faster_links(busy_trace: RequestTrace) -> None:
    """All at once, so every iteration has the same requests: it can only become shorter."""
    at_once = RequestTrace(np.zeros(len(busy_trace)), busy_trace.input_tokens,
                           busy_trace.output_tokens, "at once", "made here")
    ends = []
    for scale in (1.0, 2.0, 1e5):
        graph = topologies.dgx("a100-sxm-80", hosts=1)
        for _, _, edge in graph.edges(data=True):
            link = edge["link"]
            edge["link"] = link.__class__(link.name, link.kind, link.rate_bps * scale,
                                          link.efficiency, link.latency_time, "scaled")
        found = replay(topologies.compile(graph), at_once,
                       AepOptions.checked({"policy": "ep_ideal"}))
        ends.append(found.metrics["makespan_s"])
    assert ends[0] > ends[1] > ends[2]
    # the wire's share is what is left: half the speed, twice the wire, but for rounding to 1 ps
    assert (ends[0] - ends[2]) / (ends[1] - ends[2]) == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_clock_twice_as_slow_changes_nothing_else(dgx: Fabric, busy_trace: RequestTrace,
                                                    state_of: Callable[..., Any],
                                                    policy: str) -> None:
    """Twice every step, message, link time and arrival: twice every finish, to the picosecond."""
    from rackwright.engine.driver import drive
    from rackwright.models.aep.barrier import advance_barrier
    from rackwright.models.aep.kernel import advance
    from rackwright.models.aep.state import grow

    run: Any = advance_barrier if policy.startswith("ep_") else advance
    ends = []
    for scale in (1, 2):
        state = scaled(state_of(dgx, busy_trace, **settings_of(policy)), scale)
        ends.append(drive(run, state, grow=grow).requests.finish_ps)
    assert (2 * ends[0]).tolist() == ends[1].tolist()


def as_locked(array: Any, like: Any) -> Any:
    """A kernel is compiled again for arrays that may be written."""
    array.setflags(write=like.flags.writeable)
    return array


def scaled(state: Any, scale: int) -> Any:
    """`state` in slow motion. Step times are made whole beforehand, so that nothing is rounded."""
    fixed = state.fixed
    flat = fixed.attention.exact_ps[:, :1]  # by batch only: contexts would be interpolated
    exact = np.repeat(flat * scale, fixed.attention.exact_ps.shape[1], axis=1)
    changed: dict[str, Any] = {"attention": fixed.attention._replace(exact_ps=exact)}
    for name in ("expert", "sampler"):
        table = getattr(fixed, name)
        changed[name] = table._replace(exact_ps=table.exact_ps * scale)
    for name in ("message_ps", "exchange_ps", "layer_ps"):
        if name in fixed._fields:
            changed[name] = getattr(fixed, name) * scale
    slower: dict[str, Any] = {}
    if "ps_per_byte" in fixed._fields:
        # + 1 ps of rounding up is part of the model: leave the wire out
        changed["ps_per_byte"] = np.zeros_like(fixed.ps_per_byte)
        changed["token_bytes"] = 0
    else:
        ports = state.ports
        slower["ports"] = ports._replace(
            ps_per_byte=as_locked(np.ceil(ports.ps_per_byte) * scale, ports.ps_per_byte),
            latency_ps=as_locked(ports.latency_ps * scale, ports.latency_ps))
    requests = state.requests._replace(arrival_ps=state.requests.arrival_ps * scale)
    return state._replace(fixed=fixed._replace(**changed), requests=requests, **slower)
