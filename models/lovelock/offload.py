"""Hardware blocks in the NIC: `hash_partition` and `filter_sum`, and their rates.

Rates are those of the blocks' measured clock cycles (`rackwright.hdl.timing`); where a block has
no measured cycles they are **assumed**: one record a clock and lane. The clock is an assumption in
any case: no block was placed and routed. What the blocks answer is their goldens' to say
(``hdl/hash_partition/golden.py``, ``hdl/filter_sum/golden.py``).

Leaves out: records longer than a beat, a partition's last beat that is not full, queues in front
of the block other than those of the replay. Units: seconds, records.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.errors import InputError, UnknownName
from rackwright.hdl.timing import timing

__all__ = ["BLOCKS", "RECORD_BYTES", "BlockRate", "block_rate"]

# class of operators -> block, the operation that takes records, the geometry that we use
BLOCKS = {"partition": ("hash_partition", "record", "64"), "filter": ("filter_sum", "beat", "4")}
RECORD_BYTES = 32    # of a record of that hash_partition: 64 bits of key, 192 of payload


@dataclass(frozen=True)
class BlockRate:
    """Clock cycles between records of one lane of a block, and where they come from."""

    block: str
    interval_cycles: float
    source: str
    rtl_sha256: str = ""

    def record_time(self, clock_hz: float, lanes: int) -> float:
        """Seconds a record with all lanes at work."""
        return self.interval_cycles / (clock_hz * lanes)

    def bandwidth(self, clock_hz: float, lanes: int) -> float:
        """Bytes/s of full records with all lanes at work."""
        return RECORD_BYTES / self.record_time(clock_hz, lanes)


def block_rate(kind: str) -> BlockRate:
    """Of the block for operators of class `kind`, a key of `BLOCKS`."""
    name, operation, geometry = BLOCKS[kind]
    try:
        found = timing(name, geometry)
        cycles = found.interval_cycles[operation]
    except (UnknownName, InputError, KeyError):
        return BlockRate(name, 1.0, "assumed: one record a clock; no measured cycles of the block")
    return BlockRate(name, cycles, f"measured on the RTL ({found.simulator}): {operation} of "
                                   f"geometry {found.geometry}", found.rtl_sha256)
