"""Faults from a seed: what is broken, what is left alone, and that the benches notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, UsageError
from rackwright.hdl.faults import faults, sample

MakeBlock = Callable[..., Path]
RTL = """
module m #(parameter WIDTH = 8) (input wire clk, input wire [WIDTH-1:0] a);
initial begin
    if (WIDTH < 1) $error("WIDTH + 1");
end
reg [7:0] count_reg = 8'd0, count_next;
always @* begin
    count_next = count_reg;      // a + b
    if (a < 3) begin
        count_next = count_reg + 8'd1;
    end
end
always @(posedge clk) begin
    count_reg <= count_next;
    if (rst) begin
        count_reg <= 8'd0;
    end
end
endmodule
"""


def test_kinds_and_what_is_left_alone() -> None:
    found = [(one.kind, one.change) for one in faults(RTL)]
    assert ("operator", "< -> <=") in found and ("operator", "+ -> -") in found
    assert ("constant", "3 -> 4") in found and ("constant", "3 -> 2") in found
    assert ("condition", "a < 3 -> !(a < 3)") in found
    assert ("reset", "count_reg <= 8'd0; -> ;") in found
    assert ("assignment", "count_reg <= count_next; -> ;") in found
    assert not any("count_next = count_reg; ->" in change for _, change in found)
    assert {one.line for one in faults(RTL)} == {9, 10, 14, 16}   # no header, check, comment


@pytest.mark.parametrize("name", hdl.blocks())
def test_a_fault_changes_just_what_it_says(name: str) -> None:
    text = hdl.block(name).sources[0].read_text()
    for one in faults(text):
        assert text[one.start:].startswith(one.before)
        assert one.source in text.splitlines()[one.line - 1]
        assert one.put_into(text) != text


def test_a_sample_is_of_its_seed() -> None:
    text = hdl.block("vote_counter").sources[0].read_text()
    assert sample(text, 20, 1) == sample(text, 20, 1) != sample(text, 20, 2)
    assert len(sample(text, 20, 1)) == 20 and len(sample(text, 10**6, 1)) == len(faults(text))


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
def test_survivors_and_their_explanation(make_block: MakeBlock) -> None:
    folder = make_block()                      # its bench tries one input: much survives
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "~a ^ (a & 4'd10 & ~4'd11)"))
    report = hdl.mutate(folder, count=30)
    assert report.survivors and 0 < report.share < 1
    one = report.survivors[0]
    (folder / "mutants.toml").write_text(
        f'[[equivalent]]\nsource = "{one.source}"\nchange = "{one.change}"\nreason = "a test"\n')
    again = hdl.mutate(folder, count=30)
    assert len(again.survivors) < len(report.survivors) and again.count("equivalent")
    (folder / "mutants.toml").write_text(
        '[[equivalent]]\nsource = "gone"\nchange = "a -> b"\nreason = "a test"\n')
    with pytest.raises(InputError, match="the RTL has no line 'gone' any more"):
        hdl.mutate(folder, count=1)


def test_count_is_positive() -> None:
    with pytest.raises(UsageError, match="count=0"):
        hdl.mutate("vote_counter", count=0)


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
@pytest.mark.parametrize("name", hdl.blocks())
def test_a_small_sample_is_killed(name: str) -> None:
    """hdl/MUTANTS.md has the whole table. In all fast geometries: one may leave the line out."""
    report = hdl.mutate(name, seed=3, count=1)
    assert not report.survivors
