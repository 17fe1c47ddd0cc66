"""The numbers of the model that are no datasheet's: all stand-ins or assumptions, none fitted."""

from __future__ import annotations

from rackwright.models.lovelock.options import LovelockOptions, core_performance
from rackwright.models.lovelock.work import PASSES, Work
from rackwright.models.outcome import Parameter

__all__ = ["parameters"]

_KNOWN = {
    "server": ("stand-in", "AMD Milan class, 64 cores, 8 channels: the paper's servers are not "
                           "known"),
    "server_network": ("stand-in", "servers of 100 to 200 Gb/s"),
    "server_core_performance": ("stand-in", "the reference core itself"),
    "nic_board_price": ("stand-in", "a share of a carrier chassis; no product is published"),
    "nic_board_power": ("stand-in", "as above"),
    "port_price": ("stand-in", "off; 0 to 0.3 of a NIC in sweeps"),
    "overlap": ("stand-in", "operators one after the other"),
    "memory": ("stand-in", "long streams"),
}
_BLOCKS = {"offload_clock": ("assumed", "no block was placed and routed"),
           "offload_lanes": ("assumed", "4 records a clock: 32 B each make 256 Gb/s")}


def parameters(options: LovelockOptions, nic: str, work: Work) -> tuple[Parameter, ...]:
    """The parameters that this replay used."""
    values, defaults = options.plain(), LovelockOptions().plain()
    used = {**_KNOWN, **(_BLOCKS if work.blocks else {})}
    found = [Parameter(name, str(values[name]),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    performance = core_performance(nic, options)
    found.append(Parameter(
        "core_performance", f"{performance:g}",
        *(("chosen", "by the user") if options.core_performance else
          ("stand-in", f"a core of {nic} over one of an EPYC 7763: from reviews of other parts "
                       "with such cores"))))
    passes = ", ".join(f"{name} {taken}+{given}" for name, (taken, given) in PASSES.items())
    found.append(Parameter("memory_passes", passes, "assumed",
                           "times that input + output cross memory"))
    found += [Parameter(f"{each.block}_cycles", f"{each.interval_cycles:g}",
                        "measured" if each.source.startswith("measured") else "assumed",
                        each.source) for each in work.blocks]
    return tuple(found)
