"""Compiled and interpreted kernels give the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import hashlib
import numpy as np
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.placement import Placement
from rackwright.models.dispersedledger.workload import Prepared, rules_of, run
from rackwright.models.dispersedledger.schedules import ROOM, play
from rackwright.models.dispersedledger.world import new_world
from rackwright.models.protocols.network import new_network

found = hashlib.sha256()
for variant, method in (("dl", "ticks"), ("hb", "ticks"), ("dl", "recursion"), ("hb", "messages")):
    options = DispersedLedgerOptions.from_settings(
        {"variant": variant, "method": method, "tick": "50ms", "block": "500kB",
         "load": "300kB/s", "commit_rule": "emergent",
         "arrivals": "poisson" if method == "messages" else "fluid"})
    rates = np.array([[4e6, 5e6, 6e6, 3e6]])
    delay = np.full((4, 4), 0.05)
    np.fill_diagonal(delay, 0.0)
    placed = Placement(tuple("abcd"), (), (), delay, rates, rates, True)
    tables, moving, _ = run(Prepared(placed, rules_of(options, 4, 1.0), 4.0, 64), options)
    found.update(tables.output.tobytes() + moving.total.tobytes())
world = new_world(4, 1)
heard = play(world, new_network(ROOM), 3, ["equivocates", "slow", "correct", "correct"])
found.update(world.ledger.log.tobytes() + world.matter.block.tobytes())
print(heard, found.hexdigest())
"""


@pytest.mark.slow
def test_same_bytes_without_a_compiler() -> None:
    words = [subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True,
                            text=True, env={**os.environ, "NUMBA_DISABLE_JIT": flag}).stdout
             for flag in ("0", "1")]
    assert words[0] == words[1]
    assert int(words[0].split()[0]) > 300
