"""Networks of PCIe links: what single features of the event model do, and refused arguments."""

from __future__ import annotations

import pytest

from rackwright.devices.pcie import PcieNetwork, PciePath, PcieSetup, path_network, simulated_time
from rackwright.errors import UnknownName, UsageError

LINK = PcieSetup(generation=4, lanes=16, posted_headers=256, posted_data=1280,
                 nonposted_headers=288)


def pair(link: PcieSetup = LINK) -> PcieNetwork:
    net = PcieNetwork()
    net.host("root")
    net.device("gpu")
    net.link("gpu", "root", link)
    return net


def test_a_lone_write_is_latency_and_wire_time():
    time = simulated_time("write", LINK, 200)
    assert time == pytest.approx(LINK.tlp_time(0, 200) + LINK.link_time + LINK.host_time, abs=2e-12)


def test_a_lone_read_is_two_ways():
    time = simulated_time("read", LINK, 200)
    wire = LINK.tlp_time(1) + LINK.tlp_time(2, 200)
    assert time == pytest.approx(wire + 2 * (LINK.link_time + LINK.host_time), abs=4e-12)


def test_cut_through_waits_for_the_header_only():
    path = PciePath((LINK, LINK), (150e-9,))
    fast = simulated_time("write", path, 256)
    slow = simulated_time("write", PciePath((LINK, LINK), (150e-9,), cut_through=False), 256)
    assert slow - fast == pytest.approx(256 * LINK.byte_time, abs=4e-12)
    alone = simulated_time("write", LINK, 256)
    assert fast - alone == pytest.approx(150e-9 + LINK.tlp_time(0, 0), abs=4e-12)


def test_one_bad_tlp_costs_its_way_there_and_back():
    """The first transmission of a TLP that fails is repeated after a NAK."""
    link = LINK.replace(bit_error_rate=1e-5, replay_tlps=64)
    times = {seed: simulated_time("write", link, 256, seed=seed) for seed in range(400)}
    clean = simulated_time("write", LINK, 256)
    failed = sorted(time for time in times.values() if time > clean)
    assert 2 <= len(failed) <= 20  # 2,240 bits at 1e-5: 2.2 %
    once = LINK.tlp_time(0, 256) + 2 * LINK.link_time + LINK.dllp_time
    assert failed[0] - clean == pytest.approx(once, abs=1e-11)


def test_a_full_replay_buffer_stops_the_sender():
    short = LINK.replace(replay_tlps=2)
    loop = (LINK.tlp_time(0, 256) + LINK.return_time + LINK.dllp_time + 2 * LINK.link_time)
    rate = 2**18 / simulated_time("write", short, 2**18)
    assert rate == pytest.approx(2 * 256 / loop, rel=0.02)


def test_reads_pass_nothing_but_writes_pass_reads_without_credits():
    """Writes go on while read requests wait for the host to take them."""
    net = pair(LINK.replace(nonposted_headers=1, host_time=900e-9, tags=64))
    net.read("gpu", "root", 16_384)
    write = net.write("gpu", "root", 16_384)
    run = net.run(debug=True)
    assert run.finish_time[write] < run.finish_time[0] / 5


def test_a_flow_that_waits_starts_then():
    net = pair()
    first = net.write("gpu", "root", 10_000)
    sent = net.write("gpu", "root", 16, issued=[first])
    after = net.write("gpu", "root", 16, after=[first], delay=5e-9)
    nothing = net.write("gpu", "root", 0, after=[after], delay=1e-6)
    run = net.run()
    assert run.start_time[sent] < run.finish_time[first] < run.finish_time[sent]
    assert run.start_time[after] == pytest.approx(run.finish_time[first] + 5e-9)
    assert run.finish_time[nothing] == pytest.approx(run.finish_time[after] + 1e-6)


def test_the_hosts_memory_is_the_limit_when_it_is_slower():
    net = PcieNetwork()
    net.host("root", bandwidth=5e9)
    net.device("gpu")
    net.link("gpu", "root", LINK)
    net.read("gpu", "root", 1 << 20)
    assert net.run().finish_time[0] == pytest.approx((1 << 20) / 5e9, rel=0.02)


def test_devices_forward_nothing():
    net = pair()
    net.device("leaf")
    net.link("leaf", "gpu", LINK)
    with pytest.raises(UsageError, match="no PCIe link joins leaf and root"):
        net.write("leaf", "root", 1)


@pytest.mark.parametrize("call, says", [
    (lambda net: net.run(), "a PCIe network without transfers has nothing to run"),
    (lambda net: net.write("gpu", "disk", 1), "no PCIe node 'disk'; there are root, gpu"),
    (lambda net: net.write("gpu", "gpu", 1), "from gpu to itself crosses no link"),
    (lambda net: net.read("gpu", "root", -1), "nbytes -1 at address 0"),
    (lambda net: net.read("gpu", "root", 1, after=[0]), "flow 0 is to wait for flow 0"),
    (lambda net: net.read("gpu", "root", 1, delay=-1.0), "delay is -1.0 s"),
    (lambda net: net.device("gpu"), "there is a PCIe node gpu already"),
    (lambda net: net.link("root", "gpu", LINK), "joined already; links form a tree"),
    (lambda net: (net.switch("s", 1e-7), net.link("s", "root", LINK), net.read("gpu", "s", 1)),
     "s is a switch"),
    (lambda net: net.switch("s", 1.0), "PCIe node s: time 1.0 s"),
])
def test_what_is_refused(call, says):
    with pytest.raises(UsageError) as caught:
        call(pair())
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_paths_that_are_none():
    with pytest.raises(UsageError, match="1 links and 1 switches"):
        PciePath((LINK,), (1e-7,))
    with pytest.raises(UsageError, match="target is 'gpu'"):
        PciePath((LINK,), target="gpu")
    with pytest.raises(UnknownName, match="unknown PCIe transfer 'copy'"):
        simulated_time("copy", LINK, 1)
    assert list(path_network(PciePath((LINK, LINK), (1e-7,))).nodes) == [
        "target", "requester", "s0"]
