"""The host's average of the GPU multiplexer's gate.

Rules, flags and the block's average are those of the NIC block (`rackwright.hdl.bg_gate`), so that
host, NIC and RTL share one text. The published code keeps its averages in floating point with a
weight of 0.1: `gate_recent_host`, on whole numbers of whatever unit the caller takes (here ns).
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["LONG_RECV_US", "gate_recent_host"]

LONG_RECV_US = 500     # published code: longer receives leave the GPU to the background


@kernel
def gate_recent_host(benchmark, recent, last):  # type: ignore[no-untyped-def]
    """The average with a weight of exactly 0.1, rounded towards minus infinity."""
    if 10 * last > 11 * benchmark:
        return last
    return recent + (last - recent) // 10
