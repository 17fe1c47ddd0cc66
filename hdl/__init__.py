"""Offload blocks for smart NICs: Verilog, goldens, cocotb benches, measured cycle counts.

One folder a block; README.md says what is in it and how to add one. Reading a block's cycles
(`timing`) or calling its golden needs neither a simulator nor cocotb; testing, measuring and
linting run Icarus Verilog in a child process.
"""

from rackwright.hdl.folders import Block, Geometry, block, blocks
from rackwright.hdl.linter import Finding, LintReport, lint
from rackwright.hdl.measure import characterise
from rackwright.hdl.run import BenchReport, BenchTest, test_block
from rackwright.hdl.timing import Timing, timing

__all__ = [
    "BenchReport",
    "BenchTest",
    "Block",
    "Finding",
    "Geometry",
    "LintReport",
    "Timing",
    "block",
    "blocks",
    "characterise",
    "lint",
    "test_block",
    "timing",
]
