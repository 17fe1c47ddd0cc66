"""Several devices on one host: closed-form rates, and the same flows in the event model."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.pcie import PcieFlow, PcieTree
from rackwright.devices.pcie.closed import read_bandwidth, write_bandwidth
from rackwright.errors import UnknownName, UsageError

LINK = catalog.pcie("gen5-x16").setup()
THROUGH = catalog.pcie_switch("pcie-switch-gen5").latency_time
READ, WRITE = read_bandwidth(LINK), write_bandwidth(LINK)


def tree(host_bandwidth: float = 0.0) -> PcieTree:
    """Four GPUs in pairs behind two switches, a drive at the root."""
    made = PcieTree(host_bandwidth)
    for number in range(2):
        made.switch(f"s{number}", THROUGH, LINK)
    for number in range(4):
        made.device(f"g{number}", LINK, f"s{number // 2}")
    made.device("d", catalog.pcie("gen4-x4").setup())
    return made


def simulated(flows: list[PcieFlow], host_bandwidth: float = 0.0) -> np.ndarray:
    """Rates in the event model, of transfers as long as those of the closed form make them."""
    expected = tree(host_bandwidth).rates(flows)
    network = tree(host_bandwidth).network()
    nbytes = [int((1 << 22) * rate / expected.max()) for rate in expected]
    numbers = [(network.read if flow.kind == "read" else network.write)(flow.device, flow.other, n)
               for flow, n in zip(flows, nbytes, strict=True)]
    return np.array(nbytes) / network.run().finish_time[numbers]


FLOWS = {
    "alone": [PcieFlow("g0")],
    "reads behind one uplink": [PcieFlow("g0"), PcieFlow("g1")],
    "writes behind one uplink, one beside": [PcieFlow(f"g{i}", "write") for i in range(3)],
    "one up, one down": [PcieFlow("g0"), PcieFlow("g1", "write")],
    "a drive beside": [PcieFlow("g0"), PcieFlow("d")],
    "peers behind a switch": [PcieFlow("g0", "write", "g1"), PcieFlow("g1", "write", "g0")],
    "peers over the root": [PcieFlow("g0", "write", "g2"), PcieFlow("g1", "write"),
                            PcieFlow("g3")],
}


@pytest.mark.parametrize("name", FLOWS)
def test_closed_form_and_event_model(name):
    closed = tree().rates(FLOWS[name])
    assert np.allclose(simulated(FLOWS[name]), closed, rtol=0.03)


def test_memory_before_lanes():
    """Two GPUs of their own links share the host's memory bandwidth when it is the lesser."""
    flows, memory = [PcieFlow("g0"), PcieFlow("g2")], 70e9
    assert tree().rates(flows) == pytest.approx([READ, READ], rel=0.01)
    assert tree(memory).rates(flows) == pytest.approx([memory / 2, memory / 2])
    assert np.allclose(simulated(flows, memory), memory / 2, rtol=0.03)


def test_nobody_is_faster_than_alone_and_no_link_too_full():
    rng = np.random.default_rng(5)
    names = ["g0", "g1", "g2", "g3", "d"]
    for _ in range(40):
        flows = []
        for _ in range(int(rng.integers(1, 7))):
            device, other = rng.choice(names), rng.choice([*names, "host", "host"])
            if device != other:
                flows.append(PcieFlow(str(device), str(rng.choice(["read", "write"])), str(other)))
        rates = tree(9e10).rates(flows)
        alone = np.array([tree(9e10).rates([flow])[0] for flow in flows])
        assert np.all(rates <= alone * (1 + 1e-9)) and np.all(rates > 0)
        for switch in ("s0", "s1"):
            behind = {"s0": ("g0", "g1"), "s1": ("g2", "g3")}[switch]
            up = sum(rate for rate, flow in zip(rates, flows, strict=True)
                     if flow.kind == "write" and flow.device in behind
                     and flow.other not in behind)
            assert up <= WRITE * 1.001


def test_no_flows_and_wrong_ones():
    assert tree().rates([]).shape == (0,)
    with pytest.raises(UnknownName, match="unknown kind of PCIe flow 'copy'"):
        tree().rates([PcieFlow("g0", "copy")])
    with pytest.raises(UnknownName, match="unknown PCIe device 'g9'"):
        tree().rates([PcieFlow("g9")])
    with pytest.raises(UsageError, match="starts at a device"):
        tree().rates([PcieFlow("host")])
    with pytest.raises(UnknownName, match="unknown PCIe switch 's7'"):
        tree().device("g5", LINK, "s7")
