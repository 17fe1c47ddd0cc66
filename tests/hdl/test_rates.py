"""Line rates: widths times clocks over measured cycles, and the table of the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.hdl.rates import CLOCKS_HZ, as_table, fastest, rates
from rackwright.hdl.synth import sizes


def test_width_times_clock_where_a_beat_takes_a_clock() -> None:
    row = next(row for row in rates() if (row.block, row.geometry) == ("crc32_stream", "512"))
    assert row.rates_bps[0] == pytest.approx(128e9)
    assert CLOCKS_HZ[1] == pytest.approx(322.27e6, rel=2e-5)
    assert row.keeps_up_bps == (100e9, 100e9)
    assert row.levels == sizes("crc32_stream")["512"]["levels"] < 12


def test_every_block_but_the_arbiter_has_a_rate() -> None:
    assert {row.block for row in rates()} == set(hdl.blocks()) - {"arbiter"}
    assert len(fastest(rates())) == len(hdl.blocks()) - 1


def test_the_readme_shows_what_is_measured() -> None:
    readme = (Path(hdl.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert as_table(fastest(rates())) in readme, "paste `rackwright hdl rates --fastest`"
