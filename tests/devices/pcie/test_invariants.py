"""The event model after every single event: bytes, credits, TLPs, order; and its determinism."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices.pcie import PcieNetwork, PcieSetup
from rackwright.devices.pcie.cycle import run_cycles
from rackwright.devices.pcie.cycle_check import check_state
from rackwright.errors import ModelFault, Stalled


def network(seed: int = 3, errors: float = 2e-6, generation: int = 4) -> PcieNetwork:
    """Two devices behind a switch, one beside it; reads, writes, one device to another."""
    link = PcieSetup(generation=generation, lanes=8, tags=6, posted_headers=5, posted_data=70,
                     nonposted_headers=3, bit_error_rate=errors, flit_error_rate=errors * 400,
                     replay_tlps=12, max_read_request_nbytes=1024, completion_nbytes=128)
    net = PcieNetwork(seed)
    net.host("root", bandwidth=2e10)
    net.switch("s0", 120e-9)
    for name, parent in (("a", "s0"), ("b", "s0"), ("c", "root")):
        net.device(name)
        net.link(name, parent, link)
    net.link("s0", "root", link.replace(lanes=4))
    first = net.write("a", "root", 9000, address=77)
    net.read("a", "root", 7000, address=1000)
    net.read("b", "root", 12_000)
    net.write("b", "a", 5000, delay=1e-7)
    net.read("c", "b", 3000, after=[first])
    net.write("root", "c", 300, issued=[first], delay=2e-8)
    return net


@pytest.mark.parametrize("generation", [1, 3, 5, 6])
@pytest.mark.parametrize("errors", [0.0, 1e-5])
def test_all_invariants_after_every_event(generation, errors):
    run = network(errors=errors, generation=generation).run(debug=True)
    assert np.all(run.finish_time > run.start_time)
    assert (sum(run.replays) > 0) == (errors > 0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_any_traffic(data):
    draw = data.draw
    link = PcieSetup(
        generation=draw(st.integers(1, 6)), lanes=draw(st.sampled_from([1, 4, 16])),
        max_payload_nbytes=128, max_read_request_nbytes=draw(st.sampled_from([128, 512, 4096])),
        completion_nbytes=draw(st.sampled_from([64, 128])), tags=draw(st.integers(1, 5)),
        posted_headers=draw(st.integers(0, 4)), posted_data=draw(st.sampled_from([0, 8, 9, 40])),
        nonposted_headers=draw(st.integers(0, 3)), completion_headers=draw(st.integers(0, 3)),
        completion_data=draw(st.sampled_from([0, 8, 30])), replay_tlps=draw(st.integers(1, 9)),
        bit_error_rate=draw(st.sampled_from([0.0, 1e-5])), flit_error_rate=1e-2)
    net = PcieNetwork(seed=draw(st.integers(0, 99)))
    net.host("root")
    net.switch("s", 1e-7, cut_through=draw(st.booleans()))
    net.link("s", "root", link)
    for name in "ab":
        net.device(name)
        net.link(name, "s", link)
    ends = ("a", "b", "root")
    for _ in range(draw(st.integers(1, 4))):
        source, target = draw(st.permutations(ends))[:2]
        kind = draw(st.sampled_from(["read", "write"]))
        getattr(net, kind)(source, target, draw(st.integers(0, 3000)),
                           address=draw(st.integers(0, 4095)))
    run = net.run(debug=True)
    assert np.all(run.finish_time >= 0)


def test_every_tlp_crosses_every_link_once_without_errors():
    link = PcieSetup(generation=5, lanes=16)
    net = PcieNetwork()
    net.host("root")
    net.device("gpu")
    net.link("gpu", "root", link)
    net.write("gpu", "root", 100_000)
    net.read("gpu", "root", 100_000)
    run = net.run()
    up, down = run.links.index(("gpu", "root")), run.links.index(("root", "gpu"))
    writes, requests, answers = -(-100_000 // 256), -(-100_000 // 512), -(-100_000 // 256)
    assert (run.tlps[up], run.tlps[down]) == (writes + requests, answers)
    assert run.wire_nbytes[up] == 100_000 + 24 * (writes + requests)
    assert run.wire_nbytes[down] == 100_000 + 20 * answers
    assert run.replays == (0, 0)


def test_a_seed_decides_the_errors_and_nothing_else_does():
    times = [network(seed).run().finish_time.tobytes() for seed in (1, 1, 2)]
    assert times[0] == times[1] != times[2]


def test_slices_change_nothing():
    whole = run_cycles(network().state())
    sliced = run_cycles(network().state(), max_events=7)
    for a, b in zip(whole.flows, sliced.flows, strict=True):
        assert a.tobytes() == b.tobytes()
    assert whole.channels.busy_ps.tobytes() == sliced.channels.busy_ps.tobytes()


def test_a_broken_credit_is_seen():
    state = network().state()
    state.channels.have_data[0, 0] += 1
    with pytest.raises(ModelFault, match="data credits of a channel add up"):
        check_state(state)


def test_a_write_out_of_order_is_a_fault():
    state = network(errors=0.0).state()
    state.flows.made[0] += 1
    with pytest.raises(ModelFault, match="posted write 1 of flow 0 came when write 0 was next"):
        run_cycles(state)


def test_waiting_for_ever_is_said():
    state = network().state()
    state.flows.waits[0] += 1
    state.heap.size[0] = 0
    with pytest.raises(Stalled, match="flow 0 has 0 of 9000 bytes.* and 1 more wait for credits"):
        run_cycles(state)


SCRIPT = """
import hashlib
from rackwright.devices.pcie import PcieSetup, simulated_time
for generation in (2, 5, 6):
    setup = PcieSetup(generation=generation, lanes=4, bit_error_rate=1e-6, flit_error_rate=1e-3)
    for kind in ("read", "write", "duplex"):
        print(repr(simulated_time(kind, setup, 20_000, 3 if kind != "duplex" else 0)))
"""


def test_interpreted_and_compiled_kernels_agree():
    def output(jit: str) -> str:
        return subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True,
                              check=True, env={**os.environ, "NUMBA_DISABLE_JIT": jit}).stdout
    compiled = output("0")
    assert compiled == output("1") and len(compiled.splitlines()) == 9
