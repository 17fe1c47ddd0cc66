"""Which GPU makes the cheapest tokens within 25 ms each? Prices of an hour are what you pay: these
are examples."""

import rackwright
from rackwright import traces

PRICES = {"dgx-a100": "$1.50", "dgx-h100": "$3", "dgx-h200": "$3.80"}
trace = traces.generate_requests(50.0, duration_time=10.0, lengths=traces.SHORT, seed=1)
for machine, price in PRICES.items():
    best = None
    for clients in (16, 32, 64, 128, 256):
        found = rackwright.replay("serving", machine, trace, model="qwen2.5-32b",
                                  tensor_parallel=2, concurrency=clients,
                                  gpu_hour_price=price).metrics
        if found["itl_p50_s"] <= 25e-3:
            best = clients, found
    if best is None:
        print(f"{machine} at {price}: no token within 25 ms")
        continue
    clients, found = best
    print(f"{machine} at {price}: ${found['cost_per_million_tokens_usd']:.2f} a million tokens "
          f"with {clients} clients, {found['itl_p50_s'] * 1e3:.1f} ms each")
