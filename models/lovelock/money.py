"""What the two clusters cost and draw, from the catalog's prices and powers.

Cost: smart NICs with their share of a chassis, or servers; the devices that both hold; a port of
the switch for each cable. Energy: idle parts for the whole time, and what cores, lines and
accelerators add while they are busy. Switches draw the same in both and are left out, as are
cooling and the core network. Every price and most powers in the catalog are assumptions: read
advantages as bands (`sweep`), never as one number. Units: USD, W, J.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rackwright.devices import Gpu, Part, SmartNic, catalog
from rackwright.devices.power import Power, power_of
from rackwright.errors import UsageError
from rackwright.models.lovelock.clusters import Cluster
from rackwright.models.lovelock.options import LovelockOptions

__all__ = ["Bill", "bill_of", "energy_of", "relative"]


class Bill(NamedTuple):
    """Of one cluster. `host_usd`, `host_power`: of one server or headless NIC, without devices;
    `devices_usd` is None when a device has no price, which `unpriced` names."""

    hosts: int
    ports: int
    host_usd: float
    host_power: Power
    devices_usd: float | None
    devices_power: tuple[Power, ...]
    unpriced: str

    @property
    def usd(self) -> float | None:
        return None if self.devices_usd is None else self.hosts * self.host_usd + self.devices_usd


def bill_of(cluster: Cluster, options: LovelockOptions) -> Bill:
    """Prices and powers of `cluster`. Raises `UsageError` for a part that does not say them."""
    fabric = cluster.fabric
    ports = sum(1 for tail, head in zip(fabric.link_tails, fabric.link_heads, strict=True)
                if fabric.host_of(fabric.nodes[int(tail)]) is not None
                and fabric.host_of(fabric.nodes[int(head)]) is None)
    usd, power = _host(cluster, options)
    devices, unpriced, powers = 0.0, "", []
    for node in (*cluster.drives, *cluster.gpus):
        device = fabric.device(node)
        price = getattr(device, "price_usd", None)
        if price is None and isinstance(device, Gpu) and options.accelerator_price > 0:
            price = options.accelerator_price
        if price is None:
            unpriced = device.name
        devices += price or 0.0
        powers.append(power_of(device))
    total = None if unpriced else devices + ports * options.port_price
    return Bill(len(cluster.hosts), ports, usd, power, total, tuple(powers), unpriced)


def _host(cluster: Cluster, options: LovelockOptions) -> tuple[float, Power]:
    if cluster.kind == "headless":
        card = catalog.smart_nic(cluster.node.part)
        return _price(card) + options.nic_board_price, _plus(card.power(),
                                                             options.nic_board_power)
    part = catalog.server(options.server)
    usd, power = _price(part), part.power()
    if not options.server_drives and part.drives:
        drive = catalog.nvme(part.drive)
        usd -= part.drives * _price(drive)
        power = _plus(power, -part.drives * drive.power().idle_watts / part.supply_efficiency)
    if cluster.kind == "server_nic":
        card = _slot_card(cluster)
        plain = catalog.nic(part.nic)
        usd += _price(card) - _price(plain)
        power = _plus(power, (card.power().idle_watts - plain.power().idle_watts)
                      / part.supply_efficiency)
    return usd, power


def _slot_card(cluster: Cluster) -> SmartNic:
    card = cluster.fabric.device(cluster.fabric.endpoints["smart-nic"][0])
    assert isinstance(card, SmartNic)  # server_nic puts one into every server
    return card


def _price(part: Part) -> float:
    price = getattr(part, "price_usd", None)
    if price is None:
        raise UsageError(f"the catalog has no price of {part.name}")
    return float(price)


def _plus(power: Power, watts: float) -> Power:
    return Power(power.idle_watts + watts, power.added_watts, power.joules_each, power.units)


def energy_of(bill: Bill, seconds: float, core_seconds: float, line_share: float,
              accelerator_share: float) -> float:
    """Joules of hosts and devices in `seconds`.

    `core_seconds`: of all busy cores; `line_share`: mean busy share of the lines of all hosts;
    `accelerator_share`: of the accelerators. Drives count as idle, in both clusters.
    """
    host = bill.host_power
    joules = bill.hosts * host.idle_watts * seconds
    joules += host.added_watts.get("core", 0.0) * core_seconds
    joules += bill.hosts * host.added_watts.get("line", 0.0) * line_share * seconds
    for power in bill.devices_power:
        busy = accelerator_share * (power.busy_watts - power.idle_watts) if power.exclusive else 0.0
        joules += (power.idle_watts + busy) * seconds
    return joules


def relative(server: Bill, nic: Bill) -> Mapping[str, float]:
    """c_s, p_s, c_p and p_p: price and highest power of one server, and of the devices on it,
    over those of one headless NIC. Prices that are not known are left out."""
    watts = sum(power.busy_watts for power in server.devices_power)
    found = {"cost_of_server": server.host_usd / nic.host_usd,
             "power_of_server": server.host_power.busy_watts / nic.host_power.busy_watts,
             "power_of_devices": watts / server.hosts / nic.host_power.busy_watts}
    if server.devices_usd is not None:
        found["cost_of_devices"] = server.devices_usd / server.hosts / nic.host_usd
    return found
