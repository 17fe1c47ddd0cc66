"""DispersedLedger's figures: AWS, Vultr, emulated links, latency under load, dispersal costs."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.reproduce.systems.dispersedledger_aws import ROWS as AWS
from rackwright.reproduce.systems.dispersedledger_costs import ROWS as COSTS
from rackwright.reproduce.systems.dispersedledger_links import ROWS as LINKS
from rackwright.reproduce.systems.dispersedledger_load import ROWS as LOAD
from rackwright.reproduce.systems.dispersedledger_messages import ROWS as MESSAGES
from rackwright.reproduce.systems.dispersedledger_runs import Simulation

__all__ = ["SIMULATIONS"]

SIMULATIONS: Mapping[str, Simulation] = {**AWS, **LINKS, **LOAD, **COSTS, **MESSAGES}
