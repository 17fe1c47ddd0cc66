"""Request traces of other simulators and studies, as CSV: BurstGPT and Vidur.

* BurstGPT (github.com/HPMLL/BurstGPT, CC-BY-4.0): ``Timestamp,Model,Request tokens,Response
  tokens,Total tokens,Log Type``, since version 1.2 also ``Session ID,Elapsed time``. Timestamps
  are seconds; a response of 0 tokens is a request that failed. Failed requests have no place in
  a replay: they are left out, and the trace's `source` says how many.
* Vidur (github.com/microsoft/vidur, MIT): ``arrived_at,num_prefill_tokens,num_decode_tokens``,
  seconds.

The first request arrives at 0. Leaves out: model, log type, session and elapsed time of BurstGPT.
"""

from __future__ import annotations

from array import array

from rackwright.errors import TraceError
from rackwright.traces.request_columns import TOKENS, fill, numbers, request_trace
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.table import Column, Table, decimal, whole
from rackwright.units import MAX_TIME

__all__ = ["BURSTGPT_HEADERS", "VIDUR_HEADER", "read_burstgpt", "read_vidur"]

VIDUR_HEADER = "arrived_at,num_prefill_tokens,num_decode_tokens"
BURSTGPT_HEADERS = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type,Session ID,Elapsed time")
_SECONDS = f"seconds, 0 to {MAX_TIME:.0f}, never going back"


def read_vidur(table: Table, limit: int | None) -> RequestTrace:
    """The requests of a Vidur file."""
    time = Column("arrived_at", decimal(MAX_TIME), _SECONDS)
    times, inputs, outputs = array("d"), array("q"), array("q")
    fill(table, limit, time, ("num_prefill_tokens", "num_decode_tokens"),
         (times, inputs, outputs))
    return request_trace(table, numbers(times) - times[0], inputs, outputs,
                         f"{table.path.name} (Vidur)")


def read_burstgpt(table: Table, limit: int | None) -> RequestTrace:
    """The requests of a BurstGPT file that were answered."""
    tokens, expected = whole(0, MAX_TOKENS), TOKENS.replace("1 to", "0 to")
    names = table.header.split(",")
    columns = [Column(names[0], decimal(MAX_TIME), _SECONDS), Column(names[1], str, "any text"),
               *(Column(name, tokens, expected) for name in names[2:5]),
               *(Column(name, str, "any text") for name in names[5:])]
    times, inputs, outputs = array("d"), array("q"), array("q")
    before, failed = 0.0, 0
    for block in table.blocks(columns, limit):
        for row, (time, asked, answered) in enumerate(zip(
                block.columns[0], block.columns[2], block.columns[3], strict=True)):
            if time < before:
                table.fail(block.first_line + row, columns[0], time, "earlier than the row above")
            before = time
            if answered == 0 or asked == 0:
                failed += 1
                continue
            times.append(time)
            inputs.append(asked)
            outputs.append(answered)
    if not times:
        raise TraceError(f"all {failed} requests failed (0 response tokens); nothing to replay",
                         place=table.path)
    return request_trace(table, numbers(times) - times[0], inputs, outputs,
                         f"{table.path.name} (BurstGPT, {failed} failed requests left out)")
