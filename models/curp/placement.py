"""Where master, backups, witnesses and clients are on a fabric, and the ways between them.

One endpoint a host: its first NIC, else the host itself. The first host is the master's, the next
ones are the backups'; witnesses share these or follow (those of the consensus variant are on the
replicas, the leader's the last); the rest are the clients', dealt in turn. A route is its first
port, its last one, and the latency of what lies in between. A client reads near by at the backup
that is the fewest picoseconds away; of several it takes one in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices import SmartNic
from rackwright.engine.ports import Ports, new_ports
from rackwright.errors import TopologyError
from rackwright.models.curp.options import CurpOptions
from rackwright.models.curp.state import Paths
from rackwright.topologies.fabric import Fabric

__all__ = ["Placement", "place"]


@dataclass(frozen=True)
class Placement:
    """`ends`: endpoint of the master, the backups, the witnesses, the clients, in this order."""

    ends: tuple[str, ...]
    ports: Ports
    paths: Paths
    smart: bool            # all witnesses are on smart NICs
    near: npt.NDArray[np.int64]    # per client: the nearest backup


def place(fabric: Fabric, options: CurpOptions, backups: int, witnesses: int) -> Placement:
    """Deal the roles to hosts. Raises TopologyError when there are too few."""
    hosts = [_endpoint(fabric, host) for host in fabric.hosts()]
    local = options.preset == "redis"
    remote = 0 if local else backups
    apart = options.witness_place == "own" or local
    member = witnesses > backups and options.group == "consensus"    # one is on the leader
    servers = 1 + (remote + witnesses if apart else max(remote, witnesses - member))
    if len(hosts) <= servers:
        raise TopologyError("too few hosts for CURP", [
            f"{servers} servers ({backups} replicas, witnesses "
            f"{'apart' if apart else 'beside the backups'}) and one for clients are needed; there "
            f"are {len(hosts)} hosts: add some (star:hosts=16), or lower replicas"])
    taken = hosts[1:servers]
    backup_ends = [hosts[0]] * backups if local else taken[:backups]
    witness_ends = taken[remote:] if apart else [*taken, hosts[0]][:witnesses]
    free = hosts[servers:]
    clients = [free[number % len(free)] for number in range(options.clients)]
    ends = (hosts[0], *backup_ends, *witness_ends, *clients)
    smart = all(isinstance(fabric.device(end), SmartNic) for end in witness_ends)
    links = fabric.links
    paths = _paths(fabric, ends)
    return Placement(ends, new_ports(links.bandwidth, links.latency_ps), paths,
                     smart and bool(witness_ends), _nearest(fabric, paths, backups, len(clients)))


def _nearest(fabric: Fabric, paths: Paths, backups: int, clients: int) -> npt.NDArray[np.int64]:
    """The backup of each client that a message reaches first, ties dealt in turn."""
    first = len(paths.first) - clients
    latency = paths.middle_ps.copy()
    for ports in (paths.first, paths.last):
        latency += np.where(ports >= 0, fabric.links.latency_ps[ports], 0)
    chosen = np.zeros(clients, np.int64)
    for client in range(clients if backups else 0):
        ways = latency[first + client, 1:1 + backups]
        ties = np.flatnonzero(ways == ways.min())
        chosen[client] = ties[client % len(ties)]
    return chosen


def _endpoint(fabric: Fabric, host: str) -> str:
    adapters = (*fabric.endpoints["nic"], *fabric.endpoints["smart-nic"])
    mine = [node for node in adapters if fabric.host_of(node) == host]
    others = [node for node in fabric.nodes if fabric.host_of(node) == host]
    return (mine or others)[0]


def _paths(fabric: Fabric, ends: tuple[str, ...]) -> Paths:
    """Only ways from and to the master or between a client and a witness are used: all are made."""
    number = {end: place for place, end in enumerate(dict.fromkeys(ends))}
    small = len(number)
    first, last = (np.full((small, small), -1, np.int64) for _ in range(2))
    middle, slow = np.zeros((small, small), np.int64), np.zeros((small, small))
    for source, row in number.items():
        for target, column in number.items():
            if source == target:
                continue
            route = fabric.route(source, target, 0)
            first[row, column] = route[0]
            if len(route) > 1:
                last[row, column] = route[-1]
            middle[row, column] = sum(int(fabric.links.latency_ps[link]) for link in route[1:-1])
            slow[row, column] = 1e12 / min(float(fabric.links.bandwidth[link]) for link in route)
    at = np.array([number[end] for end in ends])
    return Paths(*(table[np.ix_(at, at)].copy() for table in (first, last, middle, slow)))
