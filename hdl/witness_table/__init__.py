"""The CURP witness table: RTL, its golden, and what the golden says about overflow."""

from rackwright.hdl.witness_table.golden import (
    Witness,
    new_witness,
    witness_freeze,
    witness_gc,
    witness_gc_round,
    witness_occupancy,
    witness_probe,
    witness_read,
    witness_record,
    witness_start,
)
from rackwright.hdl.witness_table.overflow import conflict_counts, records_before_conflict

__all__ = [
    "Witness",
    "conflict_counts",
    "new_witness",
    "records_before_conflict",
    "witness_freeze",
    "witness_gc",
    "witness_gc_round",
    "witness_occupancy",
    "witness_probe",
    "witness_read",
    "witness_record",
    "witness_start",
]
