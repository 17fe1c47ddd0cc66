"""Where master, backups, witnesses and clients are on a fabric, and the ways between them.

One endpoint a host: its first NIC, else the host itself. The first host is the master's, the next
ones are the backups'; witnesses share these or follow; the rest are the clients', dealt in turn. A
route is its first port, its last one, and the
latency of what lies in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def place(fabric: Fabric, options: CurpOptions, backups: int, witnesses: int) -> Placement:
    """Deal the roles to hosts. Raises TopologyError when there are too few."""
    hosts = [_endpoint(fabric, host) for host in fabric.hosts()]
    local = options.preset == "redis"
    remote = 0 if local else backups
    apart = options.witness_place == "own" or local
    servers = 1 + (remote + witnesses if apart else max(remote, witnesses))
    if len(hosts) <= servers:
        raise TopologyError("too few hosts for CURP", [
            f"{servers} servers ({backups} replicas, witnesses "
            f"{'apart' if apart else 'beside the backups'}) and one for clients are needed; there "
            f"are {len(hosts)} hosts: add some (star:hosts=16), or lower replicas"])
    taken = hosts[1:servers]
    backup_ends = [hosts[0]] * backups if local else taken[:backups]
    witness_ends = taken[remote:] if apart else taken[:witnesses]
    free = hosts[servers:]
    clients = [free[number % len(free)] for number in range(options.clients)]
    ends = (hosts[0], *backup_ends, *witness_ends, *clients)
    smart = all(isinstance(fabric.device(end), SmartNic) for end in witness_ends)
    links = fabric.links
    return Placement(ends, new_ports(links.bandwidth, links.latency_ps), _paths(fabric, ends),
                     smart and bool(witness_ends))


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
