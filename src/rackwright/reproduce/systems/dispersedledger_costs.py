"""What DispersedLedger's dispersal costs: closed forms, and its share of a node's traffic."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.dispersedledger.formulas import (
    avid_fp_nbytes,
    avid_m_nbytes,
    lower_bound_nbytes,
)
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.workload import rules_of
from rackwright.reproduce.context import Context
from rackwright.reproduce.systems.dispersedledger_runs import Simulation

__all__ = ["ROWS"]

SHARES = {
    16: ((23018, .184), (55107, .128), (106662, .112), (110111, .113), (173858, .098),
         (455959, .085), (885279, .082)),
    32: ((36199, .195), (97675, .101), (320990, .058), (549063, .048), (1121471, .042),
         (1917255, .042)),
    64: ((85289, .152), (164735, .094), (285738, .063), (384000, .053), (523732, .044),
         (1501059, .028), (2223772, .027)),
    128: ((145258, .169), (405517, .075), (1089458, .042), (2006750, .027), (2349604, .024),
          (2544250, .022))}


def _share(nodes: int, block: int) -> Simulation:
    """Dispersal bytes of a node over all, with overshoot 2.03 and 450 B a sender and instance."""
    def share(context: Context) -> float:
        options = DispersedLedgerOptions.from_settings({
            "vote_nbytes": f"{context.parameter('vote_nbytes', 450)}B",
            "retrieval_overshoot": context.parameter("overshoot_shares", 2.03)})
        rules = rules_of(options, nodes, 1.0)
        dispersal = block / rules.needed + rules.extra
        return dispersal / (dispersal + rules.overshoot * block)

    return share


_COSTS = {"avid-m": avid_m_nbytes, "avid-fp": avid_fp_nbytes, "bound": lower_bound_nbytes}
_POINTS = ((16, 100), (64, 1024), (128, 1024), (128, 100))


def _cost(name: str, nodes: int, kib: int) -> Simulation:
    return lambda context: _COSTS[name](nodes, kib * 1024) / (kib * 1024)


ROWS: Mapping[str, Simulation] = {
    **{f"dl-12/{name} {nodes} {kib} KiB": _cost(name, nodes, kib)
       for name in _COSTS for nodes, kib in _POINTS if (name, nodes, kib) != ("bound", 128, 100)},
    **{f"dl-13/{nodes} {block}": _share(nodes, block)
       for nodes, points in SHARES.items() for block, _ in points},
}
