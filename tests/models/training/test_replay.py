"""The replay of execution traces against closed forms, and relations between replays."""

from __future__ import annotations

import pytest

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.errors import TraceError, UsageError
from rackwright.models.training import TrainingOptions, execution_of, network, replay
from rackwright.models.training.run import COMMUNICATE
from rackwright.traces.chakra import ExecutionNode, ExecutionTrace

US, MIB = 1e-6, 1 << 20
PS = 2e-12


def test_data_parallel_with_one_bucket(step_time, nodes, fabric):
    """Forward and backward, one reduction, the optimizer: a sum of three."""
    compute, reduce, _ = nodes
    rank = [compute(0, 300 * US), reduce(1, 64 * MIB, (0,)), compute(2, 50 * US, (1,))]
    alone = topologies.collective_time("all_reduce", 64 * MIB, fabric)
    assert step_time(*[rank] * 8) == pytest.approx(350 * US + alone, abs=5 * PS)


def test_a_bucket_beside_the_backward_pass_hides(step_time, nodes):
    compute, reduce, _ = nodes
    rank = [compute(0, 100 * US), reduce(1, 1 * MIB, (0,)), compute(2, 900 * US, (0,)),
            compute(3, 50 * US, (1, 2))]
    assert step_time(*[rank] * 8) == pytest.approx(1050 * US, abs=PS)
    assert step_time(*[rank] * 8, overlap=False) > 1050 * US
    assert step_time(*[rank] * 8, network="ideal") == pytest.approx(1050 * US, abs=PS)


@pytest.mark.parametrize(("stages", "micro"), [(2, 4), (4, 4), (4, 16), (8, 8)])
def test_the_bubble_of_a_pipeline(fabric, stages, micro):
    """With equal stages and a network that takes no time, idle is (p - 1) / (m + p - 1)."""
    ranks = []
    for stage in range(stages):
        rank, last = [], None

        def add(make, rank=rank):
            rank.append(make(len(rank)))
            return rank[-1].id
        for way in (0, 1):  # forward, then backward
            before, after = (stage - 1, stage + 1) if way == 0 else (stage + 1, stage - 1)
            for turn in range(micro):
                waits = [] if last is None else [last]
                if 0 <= before < stages:
                    waits.append(add(lambda n, b=before, t=turn, w=way: ExecutionNode(
                        n, "r", "COMM_RECV", (), 0.0,
                        {"comm_src": b, "comm_size": 1, "comm_tag": 2 * t + w})))
                last = add(lambda n, w=tuple(waits): ExecutionNode(n, "c", "COMP", w, 100 * US))
                if 0 <= after < stages:
                    add(lambda n, a=after, t=turn, w=way, d=last: ExecutionNode(
                        n, "s", "COMM_SEND", (d,), 0.0,
                        {"comm_dst": a, "comm_size": 1, "comm_tag": 2 * t + w}))
        ranks.append(tuple(rank))
    found = replay(fabric, ExecutionTrace(tuple(ranks)), TrainingOptions(network="ideal"))
    assert found.metrics["waiting_share"] == pytest.approx((stages - 1) / (micro + stages - 1))
    assert found.metrics["step_time_s"] == pytest.approx(2 * (micro + stages - 1) * 100 * US)


def test_a_transfer_takes_what_the_library_says(step_time, nodes, fabric):
    _, _, move = nodes
    alone = topologies.collective_time("send_recv", 32 * MIB, fabric, ["h0/gpu0", "h0/gpu1"])
    assert step_time([move(0, 1, None, 32 * MIB)], [move(0, None, 0, 32 * MIB)]) \
        == pytest.approx(alone, abs=5 * PS)


def test_two_collectives_on_the_same_links_slow_each_other(step_time, nodes):
    _, reduce, _ = nodes
    groups = {"a": (0, 1), "b": (0, 1)}
    one = step_time([reduce(0, 256 * MIB, group="a")], [reduce(0, 256 * MIB, group="a")],
                    groups=groups)
    both = [reduce(0, 256 * MIB, group="a"), reduce(1, 256 * MIB, group="b")]
    two = step_time(both, both, groups=groups)
    assert 1.7 * one < two <= 2.01 * one


def test_groups_apart_do_not_touch(step_time, nodes):
    _, reduce, _ = nodes
    groups = {"a": (0, 1), "b": (2, 3)}
    a, b = [reduce(0, 64 * MIB, group="a")], [reduce(0, 64 * MIB, group="b")]
    assert step_time(a, a, b, b, groups=groups) == pytest.approx(
        step_time(a, a, groups={"a": (0, 1)}), abs=5 * PS)


def test_a_straggler_holds_all(step_time, nodes):
    compute, reduce, _ = nodes
    fast, slow = ([compute(0, time), reduce(1, MIB, (0,))] for time in (10 * US, 500 * US))
    alone = step_time(slow, slow)
    assert step_time(fast, fast, fast, slow) > 500 * US and alone > 500 * US


def test_collectives_of_a_group_come_in_the_order_of_the_file(spans, nodes):
    compute, reduce, _ = nodes
    rank = [compute(0, 500 * US), reduce(1, MIB, (0,)), reduce(2, MIB)]
    order = [span.node.id for span in spans(rank, rank) if span.kind == COMMUNICATE]
    assert order == [1, 1, 2, 2]


def test_no_overlap_never_computes_while_it_communicates(spans):
    trace = execution_of(network("resnet50"), catalog.gpu("h100-sxm"), 8, data=4)
    found = spans(*trace.ranks, groups=trace.groups, overlap=False)
    for rank in range(4):
        mine = sorted((span.start_ps, span.end_ps) for span in found if span.rank == rank
                      and span.end_ps > span.start_ps)
        assert all(end <= start for (_, end), (start, _) in zip(mine, mine[1:], strict=False))


@pytest.mark.parametrize("layout", [{"data": 4}, {"data": 2, "stages": 2, "micro_batches": 2},
                                    {"tensor": 2, "stages": 2, "micro_batches": 4},
                                    {"data": 2, "tensor": 2, "stages": 2, "micro_batches": 4}])
def test_every_node_of_our_layouts_runs_once_and_in_order(spans, layout):
    trace = execution_of(network("gpt2"), catalog.gpu("h100-sxm"), 4, **layout)
    found = spans(*trace.ranks, groups=trace.groups)
    assert len(found) == len(trace)
    ends = {(span.rank, span.node.id): span.end_ps for span in found}
    for span in found:
        assert all(ends[span.rank, other] <= span.start_ps for other in span.node.after)


def test_baselines_are_ordered(fabric):
    trace = execution_of(network("vgg16"), catalog.gpu("h100-sxm"), 8, data=8)
    times = {name: replay(fabric, trace, TrainingOptions(**options)).metrics["step_time_s"]
             for name, options in (("ideal", {"network": "ideal"}), ("system", {}),
                                   ("no_overlap", {"overlap": False}))}
    assert times["ideal"] < times["system"] < times["no_overlap"]


def test_a_faster_fabric_helps(fabric):
    trace = execution_of(network("vgg16"), catalog.gpu("h100-sxm"), 8, data=8)
    slow = topologies.compile(topologies.dgx("a100-sxm-80"))
    times = [replay(on, trace, TrainingOptions()).metrics["exposed_communication_s"]
             for on in (fabric, slow)]
    assert times[0] < times[1]


def test_data_parallel_time_is_compute_and_what_is_exposed(fabric):
    trace = execution_of(network("resnet50"), catalog.gpu("h100-sxm"), 32, data=8)
    found = replay(fabric, trace, TrainingOptions()).metrics
    assert found["step_time_s"] == pytest.approx(
        found["compute_time_s"] + found["exposed_communication_s"], rel=1e-6)


def test_nodes_are_costed_anew_by_a_roofline(step_time, nodes, fabric):
    compute, _, _ = nodes
    h100 = catalog.gpu("h100-sxm")
    work = [compute(0, 1.0, num_ops=10 ** 12, tensor_size=10 ** 6)]
    bytes_bound = [compute(0, 1.0, num_ops=10 ** 6, tensor_size=10 ** 9)]
    assert step_time(work, compute="roofline", math_share=0.5) == pytest.approx(
        1e12 / (0.5 * h100.peak_bf16), rel=1e-6)
    assert step_time(bytes_bound, compute="roofline", memory_share=1.0) == pytest.approx(
        1e9 / h100.memory_bandwidth, rel=1e-6)
    assert step_time(work, compute_scale=0.25) == pytest.approx(0.25)
    with pytest.raises(TraceError, match="has no num_ops, which compute=roofline needs"):
        step_time([compute(0, 1.0)], compute="roofline")


def test_what_the_host_does_runs_beside_the_gpu(step_time, nodes):
    compute, _, _ = nodes
    host = compute(0, 300 * US, is_cpu_op=True)
    assert step_time([host, compute(1, 200 * US)]) == pytest.approx(300 * US, abs=PS)
    assert step_time([host, compute(1, 200 * US, (0,))]) == pytest.approx(500 * US, abs=PS)
    assert step_time([host, compute(1, 1 * US, is_cpu_op=True)]) == pytest.approx(301 * US, abs=PS)


def test_the_size_of_an_all_gather_has_two_meanings(step_time):
    from rackwright.traces.chakra import COLLECTIVES

    rank = [ExecutionNode(0, "g", "COMM_COLL", (), 0.0,
                          {"comm_type": COLLECTIVES.index("ALL_GATHER"), "comm_size": 64 * MIB})]
    total = step_time(*[rank] * 8)
    assert step_time(*[rank] * 8, all_gather_size="per_rank") > 4 * total


def test_more_ranks_than_gpus(nodes, step_time):
    compute, _, _ = nodes
    with pytest.raises(UsageError, match="9 ranks, the topology 8 GPUs"):
        step_time(*[[compute(0, 1.0)]] * 9)


def test_a_replay_repeats_itself(fabric):
    trace = execution_of(network("gpt2"), catalog.gpu("h100-sxm"), 4, data=2, tensor=2)
    one, two = (replay(fabric, trace, TrainingOptions()) for _ in range(2))
    assert one.metrics == two.metrics and one.link_utilisation == two.link_utilisation
    assert (one.spans.end_ps == two.spans.end_ps).all()
