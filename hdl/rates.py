"""What line rate a block keeps up with at an assumed clock, from its measured cycles.

Bits of payload that one operation takes in, over the clocks between two of them. The payload is
the useful part of the input word: no tags, opcodes or byte counts. No block was placed and routed:
both clocks are assumptions, 250 MHz and the 322.27 MHz of a 25G Ethernet MAC (25.78125 GBd / 80).
Beside them stand the LUT levels of the geometry, which say where a clock is hard to believe in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rackwright.hdl.folders import block, blocks
from rackwright.hdl.synth import sizes
from rackwright.hdl.timing import Timing, timing

__all__ = ["CLOCKS_HZ", "Rate", "as_table", "fastest", "rates"]

CLOCKS_HZ = (250e6, 25.78125e9 / 80)
LINES_BPS = (100e9, 200e9, 400e9)
Bits = Callable[[Mapping[str, int]], int]

# block -> (operation, what a bit of payload is part of, bits an operation takes in)
_PAYLOAD: dict[str, tuple[str, str, Bits]] = {
    "axis_fifo": ("beat", "data", lambda p: p["DATA_WIDTH"]),
    "axis_skid": ("beat", "data", lambda p: p["DATA_WIDTH"]),
    "bg_gate": ("report", "one 96-bit report", lambda p: 96),
    "crc32_stream": ("beat", "frame", lambda p: p["DATA_WIDTH"]),
    "filter_sum": ("beat", "64-bit records", lambda p: 64 * p["LANES"]),
    "hash_partition": ("record", "key and payload", lambda p: 64 + p["PAYLOAD_WIDTH"]),
    "kv_dequant": ("group", "stored group and scale", lambda p: p["BITS"] * p["VALUES"] + 16),
    "reduce_add": ("beat", "each of the two streams",
                   lambda p: (16 if p["FORMAT"] == 1 else 32) * p["LANES"]),
    "rs_encode": ("encode", "data bytes", lambda p: 8 * p["K"]),
    "rss_toeplitz": ("tuple_12", "smallest frame, 84 bytes on the line", lambda p: 84 * 8),
    "sha256_merkle": ("leaf_1024", "leaf", lambda p: 8 * 1024),
    "topk_stream": ("item", "score and id", lambda p: p["SCORE_WIDTH"] + p["ID_WIDTH"]),
    "token_dispatch": ("token_{K}", "token and its expert ids",
                       lambda p: p.get("TOKEN_WIDTH", 32) + 8 * p["K"]),
    "uqueue_score": ("add", "one 64-bit word", lambda p: 64),
    "vote_counter": ("vote", "one 64-bit vote", lambda p: 64),
    "witness_table": ("record", "head, key hash, client and RPC id",
                      lambda p: 64 + p.get("KEY_WIDTH", 64) + p.get("CLIENT_WIDTH", 64)
                      + p.get("RPC_WIDTH", 64)),
}


class Rate(NamedTuple):
    """One geometry of one block; `rates_bps` by clock of `CLOCKS_HZ`."""

    block: str
    geometry: str
    operation: str
    payload: str
    bits: int
    cycles: float
    rates_bps: tuple[float, ...]
    keeps_up_bps: tuple[float, ...]   # the fastest line of 100, 200, 400 Gb/s by clock; 0: none
    levels: int | None       # look-up tables between two registers; None: not synthesised


def rates() -> list[Rate]:
    """Every geometry of every packaged block that has a payload.

    >>> next(row.bits for row in rates() if row.block == "crc32_stream")
    64
    """
    return [_rate(timing(name, shape.name)) for name in blocks() if name in _PAYLOAD
            for shape in block(name).geometries]


def fastest(rows: list[Rate]) -> list[Rate]:
    """The geometry of each block that takes in most."""
    best: dict[str, Rate] = {}
    for row in rows:
        if row.block not in best or row.rates_bps > best[row.block].rates_bps:
            best[row.block] = row
    return list(best.values())


def _rate(measured: Timing) -> Rate:
    operation, payload, bits_of = _PAYLOAD[measured.block]
    operation = operation.format(**measured.parameters)
    bits, cycles = bits_of(measured.parameters), measured.interval_cycles[operation]
    bps = tuple(bits * clock / cycles for clock in CLOCKS_HZ)  # nonzero: an operation takes time
    return Rate(measured.block, measured.geometry, operation, payload, bits, cycles, bps,
                tuple(max((line for line in LINES_BPS if line <= one), default=0.0)
                      for one in bps),
                sizes(measured.block).get(measured.geometry, {}).get("levels"))


def as_table(rows: list[Rate]) -> str:
    """As Markdown."""
    lines = ["| block | geometry | operation | payload bits | cycles | Gb/s at 250 MHz | "
             "Gb/s at 322.27 MHz | keeps up with | LUT levels |", "| --- " * 9 + "|"]
    for row in rows:
        kept = " / ".join(f"{line / 1e9:.0f}G" if line else "-" for line in row.keeps_up_bps)
        speeds = " | ".join(f"{one / 1e9:.1f}" for one in row.rates_bps)
        lines.append(f"| {row.block} | {row.geometry} | {row.operation} | {row.bits} "
                     f"({row.payload}) | {row.cycles:g} | {speeds} | {kept} | "
                     f"{'-' if row.levels is None else row.levels} |")
    return "\n".join(lines) + "\n"
