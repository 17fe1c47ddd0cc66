"""Gate of a GPU multiplexer: RTL and its golden."""

from rackwright.hdl.bg_gate.golden import (
    ALLREDUCE,
    COMPUTE,
    FLAGS,
    MEMCPY,
    MULTIPLEX,
    P2P,
    P2P_RECV,
    RELEASE,
    RULES,
    gate_admit,
    gate_recent,
)

__all__ = ["ALLREDUCE", "COMPUTE", "FLAGS", "MEMCPY", "MULTIPLEX", "P2P", "P2P_RECV", "RELEASE",
           "RULES", "gate_admit", "gate_recent"]
