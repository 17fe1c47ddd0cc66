"""The tests that a `Suite` makes: their names, and that each of them can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl

MakeBlock = Callable[..., Path]
pytestmark = [pytest.mark.usefixtures("icarus"), pytest.mark.slow]
TOML = """
summary = "a register"
sources = ["tiny.v"]
geometry = [{ name = "4", parameters = {} }]
"""
RTL = """
`timescale 1ns / 1ps
module tiny (input wire clk, input wire rst,
    input wire [7:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
    input wire s_axis_tlast, output reg [7:0] m_axis_tdata, output reg m_axis_tvalid,
    input wire m_axis_tready, output reg m_axis_tlast);
assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
always @(posedge clk) begin
    if (s_axis_tready) {m_axis_tlast, m_axis_tdata} <= {s_axis_tlast, s_axis_tdata};
    m_axis_tvalid <= !rst && (s_axis_tready ? s_axis_tvalid : 1'b1);
end
endmodule
"""
BENCH = '''
from functools import partial
from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage(["cut", "never"])
suite = Suite(__name__, partial(StreamBench, idle=9), COVERAGE, excused=lambda dut: ["never"])

def words(tb):
    for number in range(40):
        tb.send(number)
        tb.expect(number)
    return 40

@suite.under_pauses()
def any_words(tb):
    """Words of the docstring."""
    words(tb)

@suite.test(pause_in=0.5)
async def some_at_a_time(tb):
    words(tb)
    await tb.finish()
    words(tb)

@suite.cut((1, 5, 99), met="cut")
def resets(tb):
    words(tb)
    yield
    words(tb)

@suite.measure({"word": 1}, {"words": ((1, 2), lambda tb, size: [
    (tb.send(one), tb.expect(one)) for one in range(size)])})
def measure_throughput(tb):
    words(tb)
    return 1, 40

suite.standard({"word": words})
'''
NAMES = [*(f"any_words/pause_in={into}/pause_out={out}" for into in (0.0, 0.3)
           for out in (0.0, 0.5)), "some_at_a_time", "resets", "measure_throughput",
         "measure_load", "reset_at_any_clock", "coverage_is_complete"]


def test_names_cycles_and_bins(make_block: MakeBlock) -> None:
    report = hdl.test_block(make_block(rtl=RTL, bench=BENCH, toml=TOML))
    assert report.passed, report.log
    assert [test.name for test in report.tests] == NAMES
    assert report.coverage == {"cut": 3, "never": 1}
    assert report.cycles["latency_cycles"] == report.cycles["interval_cycles"] == {"word": 1}
    assert report.cycles["size_cycles"] == {"words": [[1, 1], [2, 2]]}
    assert [row["offered"] for row in report.cycles["load"]] == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(("there", "instead", "failing"), [
    ("!rst && (", "(", {"reset_at_any_clock"}),
    ("s_axis_tready ? s_axis_tvalid : 1'b1", "s_axis_tvalid", {NAMES[3]}),
    ("= !m_axis_tvalid || m_axis_tready", "= !m_axis_tvalid", {"measure_throughput"}),
])
def test_faults_of_the_rtl_fail_the_right_tests(make_block: MakeBlock, there: str, instead: str,
                                                failing: set[str]) -> None:
    assert RTL.count(there) == 1
    report = hdl.test_block(make_block(rtl=RTL.replace(there, instead), bench=BENCH, toml=TOML))
    assert {test.name for test in report.tests if not test.passed} >= failing


def test_bins_that_were_not_met_are_named(make_block: MakeBlock) -> None:
    bench = BENCH.replace(', excused=lambda dut: ["never"]', "")
    report = hdl.test_block(make_block(rtl=RTL, bench=bench, toml=TOML))
    assert [test.name for test in report.tests if not test.passed] == ["coverage_is_complete"]
    assert "never met: never" in report.tests[-1].message
