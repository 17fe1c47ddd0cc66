"""Faults put into the RTL by hand: the bench has to find every one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rackwright import hdl

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("icarus")]

# name: (file, what stands there, what is put there)
TABLE, SKID = "witness_table/witness_table.v", "lib/axis_skid/axis_skid.v"
MUTANTS = {
    "top bit of the key not compared":
        (TABLE, "entry[CUT_WIDTH-1:0] == s2_cut", "entry[CUT_WIDTH-2:0] == s2_cut[CUT_WIDTH-2:0]"),
    "client not compared": (TABLE, "entry[ENTRY_CLIENT_LSB +: CLIENT_WIDTH] == s2_client", "1'b1"),
    "last way never matches":
        (TABLE, "same_key[i] = used[i] &&", "same_key[i] = used[i] && i != WAYS-1 &&"),
    "way off by one": (TABLE, "way = way | i[2:0];", "way = way | (i[2:0] + 3'd1);"),
    "highest way first": (TABLE, "bits & (~bits + 1'b1)", "bits & ~(bits >> 1)"),
    "no forwarding from stage 2": (TABLE, "if (s2_valid_reg && s2_set == s1_set)", "if (1'b0)"),
    "no forwarding from the past":
        (TABLE, "if (past_valid_reg && past_set_reg == s1_set)", "if (1'b0)"),
    "forwarding from any set": (TABLE, "past_valid_reg && past_set_reg == s1_set",
                                "past_valid_reg"),
    "forwarding from an empty stage": (TABLE, "s2_valid_reg && s2_set == s1_set",
                                       "s2_set == s1_set"),
    "nothing held back behind a start": (TABLE, "step && !hold_reg", "step"),
    "start does not thaw": (TABLE, "            frozen_next = 1'b0;\n", ""),
    "reset keeps the freeze": (TABLE, "        frozen_reg <= 1'b0;\n", ""),
    "reset does not sweep": (TABLE, "        sweep_reg <= 1'b1;\n", ""),
    "sweep ends early": (TABLE, "!(&sweep_set_reg)", "!(&sweep_set_reg[SET_WIDTH-1:1])"),
    "records accepted while frozen": (TABLE, "if (frozen_reg)", "if (1'b0)"),
    "stale a round late": (TABLE, "age} >= STALE_ROUNDS", "age} > STALE_ROUNDS"),
    "every gc ends a round": (TABLE, "s2_op == OP_GC && s2_last_reg", "s2_op == OP_GC"),
    "gc without match clears": (TABLE, "pick = lowest(same_rpc);", "pick = lowest(used);"),
    "words taken without tvalid": (TABLE, "take = s_axis_tvalid && s_axis_tready",
                                   "take = s_axis_tready"),
    "reads while stalled": (TABLE, "    if (step) begin\n        ram_row_reg",
                            "    begin\n        ram_row_reg"),
    "parked word lost": (SKID, "side_valid_next = s_axis_tvalid;", "side_valid_next = 1'b0;"),
    "parked word doubled": (SKID, "        side_valid_next = 1'b0;\n", ""),
    "tlast lost": (SKID, "main_last_next = side_valid_reg ? side_last_reg : s_axis_tlast;",
                   "main_last_next = 1'b1;"),
    "word changes while it waits": (SKID, "if (m_axis_tready || !main_valid_reg)", "if (1'b1)"),
}


def copy_blocks(folder: Path) -> Path:
    """The block and the skid buffer that it uses, laid out as in the package."""
    for name in ("witness_table", "lib/axis_skid"):
        shutil.copytree(Path(hdl.__file__).parent / name, folder / name,
                        ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "witness_table"


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_killed(name: str, tmp_path: Path) -> None:
    file, there, instead = MUTANTS[name]
    block = copy_blocks(tmp_path)
    rtl = (tmp_path / file).read_text()
    assert rtl.count(there) == 1, "the RTL has changed: renew this mutant"
    (tmp_path / file).write_text(rtl.replace(there, instead))
    report = hdl.test_block(block, geometry="8x2", timeout_time=120.0)
    assert not report.passed, report.log


def test_copy_without_a_fault_passes(tmp_path: Path) -> None:
    assert hdl.test_block(copy_blocks(tmp_path), geometry="8x2").passed
