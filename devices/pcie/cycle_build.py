"""From a `PcieNetwork` to the arrays of the event model.

Channels in the order of the network's links; turns of a channel in the order in which flows need
them. Times are rounded to whole picoseconds here, wire times to femtoseconds a byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rackwright.devices.pcie.cycle_state import (
    COMPLETER,
    FLOW,
    FORWARD,
    I64,
    START,
    Channels,
    CycleState,
    FlowRows,
    Hops,
    Tags,
    Turns,
    new_tlps,
)
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import COMPLETION, NON_POSTED, POSTED
from rackwright.engine.heap import heap_push, new_heap
from rackwright.engine.status import new_control

if TYPE_CHECKING:
    from rackwright.devices.pcie.cycle_net import PcieNetwork

__all__ = ["built_state"]

CLASSES = (POSTED, NON_POSTED, COMPLETION)
MARGIN = 24       # events that one event pushes, besides the flows that it lets start
START_TLPS = 256
BY_CLASS = ("held_headers", "held_data", "owed_headers", "owed_data", "away_headers", "away_data",
            "fc_timer", "fc_due")


def built_state(network: PcieNetwork) -> CycleState:
    """The state of `network` before the first event."""
    plan = _Plan(network)
    flows = plan.flow_rows()
    state = CycleState(
        new_control(), new_heap(1024 + 2 * len(network.transfers)), plan.channels(),
        plan.turn_rows(), Hops(_i64(plan.hop_channel), _i64(plan.hop_turn)), new_tlps(START_TLPS),
        plan.tags(), flows, *plan.memories(), _i64([network.seed]), np.zeros(1, np.int64),
        _i64([len(network.transfers)]), np.zeros(1, np.int64), _i64([MARGIN + _widest(flows)]))
    for f in np.flatnonzero(flows.waits == 0):
        heap_push(state.heap, flows.delay_ps[f], 0, START, f)
    return state


class _Plan:
    """Numbers of channels, turns, routes and pools while they are handed out."""

    def __init__(self, network: PcieNetwork) -> None:
        self.network = network
        self.ends = list(network.links)
        self.number = {ends: row for row, ends in enumerate(self.ends)}
        self.turns: dict[tuple[int, int, int], None] = {}  # (channel, kind, source)
        self.routes: dict[tuple[str, str, int], tuple[int, int]] = {}
        self.hops: list[tuple[int, tuple[int, int, int]]] = []
        self.pools: dict[str, int] = {}
        self.route_of_flow = [self._routes(f) for f in range(len(network.transfers))]
        order = sorted(self.turns)
        self.turn_number = {turn: row for row, turn in enumerate(order)}
        self.hop_channel = [channel for channel, _ in self.hops]
        self.hop_turn = [self.turn_number[turn] for _, turn in self.hops]

    def _routes(self, f: int) -> tuple[int, int, int, int]:
        one = self.network.transfers[f]
        self.pools.setdefault(one.source, len(self.pools))
        way = self.network.path(one.source, one.target)
        out = self._route(way, (FLOW, f))
        if one.kind == POSTED:
            return (*out, *out)
        return (*out, *self._route(way[::-1], (COMPLETER, 0)))

    def _route(self, way: list[str], source: tuple[int, int]) -> tuple[int, int]:
        first = len(self.hops)
        for a, b in zip(way, way[1:], strict=False):
            channel = self.number[a, b]
            turn = (channel, *source)
            self.turns.setdefault(turn)
            self.hops.append((channel, turn))
            source = (FORWARD, channel)
        return first, len(self.hops) - 1

    def setup(self, row: int) -> PcieSetup:
        return self.network.links[self.ends[row]]

    def turn_rows(self) -> Turns:
        order = list(self.turn_number)
        first = np.searchsorted(_i64([turn[0] for turn in order]), np.arange(len(self.ends) + 1))
        empty = np.full((len(order), 3), -1, np.int64)
        return Turns(_i64(first), _i64([turn[1] for turn in order]),
                     _i64([turn[2] for turn in order]), empty, empty.copy())

    def channels(self) -> Channels:
        setups = [self.setup(row) for row in range(len(self.ends))]
        far = [self.network.nodes[ends[1]] for ends in self.ends]
        switch = [node.kind == "switch" for node in far]
        hosts = self._hosts()
        given = _i64([[_given(one, at, kind) for kind in CLASSES]
                      for one, at in zip(setups, switch, strict=True)]).reshape(-1, 3, 2)
        ring = 1 << max(one.replay_tlps - 1 for one in setups).bit_length()
        known: dict[str, Any] = {
            "byte_fs": _i64([round(one.byte_time * 1e15) for one in setups]),
            "latency_ps": _ps(one.link_time for one in setups),
            "flit_ps": _ps(one.flit_time for one in setups),
            "dllp_ps": _ps(one.dllp_time for one in setups),
            "ack_ps": _ps(one.return_time for one in setups),
            "fc_ps": _ps(one.return_time for one in setups),
            "node_ps": _ps(max(node.time - one.link_time, 0.0) if node.kind == "switch" else 0.0
                           for one, node in zip(setups, far, strict=True)),
            "end_ps": _ps({"host": one.host_time, "device": one.device_time}.get(node.kind, 0.0)
                          for one, node in zip(setups, far, strict=True)),
            "cut": _i64([node.kind == "switch" and node.cut_through for node in far]),
            "byte_error": np.array([one.byte_error for one in setups]),
            "back": _i64([self.number[b, a] for a, b in self.ends]),
            "memory": _i64([hosts.get(b, -1) for _, b in self.ends]),
            "over": _i64([[one.overhead_nbytes(kind) for kind in CLASSES] for one in setups]),
            "headers": given[:, :, 0].copy(), "have_headers": given[:, :, 0].copy(),
            "data": given[:, :, 1].copy(), "have_data": given[:, :, 1].copy(),
            "room": _i64([one.replay_tlps for one in setups]),
            "ring": np.zeros((len(setups), ring), np.int64),
            "ring_ps": np.zeros((len(setups), ring), np.int64),
            "ack_until_ps": np.full(len(setups), -1, np.int64),
            "leaving": np.full(len(setups), -1, np.int64)}
        shape = {name: (len(setups), 3) for name in BY_CLASS}
        return Channels(**{name: known.get(name, np.zeros(shape.get(name, len(setups)), np.int64))
                           for name in Channels._fields})

    def _hosts(self) -> dict[str, int]:
        names = [name for name, node in self.network.nodes.items() if node.kind == "host"]
        return {name: row for row, name in enumerate(names)}

    def memories(self) -> tuple[I64, I64]:
        rates = [self.network.nodes[name].bandwidth for name in self._hosts()] or [0.0]
        return _i64([round(1e15 / rate) if rate else 0 for rate in rates]), \
            np.zeros(len(rates), np.int64)

    def tags(self) -> Tags:
        sizes = [self.network.links[self._port(name)].tags for name in self.pools]
        start = np.cumsum([0, *sizes])
        total = int(start[-1])
        chain = np.arange(1, total + 1, dtype=np.int64)
        chain[start[1:] - 1] = -1
        left, missing, address = (np.zeros(total, np.int64) for _ in range(3))
        return Tags(np.full(total, -1, np.int64), left, missing, address, chain,
                    _i64(start[:-1]), _i64(sizes), _i64(sizes))

    def _port(self, name: str) -> tuple[str, str]:
        return next(ends for ends in self.ends if ends[0] == name)

    def flow_rows(self) -> FlowRows:
        flows = self.network.transfers
        count = len(flows)
        routes = _i64(self.route_of_flow).reshape(count, 4)
        out = [self.setup(self.hop_channel[row[0]]) for row in routes]
        back = [self.setup(self.hop_channel[row[2]]) for row in routes]
        least = [self._least_payload(f) for f in range(count)]
        known: dict[str, Any] = {
            "kind": _i64([one.kind for one in flows]),
            "nbytes": _i64([one.nbytes for one in flows]),
            "address": _i64([one.address for one in flows]),
            "request": _i64([least[f] if one.kind == POSTED else out[f].max_read_request_nbytes
                             for f, one in enumerate(flows)]),
            "chunk": _i64([min(back[f].chunk_nbytes, least[f]) for f in range(count)]),
            "pool": _i64([self.pools[one.source] for one in flows]),
            "out_first": routes[:, 0].copy(), "out_last": routes[:, 1].copy(),
            "in_first": routes[:, 2].copy(), "in_last": routes[:, 3].copy(),
            "respond_ps": _ps(self._respond(f, back[f]) for f in range(count)),
            "waits": _i64([len(one.after) + len(one.issued) for one in flows]),
            "delay_ps": _ps(one.delay for one in flows),
            "start_ps": np.full(count, -1, np.int64), "finish_ps": np.full(count, -1, np.int64)}
        known["after_first"], known["after"] = _edges([one.after for one in flows])
        known["issue_first"], known["issue"] = _edges([one.issued for one in flows])
        return FlowRows(**{name: known.get(name, np.zeros(count, np.int64))
                           for name in FlowRows._fields})

    def _least_payload(self, f: int) -> int:
        one = self.network.transfers[f]
        way = self.network.path(one.source, one.target)
        return min(self.network.links[ends].max_payload_nbytes
                   for ends in zip(way, way[1:], strict=False))

    def _respond(self, f: int, setup: PcieSetup) -> float:
        kind = self.network.nodes[self.network.transfers[f].target].kind
        return setup.host_time if kind == "host" else setup.device_time


def _given(setup: PcieSetup, switch: bool, kind: int) -> tuple[int, int]:
    """Credits of a receiver: a switch may not advertise unlimited ones for completions."""
    given = setup.credits(kind)
    if switch and kind == COMPLETION and given == (0, 0):
        return setup.credits(POSTED)
    return given


def _edges(waits: list[tuple[int, ...]]) -> tuple[I64, I64]:
    """Who waits for each flow, in CSR, from whom each flow waits for."""
    after: list[list[int]] = [[] for _ in waits]
    for flow, others in enumerate(waits):
        for other in others:
            after[other].append(flow)
    first = np.cumsum([0, *(len(row) for row in after)])
    return _i64(first), _i64([flow for row in after for flow in row])


def _widest(flows: FlowRows) -> int:
    return int(np.diff(flows.after_first).max(initial=0)
               + np.diff(flows.issue_first).max(initial=0))


def _i64(values: Any) -> I64:
    return np.asarray(values, np.int64)


def _ps(seconds: Iterable[float]) -> I64:
    return _i64([round(value * 1e12) for value in seconds])
