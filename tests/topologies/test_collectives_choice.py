"""What is picked for a size: NCCL's own choices, as it logged them, and switches that add up."""

from __future__ import annotations

import re

import pytest

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

KIB, MIB = 2 ** 10, 2 ** 20
# (operation, GPUs): (bytes as nccl-tests counts them: protocol), logged by NCCL 2.28.9
# (NCCL_DEBUG_SUBSYS=TUNING) on eight H100 of one host with NVLS off; all were rings
LOGGED = {
    ("all_reduce", 8): {96 * KIB: "ll", 1536 * KIB: "ll", 4 * MIB: "ll128", 6 * MIB: "ll128",
                        24 * MIB: "ll128", 96 * MIB: "simple"},
    ("all_gather", 8): {4 * MIB: "ll", 6 * MIB: "ll128", 24 * MIB: "simple"},
    ("reduce_scatter", 8): {1536 * KIB: "ll", 6 * MIB: "ll128", 24 * MIB: "simple"},
    ("broadcast", 8): {384 * KIB: "ll", 4 * MIB: "simple", 24 * MIB: "simple"},
    ("all_reduce", 4): {24 * KIB: "ll", 256 * KIB: "ll", MIB: "ll", 2 * MIB: "ll",
                        6 * MIB: "ll128", 16 * MIB: "simple", 256 * MIB: "simple"},
    ("all_reduce", 2): {MIB: "ll", 2 * MIB: "simple", 6 * MIB: "simple", 64 * MIB: "simple"},
    ("broadcast", 4): {64 * KIB: "ll", MIB: "ll", 2 * MIB: "simple", 6 * MIB: "simple"},
    ("reduce", 2): {384 * KIB: "ll", MIB: "ll", 2 * MIB: "simple", 32 * MIB: "simple"},
    ("all_gather", 4): {128 * KIB: "ll", 2 * MIB: "ll", 6 * MIB: "simple", 64 * MIB: "simple"},
    ("all_gather", 2): {2 * MIB: "ll", 3 * MIB: "simple", 8 * MIB: "simple"},
    ("reduce_scatter", 4): {2 * MIB: "ll", 6 * MIB: "simple", 32 * MIB: "simple"},
}
CASES = [(op, gpus, nbytes, protocol) for (op, gpus), rows in LOGGED.items()
         for nbytes, protocol in rows.items()]


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


@pytest.mark.parametrize(("op", "gpus", "nbytes", "protocol"), CASES)
def test_as_nccl_logged_it(host, op, gpus, nbytes, protocol):
    choice = topologies.collective_choice(op, nbytes, host, host.gpus()[:gpus], in_switch=False)
    assert (choice.algorithm, choice.protocol) == ("ring", protocol)


def test_a_choice_is_what_the_time_is_of(host):
    for nbytes in (1, 2 ** 16, 2 ** 22, 2 ** 30):
        choice = topologies.collective_choice("all_reduce", nbytes, host)
        assert choice.time == topologies.collective_time("all_reduce", nbytes, host)
        assert 0 < choice.wire_time < choice.time and choice.library == "nccl-h100"
        assert choice.band[0] in ("calibrated", "derived", "assumed")


def test_the_switch_adds_up_large_sums_of_eight(host):
    """At eight GPUs it moves 9/8 of the bytes, a ring 14/8; at four 5/4 and 6/4: a tie, with what
    each reaches of the links."""
    sizes = [2 ** power for power in range(10, 31, 2)]
    picked = [topologies.collective_choice("all_reduce", size, host).algorithm for size in sizes]
    assert picked[0] == "ring" and picked[-1] == "in_switch"
    assert picked == sorted(picked, reverse=True)  # ring first, then the switch
    four, two = ([topologies.collective_time("all_reduce", 2 ** 30, host, host.gpus()[:gpus],
                                             algorithm=name) for name in ("ring", "in_switch")]
                 for gpus in (4, 2))
    assert four[0] == pytest.approx(four[1], rel=0.05) and two[0] < 0.9 * two[1]


def test_only_where_switch_and_operation_allow_it(host):
    assert topologies.collective_choice("all_gather", 2 ** 30, host).algorithm == "ring"
    assert topologies.collective_choice("all_reduce", 2 ** 30, host,
                                        in_switch=False).algorithm == "ring"
    old = topologies.compile(topologies.dgx("a100-sxm-80"))
    assert topologies.collective_choice("all_reduce", 2 ** 30, old).algorithm == "ring"
    two = topologies.compile(topologies.dgx("h100-sxm", hosts=2))
    assert topologies.collective_choice("all_reduce", 2 ** 30, two).algorithm != "in_switch"


def test_what_is_asked_for_is_done(host):
    for protocol in ("ll", "ll128", "simple"):
        choice = topologies.collective_choice("all_reduce", 2 ** 20, host, protocol=protocol,
                                              algorithm="ring")
        assert (choice.algorithm, choice.protocol) == ("ring", protocol)
    choice = topologies.collective_choice("all_reduce", 1024, host, algorithm="in_switch")
    assert choice.algorithm == "in_switch"


def test_trees_are_for_few_bytes_on_many_hosts():
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=16))
    small, large = (topologies.collective_choice("all_reduce", size, fabric)
                    for size in (2 ** 12, 2 ** 32))
    assert (small.algorithm, large.algorithm) == ("tree", "ring")
    ring = topologies.collective_time("all_reduce", 2 ** 12, fabric, algorithm="ring")
    assert small.time < ring / 3


def test_ll128_needs_nvlink():
    graph = topologies.dgx("h100-sxm")
    graph.remove_node("h0/nvswitch")
    fabric = topologies.compile(graph)
    with pytest.raises(UsageError, match="all_reduce has no ll128 here; there are ring with ll, "
                                         "ring with simple"):
        topologies.collective_time("all_reduce", 1, fabric, protocol="ll128")


def test_no_sum_in_a_switch_of_another_library(host):
    with pytest.raises(UsageError, match=re.escape("switch is one of none")):
        topologies.collective_time("all_reduce", 1, host, algorithm="in_switch",
                                   library="nccl-a100")


@pytest.mark.parametrize(("gpu", "library"), [("a100-sxm-40", "nccl-a100"),
                                              ("h200-sxm", "nccl-h200"), ("h100-sxm", "nccl-h100")])
def test_the_gpu_picks_the_library(gpu, library):
    fabric = topologies.compile(topologies.dgx(gpu))
    assert topologies.collective_choice("all_reduce", 1, fabric).library == library


def test_a_library_of_ones_own(host):
    import dataclasses

    part = catalog.collectives("nccl-h100")
    slow = dataclasses.replace(part, all_gather_ll=dataclasses.replace(part.all_gather_ll,
                                                                       base_time=1.0))
    assert topologies.collective_time("all_gather", 1024, host, library=slow) > 1


@pytest.mark.parametrize("name", catalog.names("collectives"))
def test_every_library_states_its_bands(name):
    part = catalog.collectives(name)
    for op in ("all_reduce", "all_to_all", "send_recv"):
        basis, median, p90 = part.band(op)
        assert basis and 0 < median <= p90 < 1
    with pytest.raises(UnknownName, match="unknown collective 'sum'"):
        part.band("sum")
    with pytest.raises(UnknownName, match="unknown protocol of all_to_all 'll128'"):
        part.band("all_to_all", "ll128")


def test_a_band_says_what_was_never_measured(host):
    def basis(fabric, **more):
        return topologies.collective_choice("all_gather", 2 ** 28, fabric, **more).band[0]
    assert basis(host) == "calibrated" and basis(host, library="nccl-a100") == "assumed"
    assert basis(topologies.compile(topologies.dgx("h100-sxm", hosts=2))) == "assumed"
    assert basis(topologies.compile(topologies.dgx("a100-sxm-80"))) == "derived"
    graph = topologies.dgx("h100-sxm")
    graph.remove_node("h0/nvswitch")
    assert basis(topologies.compile(graph)) == "assumed"
