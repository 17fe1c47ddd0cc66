"""What would a ledger do between my sites? Round trips are measured ones (a CSV, in ms; these are
made up), bandwidths a mean each, wandering about it by a fifth."""

from pathlib import Path

import rackwright
from rackwright import topologies, traces

Path("ping.csv").write_text("""\
region,berlin,oslo,turin,lyon,porto,cork,riga
berlin,0,22,19,18,44,31,20
oslo,22,0,38,35,58,36,18
turin,19,38,0,8,36,35,36
lyon,18,35,8,0,29,27,37
porto,44,58,36,29,0,38,62
cork,31,36,35,27,38,0,47
riga,20,18,36,37,62,47,0
""")
MEANS = {"berlin": 50e6, "oslo": 40e6, "turin": 40e6, "lyon": 50e6, "porto": 12e6, "cork": 30e6,
         "riga": 20e6}                                      # bytes/s
sites = topologies.wan(list(MEANS), rate="1Gbps", round_trips="ping.csv")
wandering = traces.generate_bandwidth(MEANS, steps=30, seed=1)
for variant in ("hb_link", "dl"):
    result = rackwright.replay("dispersedledger", sites, wandering, variant=variant,
                               block="500kB")
    found = result.metrics
    print(f"{variant}: {found['throughput_bytes_per_s'] / 1e6:.1f} MB/s on average, "
          f"{found['throughput_least_bytes_per_s'] / 1e6:.1f} MB/s at the slowest site, "
          f"an epoch in {found['epoch_time_s'] * 1e3:.0f} ms")
