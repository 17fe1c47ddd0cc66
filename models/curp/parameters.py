"""The numbers of the model that are no datasheet's, and what they rest on."""

from __future__ import annotations

from rackwright.models.curp.costs import FITTED, Costs
from rackwright.models.curp.options import CurpOptions
from rackwright.models.outcome import Parameter
from rackwright.units import exact_time

__all__ = ["parameters"]


def parameters(options: CurpOptions, chosen: Costs) -> tuple[Parameter, ...]:
    """The costs that this replay used, then the other choices that decide rows."""
    known = FITTED[options.preset]
    found = []
    for name in Costs.__dataclass_fields__:
        kind, basis = known[name] if getattr(options, name) is None else ("chosen", "by the user")
        found.append(Parameter(name, exact_time(getattr(chosen, name)), kind, basis))
    if options.preset == "ramcloud":
        found.append(Parameter("workers", str(options.workers), "fitted",
                               "curp-8: the original's 190,000 writes/s"))
    found.append(Parameter("rpc_fixed_share", str(options.rpc_fixed_share), "fitted",
                           "curp-12: the gain of batching"))
    if options.witness == "nic":
        found.append(Parameter("nic_clock", f"{options.nic_clock:.0f}Hz", "assumed",
                               "no block was placed and routed"))
    return tuple(found)
