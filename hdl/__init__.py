"""Offload blocks for smart NICs: Verilog, goldens, cocotb benches, measured cycle counts.

One folder a block; README.md says what is in it and how to add one. Reading a block's cycles
(`timing`) or calling its golden needs neither a simulator nor cocotb; testing, measuring and
linting run Icarus Verilog in a child process.
"""

from rackwright.hdl.folders import Block, Geometry, block, blocks
from rackwright.hdl.linter import Finding, LintReport, lint
from rackwright.hdl.live import Live, run_live
from rackwright.hdl.measure import characterise
from rackwright.hdl.mutate import MutationReport, mutate
from rackwright.hdl.run import BenchReport, BenchTest, test_block
from rackwright.hdl.synth import synthesise
from rackwright.hdl.timing import Load, Timing, timing

__all__ = [
    "BenchReport",
    "BenchTest",
    "Block",
    "Finding",
    "Geometry",
    "LintReport",
    "Live",
    "Load",
    "MutationReport",
    "Timing",
    "block",
    "blocks",
    "characterise",
    "lint",
    "mutate",
    "run_live",
    "synthesise",
    "test_block",
    "timing",
]
