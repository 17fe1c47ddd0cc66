"""What changes when AEP drains the fullest queue, without looking at what comes behind it? Two
results compared: inputs that differ, and metrics that moved."""

import rackwright
from rackwright import traces

trace = traces.generate_requests(100.0, duration_time=2.0, lengths=traces.SHORT, seed=1)
defrag, mtfs = (rackwright.replay("aep", "dgx-a100", trace, seed=0, policy=policy)
                for policy in ("defrag", "mtfs"))
difference = defrag.compare(mtfs)
for entry in difference.inputs:
    print(f"{entry.name}: {entry.ours} -> {entry.theirs}")
for entry in difference.moved:
    if entry.name in defrag.headline and entry.ratio:
        print(f"{entry.name}: {entry.ratio:.3f} times")
name = "attention_batch_mean_tokens"
print(f"why: a step of attention serves {defrag.metrics[name]:.1f} -> {mtfs.metrics[name]:.1f} "
      "tokens")
