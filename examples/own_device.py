"""Would a smart NIC with half as many cores again be worth 300 USD more? A part of one's own is a
TOML file: `like` inherits, every number that replaces one has a unit and a source."""

from pathlib import Path

import rackwright
from rackwright import topologies
from rackwright.devices import catalog

Path("parts").mkdir(exist_ok=True)
Path("parts/e2000-24.toml").write_text("""
[part]
name = "e2000-24"
kind = "smart-nic"
like = "e2000"
title = "An E2000 with 24 cores"

[datasheet]
cores = { value = 24, unit = "1", source = "assumed: half as many again" }
price = { value = 1800, unit = "USD", source = "assumed: 300 USD more" }
""")
with catalog.beside("parts"):
    for nic in ("e2000", "e2000-24"):
        pod = topologies.preset(f"lovelock:accelerators=0,storage=8,compute=8,nic={nic}")
        found = rackwright.replay("lovelock", pod, core_performance=0.79).metrics
        print(f"{nic}: a query takes {found['latency_mean_s'] * 1e3:.0f} ms, "
              f"{found['slowdown']:.3f} of the servers' time, at 1/{found['cost_advantage']:.2f} "
              "of their price")
