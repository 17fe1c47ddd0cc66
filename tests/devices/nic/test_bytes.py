"""The event models of adapters and drives give the same bytes compiled and interpreted."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib
import numpy as np
from rackwright.devices import catalog
from rackwright.devices.host import run_dram, run_nvme
from rackwright.devices.nic import CoreWork, pipeline_of, run_cores, run_pipeline

rng = np.random.default_rng(2)
when = np.cumsum(rng.exponential(20e-9, 300))
nbytes = rng.integers(64, 1500, 300)
nic = catalog.smart_nic("e2000")
run = run_pipeline(pipeline_of(nic, slots=8), when, nbytes)
print(hashlib.sha256(run.left_time.tobytes() + run.longest_queue.tobytes()).hexdigest())
for how in ("fifo", "rss"):
    cores = run_cores(nic, when, nbytes, np.arange(300) % 40, work=CoreWork(500.0), dispatch=how)
    print(hashlib.sha256(cores.finish_time.tobytes() + cores.queue.tobytes()).hexdigest())
print(run_nvme(catalog.nvme("kioxia-cm6"), depth=16, read_share=0.5, commands=300))
print(run_dram(catalog.memory("ddr4-3200-8ch"), outstanding=8, accesses=200))
"""


def output(jit: str) -> str:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True,
                          check=True, env={**os.environ, "NUMBA_DISABLE_JIT": jit})
    return done.stdout


def test_interpreted_and_compiled_kernels_agree() -> None:
    compiled = output("0")
    assert compiled == output("1") and len(compiled.splitlines()) == 5
