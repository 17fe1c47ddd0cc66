"""Which network does a headless pod need? The first speed at which no line is the limit any more:
beyond it, faster NICs buy little."""

import rackwright
from rackwright import topologies

pod = topologies.preset("lovelock:accelerators=0,storage=8,compute=8,network=ethernet-100g")
for gbps in (25, 50, 100, 200, 400):
    graph = topologies.scale(topologies.scale(pod, "h*/nic0=>s0", rate=gbps / 100),
                             "s0=>h*/nic0", rate=gbps / 100)
    result = rackwright.replay("lovelock", graph, reference=False)
    limit = result.bottleneck
    print(f"{gbps} Gb/s: a query takes {result.metrics['latency_mean_s'] * 1e3:.0f} ms; "
          f"busiest: {limit.resource}, {limit.utilisation:.0%}")
