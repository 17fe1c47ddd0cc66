"""The packet model gives the same compiled and interpreted."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
from rackwright.devices.ethernet import Framing, SwitchModel, Transfer, simulate, two_tier
model = SwitchModel(4e-7, classes=2, scheduler="drr", quanta=(3000, 1500), pfc=True,
                    xoff_nbytes=9000, xon_nbytes=4000, headroom_nbytes=9000)
network = two_tier(2, 2, 2, 25e9, 40e9, model, 1e-7)
transfers = [Transfer(f"h{i}", f"h{(i + 2) % 4}", 20_000 + i, kind=i % 2) for i in range(4)]
transfers += [Transfer(f"h{i}", "h0", 30_000) for i in range(1, 4)]
found = simulate(network, transfers, Framing("udp"), seed=2)
print(found.finish_time.tobytes().hex(), found.drops.tolist(), found.pauses.tolist(), found.events)
"""


def test_compiled_and_interpreted_give_the_same():
    outputs = {subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True,
                              check=True, env={**os.environ, "NUMBA_DISABLE_JIT": off}).stdout
               for off in ("0", "1")}
    assert len(outputs) == 1 and "[" in outputs.pop()
