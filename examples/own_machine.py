"""What would my machine do? Reads what `nvidia-smi topo -m` prints (a file of yours as argument, or
a machine of four A100s on two sockets), names its parts, and replays a model on it."""

import sys
from pathlib import Path

import rackwright
from rackwright import topologies, traces

MATRIX = """\
\tGPU0\tGPU1\tGPU2\tGPU3\tNIC0\tCPU Affinity\tNUMA Affinity
GPU0\t X \tNV4\tSYS\tSYS\tPIX\t0-31\t0
GPU1\tNV4\t X \tSYS\tSYS\tNODE\t0-31\t0
GPU2\tSYS\tSYS\t X \tNV4\tSYS\t32-63\t1
GPU3\tSYS\tSYS\tNV4\t X \tSYS\t32-63\t1
NIC0\tPIX\tNODE\tSYS\tSYS\t X
"""
if len(sys.argv) > 1:
    source = Path(sys.argv[1])
else:
    source = Path("machine.txt")
    source.write_text(MATRIX)
machine = topologies.load(source)       # or topologies.capture(): this machine, from /sys
print("assumed:", topologies.report_of(machine)["assumed"][0])
for pattern, part in {"h0/gpu*": "a100-sxm-80", "h0/nic*": "connectx-6",
                      "h0/cpu*": "epyc-7763"}.items():
    machine = topologies.replace(machine, pattern, part)
trace = traces.generate_requests(0.5, duration_time=60.0, lengths=traces.SHORT, seed=1)
for gpus in (2, 4):
    result = rackwright.replay("serving", machine, trace, seed=0, model="qwen2.5-32b",
                               tensor_parallel=gpus)
    print(f"{gpus} GPUs: {result.metrics['tpot_mean_s'] * 1e3:.1f} ms a token, "
          f"{result.breakdown['exchange']:.0%} of a request's time in exchanges")
