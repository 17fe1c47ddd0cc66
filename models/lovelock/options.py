"""Options of the Lovelock-style replay and of its baselines.

Only the abstract of the paper could be read (``README.md`` in this folder): every default that is
no property of a part is a stand-in of ours, frozen on 2026-11-22.
"""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Frequency, Money, Options, Power, option

__all__ = ["CORE_PERFORMANCE", "LovelockOptions", "core_performance"]

# throughput of one core, all cores busy, over that of an EPYC 7763's. Stand-ins, derived:
# e2000: Neoverse N1 at 3.3 GHz taken as equal to a core of an EPYC 7742 (AnandTech's review of
#   Ampere's Altra, December 2020, finds it level or ahead); 3.0 GHz of that; a Milan core is 1.15
#   of a Rome one (recalled, not checked): 3.0 / 3.3 / 1.15 = 0.79
# e2200: Neoverse N2, 1.4 of N1 at the same clock (Arm's figure, recalled, not checked): 1.1
# bluefield-*: Cortex-A78 at 2.0 and A72 at 2.5 GHz, a clock as good as N1's and 0.7 of it (assumed)
CORE_PERFORMANCE = {"e2000": 0.79, "e2200": 1.1, "bluefield-3": 0.53, "bluefield-2": 0.46}


class LovelockOptions(Options):
    """What can be varied about a replay."""

    cluster: Literal["headless", "servers", "server_nic"] = option(
        "headless", "headless: the pod as given; servers: one server in place of phi NICs; "
                    "server_nic: such servers with the pod's smart NIC in the slot")
    phi: int = option(2, "smart NICs of the pod that stand in place of one server", unit="NICs",
                      ge=1, le=64)
    server: str = option("server-milan-1s", "the server that they replace, by its catalog name")
    server_network: str = option("ethernet-100g", "its cable to the switch, by its catalog name")
    server_drives: bool = option(
        True, "the server's own drives (system and scratch) count in its price and power")
    core_performance: float = option(
        0.0, "throughput of a core of the NIC over one of an EPYC 7763; 0: the stand-in of the "
             "part", unit="1", ge=0, le=16)
    server_core_performance: float = option(
        1.0, "the same of the server's cores; work in traces counts in those of an EPYC 7763",
        unit="1", gt=0, le=16)
    memory: Literal["datasheet", "stream"] = option(
        "stream", "memory bandwidth: the channels' peak, or what long streams get of it")
    offload: Literal["none", "partition", "filter", "both"] = option(
        "none", "operators that hardware blocks in the NIC take from its cores")
    offload_clock: Frequency = option("250MHz", "clock of these blocks", gt=0)
    offload_lanes: int = option(4, "of each block in a NIC, one record a clock each",
                                unit="lanes", ge=1, le=64)
    split_traffic: bool = option(
        True, "bytes that stayed inside one server travel between its phi NICs")
    overlap: bool = option(False, "operators of a stage run together, not one after the other")
    clients: int = option(0, "closed loop: so many queries at a time, the trace's times unused; "
                             "0: queries arrive as the trace says", unit="clients", ge=0)
    nic_board_price: Money = option("$200", "what a headless NIC needs beside itself: its share of "
                                            "chassis, backplane and supply", ge=0)
    nic_board_power: Power = option("10W", "what that draws, always", ge=0)
    port_price: Money = option("$0", "a port of the switch, in both clusters", ge=0)
    accelerator_price: Money = option("$0", "a GPU, where the catalog has no price; 0: cost has "
                                            "then no value", ge=0)
    reference: bool = option(True, "replay the servers too, for slowdown and advantages")
    timeline_spans: int = option(20_000, "operators kept for the timeline", unit="spans", ge=0,
                                 le=5_000_000)


def core_performance(name: str, options: LovelockOptions) -> float | None:
    """Of a core of smart NIC `name`; None when neither the options nor the table have it."""
    return options.core_performance or CORE_PERFORMANCE.get(name)
