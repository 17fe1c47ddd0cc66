"""Rates of the smart NIC's blocks: measured cycles where the block is there, else assumed ones.

`kv_dequant` turns a group of VALUES stored integers into bf16 (operation `group`), `topk_stream`
takes a scored document (`item`) and puts out a winner (`result`) at a time. Their cycles come from
simulation of the RTL (`rackwright.hdl.timing`); the clock is an assumption all the same, since no
block was placed and routed. Without a block, or with a table that lacks the operation: 32 elements
of bf16 a cycle, one item a cycle, assumed.

Left out: filling the pipelines of a block for each document; other blocks on the same NIC, and
what spreads documents over several of one kind.
"""

from __future__ import annotations

from typing import NamedTuple

from rackwright.errors import InputError, UnknownName
from rackwright.hdl.timing import Timing, timing
from rackwright.models.hyperrag.options import HyperragOptions

__all__ = ["CLOCK_HZ", "Rate", "dequantiser", "top_k_selector"]

CLOCK_HZ = 250e6        # assumed: what such blocks reach on the FPGAs of NICs
LANES = 32              # assumed without a block: elements of bf16 a beat
ELEMENT_NBYTES = 2


class Rate(NamedTuple):
    """What a block passes in a second (bytes, or scores), how that is known, and from what."""

    per_second: float
    kind: str
    basis: str


def dequantiser(options: HyperragOptions) -> Rate:
    """Bytes of bf16 that the NIC's dequantiser puts out."""
    if options.nic_dequantiser_bandwidth is not None:
        return Rate(options.nic_dequantiser_bandwidth, "chosen", "by the user")
    blocks = options.nic_dequantisers
    geometry = "int4x64" if options.compression == "int4" else "int8x32"
    found = _table("kv_dequant", geometry, "group")
    if found is None or "VALUES" not in found.parameters:
        return Rate(blocks * LANES * ELEMENT_NBYTES * CLOCK_HZ, "assumed",
                    f"{LANES} elements of bf16 a beat at {CLOCK_HZ / 1e6:.0f} MHz; there is no "
                    "kv_dequant with measured cycles")
    values = found.parameters["VALUES"]
    return Rate(blocks * values * ELEMENT_NBYTES / found.interval_time("group", CLOCK_HZ),
                "measured", f"{blocks} x kv_dequant {geometry}: {values} elements in "
                f"{found.interval_cycles['group']:g} cycles of its RTL, at an assumed "
                f"{CLOCK_HZ / 1e6:.0f} MHz")


def top_k_selector(top_k: int) -> Rate:
    """Scores that the NIC's top-k block takes; the smallest one that keeps `top_k` winners."""
    found = next((table for name in ("16", "100")
                  if (table := _table("topk_stream", name, "item")) is not None
                  and table.parameters.get("K", 0) >= top_k), None)
    if found is None:
        return Rate(CLOCK_HZ, "assumed", f"a score a cycle at {CLOCK_HZ / 1e6:.0f} MHz; there is "
                                         f"no topk_stream of {top_k} with measured cycles")
    return Rate(1 / found.interval_time("item", CLOCK_HZ), "measured",
                f"topk_stream {found.geometry}: a score in {found.interval_cycles['item']:g} "
                f"cycles of its RTL, at an assumed {CLOCK_HZ / 1e6:.0f} MHz")


def _table(name: str, geometry: str, operation: str) -> Timing | None:
    try:
        found = timing(name, geometry)
    except (InputError, UnknownName):   # no such block, or nothing measured of this RTL
        return None
    return found if operation in found.interval_cycles else None
