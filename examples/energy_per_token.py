"""How much energy does a token cost, and how much of it is an empty engine's? A board draws power
whether its batch is full or not; it is counted as in matrix products, an upper bound."""

import rackwright
from rackwright import traces

trace = traces.generate_requests(50.0, duration_time=8.0, lengths=traces.SHORT, seed=1)
for machine in ("dgx-a100", "dgx-h100"):
    for clients in (1, 16, 256):
        found = rackwright.replay("serving", machine, trace, model="llama-3-8b",
                                  concurrency=clients).metrics
        print(f"{machine}, clients {clients}: {found['energy_gpu_per_token_j']:.3f} J a token, "
              f"{found['throughput_tokens_per_s']:.0f} tokens/s")
