"""How much longer do first tokens take when requests come in bursts, at the same mean rate? The
arrivals are numpy arrays of one's own: Poisson, and a source that is on for one second in four."""

import numpy as np

import rackwright
from rackwright.traces import RequestTrace

rng = np.random.default_rng(7)
count, rate = 1000, 15.0
steady = np.cumsum(rng.exponential(1 / rate, count))
busy = np.cumsum(rng.exponential(1 / (4 * rate), count))    # seconds for which the source was on
bursts = busy + 3.0 * np.floor(busy)                        # after each it is off for three
prompt, answer = rng.integers(100, 900, count), rng.integers(20, 300, count)
for name, arrivals in (("steady", steady), ("bursts", bursts)):
    trace = RequestTrace(arrivals, prompt, answer, name, "drawn here, seed 7")
    found = rackwright.replay("serving", "dgx-h100", trace, seed=0, model="llama-3-8b").metrics
    print(f"{name}: {count / arrivals[-1]:.0f} requests/s, first token after "
          f"{found['ttft_p50_s'] * 1e3:.0f} ms (median), {found['ttft_p99_s'] * 1e3:.0f} ms (99th "
          f"percentile), then {found['itl_mean_s'] * 1e3:.1f} ms a token")
