"""The numbers of the model that are no datasheet's: fitted ones, stand-ins, assumptions."""

from __future__ import annotations

from rackwright.models.dispersedledger.costs import CLOCK_HZ
from rackwright.models.dispersedledger.options import DispersedLedgerOptions, overshoot_of
from rackwright.models.dispersedledger.tables import Rules
from rackwright.models.outcome import Parameter

__all__ = ["parameters"]

_KNOWN = {
    "link_efficiency": ("assumed", "read off the download of the paper's controlled runs: 0.9 of "
                                   "the emulated link"),
    "vote_nbytes": ("fitted", "dispersal's share of traffic over N and block size (dl-13)"),
    "proc_delay": ("assumed", "none: delays alone give the floor on AWS (dl-9)"),
    "commit_rule": ("stand-in", "HB delivers N - f of N blocks; from the paper's ratio of HB-Link "
                                "to HB"),
}
_WORK = {
    "host_encode_bandwidth": ("assumed", "a core with vector instructions; not measured"),
    "host_hash_bandwidth": ("assumed", "a core with SHA instructions; not measured"),
    "host_vote_time": ("assumed", "parse, look up, count"),
    "nic_lanes": ("assumed", f"blocks side by side at {CLOCK_HZ / 1e6:.0f} MHz; cycles measured"),
}


def parameters(options: DispersedLedgerOptions, rules: Rules) -> tuple[Parameter, ...]:
    """The parameters that this replay used."""
    values, defaults = options.plain(), DispersedLedgerOptions().plain()
    used = {**_KNOWN, **(_WORK if options.host_work or options.offload != "none" else {})}
    found = [Parameter(name, str(values[name]),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    if options.method == "messages":
        found = [each for each in found if each.name != "commit_rule"]
    else:
        kind = ("chosen", "by the user") if options.retrieval_overshoot else (
            "fitted", "AWS: downloads over goodput of hb and hb_link, goodput of dl (dl-2)")
        found.append(
            Parameter("retrieval_overshoot", f"{min(overshoot_of(options), 8.0):g}", *kind))
    sized = ("chosen", "by the user") if options.block else (
        "stand-in", "block sizes of the throughput runs are not published")
    found.append(Parameter("block", f"{rules.block:g} B", *sized))
    return tuple(found)
