"""Plays the words of ``words.json`` to a block, back to back, and publishes what comes out.

For blocks with one AXI-Stream in and one out. The run ends when all words are taken and nothing
has come out for a while.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from rackwright.hdl.lib import AxisSink, StreamBench, publish, stream
from rackwright.hdl.lib.session import OUT


class TB(StreamBench):
    """Nothing is known of what comes out."""

    def __init__(self, dut: Any) -> None:
        super().__init__(dut)
        self.sink = AxisSink(dut, stream("out"))


@cocotb.test()
async def measure_words(dut: Any) -> None:
    """The words of the file, once."""
    given = json.loads(Path(os.environ[OUT], "words.json").read_text(encoding="utf-8"))
    tb = TB(dut)
    await tb.start()
    while dut.s_axis_tready.value != 1:    # a block may have to sweep its memory first
        await RisingEdge(dut.clk)
    for word, last in given["words"]:
        tb.send(int(word), last)
    await tb.taken(len(given["words"]))
    seen = -1
    while seen != len(tb.sink.taken):
        seen = len(tb.sink.taken)
        await ClockCycles(dut.clk, given["quiet"])
    publish("cycles", {name: [[str(beat.data), beat.last, beat.cycle] for beat in beats]
                       for name, beats in (("taken", tb.source.taken), ("out", tb.sink.taken))})
