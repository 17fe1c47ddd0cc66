"""Closed forms of the dispersal's cost: bytes that a node downloads for one block of |B| bytes.

AVID-M: its chunk, a Merkle proof, and 2N + 1 votes of 32 bytes. AVID-FP (Hendricks, Ganger, Reiter,
2007) sends N + k fingerprints (32 N + 16 k bytes) with each vote. No scheme can do with less than
the chunk. k = N - 2f, f = (N - 1) // 3. As in the authors' plot.
"""

from __future__ import annotations

import math

from rackwright.errors import UsageError

__all__ = ["avid_fp_nbytes", "avid_m_nbytes", "lower_bound_nbytes", "needed_chunks"]


def needed_chunks(nodes: int) -> int:
    """k = N - 2f. Raises UsageError below 4 nodes."""
    if nodes < 4:
        raise UsageError(f"{nodes} nodes: at least 4 are needed to bear a fault")
    return nodes - 2 * ((nodes - 1) // 3)


def lower_bound_nbytes(nodes: int, block: float) -> float:
    """The chunk alone."""
    return block / needed_chunks(nodes)


def avid_m_nbytes(nodes: int, block: float) -> float:
    """AVID-M.

    >>> round(avid_m_nbytes(16, 102400) / 102400, 4)
    0.1782
    """
    return lower_bound_nbytes(nodes, block) + 32 * math.log2(nodes) + 32 * (2 * nodes + 1)


def avid_fp_nbytes(nodes: int, block: float) -> float:
    """AVID-FP.

    >>> round(avid_fp_nbytes(16, 102400) / 102400, 4)
    0.3626
    """
    votes = (2 * nodes + 1) * (32 * nodes + 16 * needed_chunks(nodes))
    return lower_bound_nbytes(nodes, block) + votes
