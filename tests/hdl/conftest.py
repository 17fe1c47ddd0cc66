"""Block folders made for a test, and the mark of tests that need a simulator."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

RTL = """
`timescale 1ns / 1ps
`default_nettype none
module tiny #(parameter WIDTH = 4) (input wire [WIDTH-1:0] a, output wire [WIDTH-1:0] y);
assign y = ~a;
endmodule
"""
BENCH = """
import cocotb
from cocotb.triggers import Timer

from rackwright.hdl.lib import publish

@cocotb.test(timeout_time=100, timeout_unit="ns")
async def inverts(dut):
    dut.a.value = 5
    await Timer(1, unit="ns")
    assert dut.y.value == 10, "y is not the inverse of a"
    publish("coverage", {"a:5": 1})
"""
TOML = """
summary = "four inverters"
sources = ["tiny.v"]

[[geometry]]
name = "4"
parameters = { WIDTH = 4 }
"""

MakeBlock = Callable[..., Path]


@pytest.fixture
def icarus() -> None:
    """Skip, with the reason, where there is no simulator."""
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        pytest.skip("Icarus Verilog is not installed (sudo apt-get install iverilog)")


@pytest.fixture
def make_block(tmp_path: Path) -> MakeBlock:
    """Write a block folder `tiny`; any of its files can be given."""

    def make(*, rtl: str = RTL, bench: str = BENCH, toml: str = TOML) -> Path:
        folder = tmp_path / "tiny"
        folder.mkdir(exist_ok=True)
        for name, text in (("tiny.v", rtl), ("bench.py", bench), ("block.toml", toml)):
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make
