"""Lint: packaged RTL is clean; a warning fails unless it is waived with a reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError

MakeBlock = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("icarus")
# Icarus warns of a port that is connected with another width
WIDE = """
module inner (input wire [3:0] a, output wire [3:0] y); assign y = a; endmodule
module tiny #(parameter WIDTH = 4) (input wire a, output wire [3:0] y);
inner inner_inst (.a(a), .y(y));
endmodule
"""
WAIVER = """
[[waiver]]
block = "tiny"
tool = "iverilog"
text = "expects 4 bits"
reason = "meant so"
"""


@pytest.mark.parametrize("name", [pytest.param(
    name, marks=[] if name in ("arbiter", "axis_fifo", "vote_counter") else [pytest.mark.slow])
    for name in hdl.blocks()])
def test_packaged_rtl_is_clean(name: str) -> None:
    report = hdl.lint(name)
    assert [one.text for one in report.findings if not one.waived] == []
    assert {one.tool for one in report.findings} <= {"verilator"}


def test_warning_is_a_finding(make_block: MakeBlock) -> None:
    report = hdl.lint(make_block(rtl=WIDE))
    assert not report.passed
    assert any("tiny.v:4: warning: Port 1 (a)" in one.text for one in report.findings)
    assert "passed" in report.to_json()


def test_waiver_with_a_reason(make_block: MakeBlock) -> None:
    folder = make_block(rtl=WIDE)
    (folder / "waivers.toml").write_text(WAIVER)
    report = hdl.lint(folder)
    waived = [one for one in report.findings if one.tool == "iverilog" and one.waived]
    assert [one.waived for one in waived] == ["meant so"]


def test_waiver_that_meets_nothing_is_a_finding(make_block: MakeBlock) -> None:
    folder = make_block()
    (folder / "waivers.toml").write_text(WAIVER)
    report = hdl.lint(folder)
    assert not report.passed
    assert "meets no warning: delete it" in report.findings[-1].text


def test_waiver_without_a_reason(make_block: MakeBlock) -> None:
    folder = make_block()
    (folder / "waivers.toml").write_text(WAIVER.replace('reason = "meant so"', ""))
    with pytest.raises(InputError, match="waivers.toml: .*needs block, tool, text and reason"):
        hdl.lint(folder)


def test_verilator_is_used_when_there_is_one(make_block: MakeBlock, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    fake = bin_folder / "verilator"
    fake.write_text("#!/bin/sh\necho '%Warning-WIDTH: tiny.v:4:1: said by a stand-in'\n"
                    "echo '    4 | assign'\necho '%Error: Exiting due to 1 warning(s)'\nexit 1\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    report = hdl.lint(make_block())
    assert [(one.tool, one.text) for one in report.findings] == [
        ("verilator", "%Warning-WIDTH: tiny.v:4:1: said by a stand-in")]
    assert report.skipped == ()
