"""Drive the ledger in time, message by message, and leave what it did in the fluid's tables.

Bandwidths, delays, blocks and loads are those of the fluid (`workload`); overshoot, lost blocks and
waiting come out. A slow site has a share of its bandwidth and is correct; other Byzantine sites do
what they do in fault schedules, from the start on. They are the last ones of the topology.

Left out: what a host's work costs beyond `proc_delay` on a chunk of dispersal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import heap_push
from rackwright.engine.status import DONE, GROW
from rackwright.errors import ModelFault, OptionsError
from rackwright.models.dispersedledger.loop import LOOK, TICK, advance_messages
from rackwright.models.dispersedledger.mempool import new_pool
from rackwright.models.dispersedledger.node import START
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.schedules import clear
from rackwright.models.dispersedledger.tables import Tables, Ticks
from rackwright.models.dispersedledger.wires import Wires, new_wires
from rackwright.models.dispersedledger.world import (
    EPOCH,
    MOST_NODES,
    OUTPUT,
    ROLES,
    VARIANTS,
    WINDOW,
    World,
    symbolic_world,
)
from rackwright.models.protocols.network import Network, grown_network, net_clear, new_network

if TYPE_CHECKING:
    from rackwright.models.dispersedledger.workload import Prepared

__all__ = ["Timed", "byzantine_sites", "run_messages", "timed"]

SLICE_TIME = 2.0          # simulated between two looks at Ctrl-C
MOST_NBYTES = 3e9         # of the nodes' memory
ROOM = 3                  # times what one message may lead to
SMALL_MESSAGES = 7        # GotChunk, Ready, Viable, Agreement, Term; Request, Cancel
PROOF_NBYTES, HEADER_NBYTES = 32, 16

Progress = Callable[[float, float, str], None]


class Timed(NamedTuple):
    """A replay by messages: what nodes know, and the network under them."""

    world: World
    net: Network
    wires: Wires
    tables: Tables
    seen: npt.NDArray[np.int64]     # (3, N): epochs and blocks output, messages heard


def byzantine_sites(options: DispersedLedgerOptions, nodes: int) -> tuple[int, ...]:
    """Numbers of the sites that misbehave. Raises OptionsError for more than f of them."""
    if options.byzantine == "none":
        return ()
    most = (nodes - 1) // 3
    count = options.byzantine_sites or most
    if count > most:
        raise OptionsError("more sites misbehave than a ledger bears (N >= 3f + 1)",
                           [f"byzantine_sites: {count} of {nodes} sites; at most {most}"])
    return tuple(range(nodes - count, nodes))


def timed(made: Prepared, tables: Tables, options: DispersedLedgerOptions, seed: int) -> Timed:
    """Everything before the first event. Raises OptionsError."""
    rules, epochs = made.rules, len(tables.nbytes)
    _check(rules.nodes, epochs)
    world = symbolic_world(rules.nodes, epochs, VARIANTS.index(options.variant))
    clear(world)
    wrong = list(byzantine_sites(options, rules.nodes))
    world.role[:] = ROLES.index("correct")
    rates = np.ones(rules.nodes)
    if wrong:
        world.role[wrong] = ROLES.index(options.byzantine)
    if options.byzantine == "slow":
        rates[wrong] = options.slow_share
    room = ROOM * 16 * 2 * WINDOW * rules.nodes ** 2
    net = new_network(room)
    net_clear(net, seed, 0, 0, 1)
    wires = new_wires(made.placed.up * rates, made.placed.down * rates, made.placed.delay,
                      (rules.step, rules.tick, rules.proc_delay), rules.nodes * epochs, room,
                      options.fairness == "reno")
    for node in range(rules.nodes):
        heap_push(net.heap, 0, 0, START, node)
        heap_push(net.heap, 0, 0, LOOK, node)
    heap_push(net.heap, 0, 1, TICK, 0)
    return Timed(world, net, wires, tables, np.zeros((3, rules.nodes), np.int64))


def run_messages(made: Prepared, tables: Tables, moving: Ticks, options: DispersedLedgerOptions,
                 seed: int, progress: Progress | None) -> float:
    """Run to the end; fills `tables` and `moving`. The time reached (less after Ctrl-C)."""
    state = timed(made, tables, options, seed)
    pool = new_pool(made.rules, made.duration, options.arrivals == "poisson", seed)
    n, reached = made.rules.nodes, 0.0
    sizes = np.array([float(options.vote_nbytes) / SMALL_MESSAGES,
                      PROOF_NBYTES * np.log2(n) + HEADER_NBYTES])
    status = 0
    try:
        while reached < made.duration and status != DONE:
            until = min(reached + SLICE_TIME, made.duration)
            status = advance_messages(state.world.core, state.net, state.wires, pool, tables, sizes,
                                      state.seen, round(until * 1e12))
            if status == GROW:
                state = _grown(state)
                continue
            reached = until
            if progress:
                progress(reached, made.duration, f"epoch {int(moving.epoch.max())}")
    except KeyboardInterrupt:
        pass
    if state.world.core.overrun[0]:
        raise ModelFault(f"{int(state.world.core.overrun[0])} agreements ran out of rounds")
    _hand_over(state, moving, full=status == DONE)
    return made.duration if status == DONE else reached


def _hand_over(state: Timed, moving: Ticks, full: bool) -> None:
    node = state.world.ledger.node
    moving.epoch[:], moving.fetch[:] = node[:, EPOCH], node[:, OUTPUT]
    moving.total[:] = state.wires.total
    moving.first[1] = int(full)


def _grown(state: Timed) -> Timed:
    """Twice the room for messages."""
    wires, more = state.wires, len(state.wires.left)
    return state._replace(net=grown_network(state.net), wires=wires._replace(
        after=np.concatenate([wires.after, np.zeros(more, np.int64)]),
        left=np.concatenate([wires.left, np.zeros(more)])))


def _check(nodes: int, epochs: int) -> None:
    if nodes > MOST_NODES:
        raise OptionsError("too many sites for method=messages; ticks and recursion bear more",
                           [f"{nodes} sites; at most {MOST_NODES}"])
    nbytes = nodes * nodes * epochs * (700.0 + 50.0 * nodes)
    if nbytes > MOST_NBYTES:
        raise OptionsError("too long for method=messages; take a shorter duration, a longer "
                           "propose_time, or ticks",
                           [f"{nodes} sites and {epochs} epochs take {nbytes / 1e9:.1f} GB; at "
                            f"most {MOST_NBYTES / 1e9:g} GB"])
