"""A path of the closed forms as a network of the event model, and one transfer over it."""

from __future__ import annotations

from rackwright.devices.pcie.cycle_net import PcieNetwork
from rackwright.devices.pcie.path import PciePath
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.errors import UnknownName

__all__ = ["path_network", "simulated_time"]

KINDS = ("duplex", "read", "write")


def path_network(path: PciePath | PcieSetup, seed: int = 0) -> PcieNetwork:
    """Nodes "requester" and "target", with switches "s0" .. between them."""
    if isinstance(path, PcieSetup):
        path = PciePath((path,))
    network = PcieNetwork(seed)
    host = "target" if path.target == "host" else "requester"
    network.host(host, bandwidth=path.links[-1 if host == "target" else 0].host_bandwidth)
    network.device("requester" if host == "target" else "target")
    for number, time in enumerate(path.switch_times):
        network.switch(f"s{number}", time, cut_through=path.cut_through)
    names = ["requester", *(f"s{i}" for i in range(len(path.switch_times))), "target"]
    for one, other, setup in zip(names, names[1:], path.links, strict=False):
        network.link(one, other, setup)
    return network


def simulated_time(kind: str, path: PciePath | PcieSetup, nbytes: int, address: int = 0, *,
                   seed: int = 0, debug: bool = False) -> float:
    """Seconds of a "read" or "write" of `nbytes` over `path`, or of both at once ("duplex").

    The closed forms of these are in `closed`. Raises `UnknownName`, `UsageError`.
    """
    if kind not in KINDS:
        raise UnknownName("PCIe transfer", kind, KINDS)
    network = path_network(path, seed)
    if kind != "write":
        network.read("requester", "target", nbytes, address=address)
    if kind != "read":
        network.write("requester", "target", nbytes, address=address)
    return float(network.run(debug=debug).finish_time.max())
