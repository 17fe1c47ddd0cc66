"""Running the flit model: times of patterns, and what must hold after every event.

A flow of more than `EXACT_PACKETS` a link (fewer in patterns of more than 16 flows) is run to that
many; the rest is added at the rate of the second half, which is steady by then. Times are rounded
to the flit's whole picoseconds (below 0.1 %). Sources and what is left out: `flits`.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.nvlink.bundle import Bundle
from rackwright.devices.nvlink.flits import AT_GPU, AT_SWITCH, CREDIT, flits_advance, flits_begin
from rackwright.devices.nvlink.patterns import Pairs, Pattern
from rackwright.devices.nvlink.state import FlitState, grow_flits, new_flits
from rackwright.engine.driver import drive
from rackwright.errors import ModelFault
from rackwright.units import seconds_to_ps

__all__ = ["EXACT_PACKETS", "CycleBundle", "check_flits", "run_flits"]

EXACT_PACKETS = 1024  # a link and flow: half of it outlasts every credit loop in the catalog


@dataclass(frozen=True)
class CycleBundle(Bundle):
    """A `Bundle` whose times come from the flit model, one run a size.

    Raises what `Bundle` raises, and `ModelFault` if the model breaks its own rules.
    """

    def p2p_time(self, pattern: Pattern, nbytes: Sizes) -> Seconds:
        """Seconds until the last flow of the pattern has arrived; see `Bundle.p2p_time`."""
        pairs = self.pairs(pattern)
        n, = sizes(nbytes=nbytes)
        rounds, last = self.format.busiest(n, self.links)
        seconds = [_pattern_time(self, pairs, int(count), int(flits))
                   for count, flits in zip(rounds.flat, last.flat, strict=True)]
        return bare(np.array(seconds).reshape(n.shape))


@functools.lru_cache(maxsize=4096)
def _pattern_time(bundle: Bundle, pairs: Pairs, packets: int, last_flits: int) -> float:
    """Seconds for `packets` a flow on one link."""
    if packets == 0:
        return 0.0
    exact = max(32, 16 * EXACT_PACKETS // max(16, len(pairs)))
    if packets <= exact:
        return _finish(run_flits(bundle, pairs, packets, last_flits))
    full = bundle.format.packet_flits
    half, whole = (_finish(run_flits(bundle, pairs, count, full))
                   for count in (exact // 2, exact))
    flows = max(Counter(pair[side] for pair in pairs).most_common(1)[0][1] for side in (0, 1))
    missing = flows * (full - last_flits) * bundle.flit_time
    return whole + (packets - exact) * (whole - half) / (exact - exact // 2) - missing


def _finish(state: FlitState) -> float:
    return int(state.flows.done_ps.max()) * 1e-12


def run_flits(bundle: Bundle, pairs: Pairs, packets: int, last_flits: int, *,
              checked: bool = False, max_events: int | None = None) -> FlitState:
    """The flit model's last state; `checked` looks at its invariants after every event."""
    state = new_flits(
        pairs, packets, last_flits, switched=bundle.switch_latency_time is not None,
        flit_ps=seconds_to_ps(bundle.flit_time), wire_ps=seconds_to_ps(bundle.latency_time),
        switch_ps=seconds_to_ps(bundle.switch_latency_time or 0.0),
        packet_flits=bundle.format.packet_flits,
        response_ppm=round(bundle.response_flits * 1e6), buffer_flits=bundle.credits)
    flits_begin(state)
    return drive(flits_advance, state, grow=grow_flits, waits=_waits, faults=_faults,
                 check=check_flits if checked else None, max_events=max_events)


def _waits(state: FlitState) -> str:
    left = state.flows.packets - state.flows.arrived
    return f"packets that have not arrived, by flow: {left.tolist()}"


def _faults(state: FlitState) -> str:
    _, flow, number, _ = (int(code) for code in state.control.code)
    return f"packet {number} of flow {flow} overtook another"


def check_flits(state: FlitState) -> None:
    """Credits, buffers and packets are conserved, channel by channel. Raises `ModelFault`."""
    held = _held(state)
    for channel in range(len(held)):
        for kind in (0, 1):
            found = int(state.channels.credits[channel, kind]) + held[channel, kind]
            if state.channels.credits[channel, kind] < 0 or (
                    _in_use(state, channel) and found != state.buffer_flits):
                raise ModelFault(f"channel {channel}, class {kind}: {found} of "
                                 f"{state.buffer_flits} credits are accounted for")
    _check_flows(state)


def _check_flows(state: FlitState) -> None:
    """Every packet that a flow began is on its way or has arrived."""
    flows = state.flows
    carried = state.packets.flow[sorted(_live(state))]
    inside = np.bincount(carried[carried >= 0], minlength=len(flows.packets))
    if (flows.started != flows.arrived + inside).any() or (flows.started > flows.packets).any():
        raise ModelFault(f"packets begun {flows.started.tolist()}, arrived "
                         f"{flows.arrived.tolist()}, on their way {inside.tolist()}")


def _live(state: FlitState) -> set[int]:
    """Packets that are on their way."""
    free = state.packets.free[: int(state.free_count[0])].tolist()
    return set(range(len(state.packets.free))) - set(free)


def _in_use(state: FlitState, channel: int) -> bool:
    return state.switched == 1 or channel < state.gpus


def _held(state: FlitState) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Credits not at their channels: packets between reservation and leaving, events on wires."""
    held = np.zeros((2 * state.gpus, 2), np.int64)
    packets, size = state.packets, int(state.heap.size[0])
    live = _live(state)
    for packet in sorted(live):
        kind = int(packets.flow[packet] < 0)
        flits, target = int(packets.flits[packet]), int(packets.target[packet])
        if state.switched == 1:
            held[packets.source[packet], kind] += flits - int(packets.down_sent[packet])
            if packets.down_sent[packet] or state.channels.current[state.gpus + target] == packet:
                held[state.gpus + target, kind] += flits - int(packets.came[packet])
        else:
            held[packets.source[packet], kind] += flits - int(packets.came[packet])
    for kind, item in zip(state.heap.kind[:size], state.heap.item[:size], strict=True):
        if kind == CREDIT:
            held[item >> 1, item & 1] += 1
        elif kind in (AT_SWITCH, AT_GPU) and int(item) not in live:
            raise ModelFault(f"a flit of packet {item}, which is free, is on a wire")
    return held
