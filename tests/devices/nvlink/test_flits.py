"""The flit model itself: conservation after every event, order, slices, both ways of running."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from rackwright.devices.nvlink import Bundle, CycleBundle, pairs_of
from rackwright.devices.nvlink.cycle import check_flits, run_flits
from rackwright.devices.nvlink.flits import flits_advance, flits_begin
from rackwright.devices.nvlink.state import new_flits
from rackwright.engine.driver import drive
from rackwright.errors import ModelFault


@pytest.mark.parametrize("pattern", ["bidirectional", "incast3", "outcast2", "all_to_all3"])
@pytest.mark.parametrize("credits", [17, 40, 90])
def test_credits_buffers_and_order_hold_after_every_event(hopper, pattern, credits):
    bundle = Bundle(**{**hopper, "credit_flits": credits})
    pairs = pairs_of(pattern)
    state = run_flits(bundle, pairs, 5, 9, checked=True)
    assert (state.flows.arrived == 5).all()
    assert (state.channels.credits == state.buffer_flits).all()
    data = 4 * 17 + 9
    out = np.bincount([source for source, _ in pairs], minlength=state.gpus)
    responses = state.channels.sent[: state.gpus] - out * data
    assert responses.sum() == state.channels.sent[state.gpus:].sum() - len(pairs) * data
    assert 0 <= responses.sum() <= 5 * len(pairs) * 0.695


def test_without_a_switch(hopper):
    bundle = Bundle(**{**hopper, "switch_latency_time": None, "credit_flits": 100})
    state = run_flits(bundle, pairs_of("bidirectional"), 20, 17, checked=True)
    assert (state.channels.credits[:2] == state.buffer_flits).all()


def test_a_lost_credit_is_seen(hopper):
    state = new_flits(((0, 1),), 3, 17, switched=True, flit_ps=640, wire_ps=1000, switch_ps=500,
                      packet_flits=17, response_ppm=0, buffer_flits=40)
    flits_begin(state)
    state.channels.credits[0, 0] -= 1
    with pytest.raises(ModelFault, match="39 of 40 credits"):
        drive(flits_advance, state, check=check_flits)


def test_slices_change_nothing(hopper):
    bundle, pairs = Bundle(**{**hopper, "credit_flits": 60}), pairs_of("all_to_all3")
    whole = run_flits(bundle, pairs, 30, 5)
    sliced = run_flits(bundle, pairs, 30, 5, max_events=7)
    assert (whole.flows.done_ps == sliced.flows.done_ps).all()
    assert whole.control.events == sliced.control.events


def test_one_flow_takes_what_its_flits_take(hopper):
    bundle = CycleBundle(**{**hopper, "response_flits": 0.0})
    flit_ps = round(bundle.flit_time * 1e12)
    way_ps = 2 * 200_000 + 100_000 + flit_ps
    assert bundle.p2p_time("single", 18 * 256 * 10) == pytest.approx(
        (170 * flit_ps + way_ps) * 1e-12, abs=1e-13)


def test_a_receivers_port_is_shared_evenly(hopper):
    done = run_flits(Bundle(**hopper), pairs_of("incast3"), 200, 17).flows.done_ps
    assert np.ptp(done) <= 3 * 17 * 721


def test_what_waits_behind_a_busy_output_waits_too(hopper):
    """Head-of-line blocking: GPU 1's flow to the idle GPU 3 is slowed by its flow to GPU 0."""
    bundle = Bundle(**{**hopper, "credit_flits": 200})
    pairs = ((1, 0), (1, 3), (2, 0), (4, 0))
    blocked = run_flits(bundle, pairs, 300, 17).flows.done_ps[1]
    alone = run_flits(bundle, ((1, 4), (1, 3)), 300, 17).flows.done_ps[1]
    assert blocked > 1.3 * alone


CODE = """
from rackwright.devices.nvlink import Bundle, pairs_of
from rackwright.devices.nvlink.cycle import run_flits
state = run_flits(Bundle(18, 25e9, 0.9, 0.7, 2e-7, 1e-7, 50), pairs_of("all_to_all3"), 4, 9)
print(state.flows.done_ps.tolist(), state.channels.sent.tolist(), state.control.events.tolist())
"""


def test_compiled_and_interpreted_give_the_same(hopper):
    outputs = {subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True,
                              check=True, env={**os.environ, "NUMBA_DISABLE_JIT": off}).stdout
               for off in ("0", "1")}
    assert len(outputs) == 1 and "[" in outputs.pop()
