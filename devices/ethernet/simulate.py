"""Running the packet model: transfers in, finish times, losses, buffers and pauses out.

`simulate(network, transfers, framing)` sends every transfer its way (`network.ways`) and gives a
`Delivery`. With `checked`, what must hold is looked at after every event. Sources and what is left
out: `packets`, `network`. Units: seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices.ethernet.checks import check_packets
from rackwright.devices.ethernet.framing import ROCE, Framing
from rackwright.devices.ethernet.network import MOST_CLASSES, PacketNetwork
from rackwright.devices.ethernet.packets import START, packets_advance
from rackwright.devices.ethernet.path import CUT_NBYTES
from rackwright.devices.ethernet.state import (
    FrameSizes,
    Nodes,
    PacketState,
    Ports,
    Transfers,
    grow_packets,
    new_packets,
)
from rackwright.engine.driver import drive
from rackwright.engine.heap import heap_push
from rackwright.errors import UsageError
from rackwright.units import seconds_to_ps

__all__ = ["Delivery", "Transfer", "simulate"]

I64 = npt.NDArray[np.int64]
_UNBOUNDED = 1 << 60


@dataclass(frozen=True)
class Transfer:
    """`nbytes` from one host to another, `kind` being its class (priority, 0 first)."""

    source: str
    target: str
    nbytes: int
    start_time: float = 0.0
    kind: int = 0


@dataclass(frozen=True)
class Delivery:
    """What came of the transfers, in their order, and of the network.

    `finish_time` (s): when the last frame that came arrived; nan if none did. `frames`, `dropped`:
    each transfer's. Per port: `wire_nbytes` sent, `most_held_nbytes` that came in by it and were
    in the switch's buffer at once, `most_queued_nbytes`, `pauses` asked for. Per node: `drops`,
    `most_used_nbytes` of its buffer. `events`: of the model.
    """

    finish_time: npt.NDArray[np.float64]
    frames: I64
    dropped: I64
    wire_nbytes: I64
    most_held_nbytes: I64
    most_queued_nbytes: I64
    pauses: I64
    drops: I64
    most_used_nbytes: I64
    events: int


def simulate(network: PacketNetwork, transfers: Sequence[Transfer], framing: Framing = ROCE, *,
             seed: int = 0, pause_response_time: float = 0.0, checked: bool = False,
             max_events: int | None = None) -> Delivery:
    """Send `transfers` through `network`.

    `seed` chooses among equal ways; `pause_response_time`: from a pause's arrival at a sender to
    its silence. Raises `UsageError` for hosts or classes that are not there and sizes below 1,
    `Stalled` for a deadlock of pauses, `ModelFault` for a broken invariant.
    """
    classes = max((model.classes for model in network.models if model), default=1)
    state = new_packets(
        _transfers(network, transfers, framing, classes, seed), _ports(network, classes),
        _nodes(network, classes), spacing=framing.spacing_nbytes, cut_bytes=CUT_NBYTES,
        response_ps=seconds_to_ps(pause_response_time), room=max(1024, 2 * len(transfers)))
    for one, start_ps in enumerate(state.transfers.start_ps.tolist()):
        heap_push(state.heap, start_ps, 0, START, one)
    state = drive(packets_advance, state, grow=grow_packets, waits=_waits, faults=_faults,
                  check=check_packets if checked else None, max_events=max_events)
    return _delivery(state)


def _transfers(network: PacketNetwork, transfers: Sequence[Transfer], framing: Framing,
               classes: int, seed: int) -> Transfers:
    if not transfers:
        raise UsageError("at least one transfer is needed")
    numbers = {name: number for number, name in enumerate(network.names)}
    for one, transfer in enumerate(transfers):
        _refuse(one, transfer, network, numbers, classes)
    pairs = [(numbers[transfer.source], numbers[transfer.target]) for transfer in transfers]
    ways = network.ways(pairs, seed)
    count = len(transfers)
    nbytes = np.array([transfer.nbytes for transfer in transfers], np.float64)
    first, last = framing.ends(nbytes)
    hops = np.array([len(way) for way in ways], np.int64)
    zeros = [np.zeros(count, np.int64) for _ in range(4)]
    return Transfers(
        _whole([seconds_to_ps(transfer.start_time) for transfer in transfers]),
        _whole([source for source, _ in pairs]), _whole([target for _, target in pairs]),
        _whole([transfer.kind for transfer in transfers]),
        FrameSizes(_whole(framing.frames(nbytes)), _whole(first),
                   np.full(count, framing.full_nbytes, np.int64), _whole(last)),
        np.cumsum(hops) - hops, _whole([port for way in ways for port in way]), hops,
        zeros[0], zeros[1], zeros[2], zeros[3], np.full(count, -1, np.int64),
        np.full(count, -1, np.int64))


def _refuse(one: int, transfer: Transfer, network: PacketNetwork, numbers: Mapping[str, int],
            classes: int) -> None:
    for name in (transfer.source, transfer.target):
        if name not in numbers:
            raise UsageError(f"transfer {one}: no node {name!r} in this network; there are "
                             f"{', '.join(network.names)}")
        if network.models[numbers[name]] is not None:
            raise UsageError(f"transfer {one}: {name} is a switch; hosts send and receive")
    if isinstance(transfer.nbytes, bool) or not 1 <= transfer.nbytes < 1 << 50 or (
            transfer.nbytes != int(transfer.nbytes)):
        raise UsageError(f"transfer {one}: nbytes is {transfer.nbytes!r}; a whole number >= 1 is "
                         "needed")
    if transfer.kind not in range(classes):
        raise UsageError(f"transfer {one}: class {transfer.kind!r}; the switches have 0 to "
                         f"{classes - 1} (SwitchModel's classes, up to {MOST_CLASSES})")


def _ports(network: PacketNetwork, classes: int) -> Ports:
    ports, count = network.ports, len(network.ports)

    def zeros() -> I64:
        return np.zeros(count, np.int64)

    def each(value: int = 0) -> I64:
        return np.full((count, classes), value, np.int64)

    return Ports(
        _whole([port.source for port in ports]), _whole([port.target for port in ports]),
        np.array([8e12 / port.rate_bps for port in ports]),
        _whole([seconds_to_ps(port.latency_time) for port in ports]), zeros(), zeros(), each(-1),
        each(-1), each(), each(), each(), zeros(), zeros(), zeros(), zeros(), zeros(), each(),
        each(), zeros(), zeros(), zeros())


def _nodes(network: PacketNetwork, classes: int) -> Nodes:
    models = network.models
    count = len(models)
    quanta = np.ones((count, classes), np.int64)
    for node, model in enumerate(models):
        if model is not None and model.quanta:
            quanta[node, : model.classes] = model.quanta

    def of(name: str, missing: int, host: int = 0) -> I64:
        values = [host if model is None else getattr(model, name) for model in models]
        return _whole([missing if value is None else value for value in values])

    limit = [_UNBOUNDED if model is None or model.headroom_nbytes is None
             else model.xoff_nbytes + model.headroom_nbytes for model in models]
    return Nodes(
        _whole([int(model is not None) for model in models]),
        _whole([0 if model is None else seconds_to_ps(model.latency_time) for model in models]),
        of("cut_through", 0), of("buffer_nbytes", 0), of("port_nbytes", _UNBOUNDED),
        np.full(count, classes, np.int64),
        _whole([int(model is not None and model.scheduler == "drr") for model in models]), quanta,
        of("pfc", 0), of("xoff_nbytes", 0), of("xon_nbytes", 0), _whole(limit),
        *(np.zeros(count, np.int64) for _ in range(3)))


def _whole(values: npt.ArrayLike) -> I64:
    return np.asarray(values).astype(np.int64)


def _delivery(state: PacketState) -> Delivery:
    transfers, ports, nodes = state.transfers, state.ports, state.nodes
    finish = np.where(transfers.finish_ps >= 0, transfers.finish_ps * 1e-12, np.nan)
    return Delivery(finish, transfers.sizes.frames, transfers.dropped, ports.sent_bytes,
                    ports.most_held, ports.most_queued, ports.pauses, nodes.drops, nodes.most_used,
                    int(state.control.events[0]))


def _waits(state: PacketState) -> str:
    transfers = state.transfers
    left = transfers.sizes.frames - transfers.arrived - transfers.dropped
    silent = np.argwhere(state.ports.paused).tolist()
    return (f"frames not arrived, by transfer: {left.tolist()}; paused (port, class): {silent}; "
            "pauses that wait for each other deadlock")


def _faults(state: PacketState) -> str:
    _, transfer, number, _ = (int(code) for code in state.control.code)
    return f"frame {number} of transfer {transfer} was overtaken"
