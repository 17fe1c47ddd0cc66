"""Throughput before, during and after a link fault, and what the status registers say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pyvisa

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--library", default=f"{Path(__file__).with_name('rack.toml')}@rackwright")
parser.add_argument("--resource", default="TCPIP::bench::rack::INSTR")
where = parser.parse_args()
rack: Any = pyvisa.ResourceManager(where.library).open_resource(
    where.resource, read_termination="\n", write_termination="\n", timeout=60_000)
rack.write("*RST;*CLS")

LINK = "h0/nic0->leaf0"
rack.write("SENS:LINK:COUN:RES; :SOUR:WORK:SEL 'shuffle'; :INIT")
for label, command in (("healthy", "*WAI"),
                       ("half rate", f"INJ:LINK:RATE '{LINK}', 50 PCT"),
                       ("errors", f"INJ:LINK:RATE '{LINK}', 1; BER '{LINK}', 1E-4"),
                       ("down", f"INJ:LINK:STAT '{LINK}', DOWN"),
                       ("repaired", "INJ:CLE")):
    rack.write(command)
    rack.write("SYST:TIME:STEP 1 ms")
    rate = float(rack.query(f"MEAS:LINK:RATE? '{LINK}'"))
    conditions = int(rack.query("STAT:QUES:COND?"))
    print(f"{label:10s} {rate / 1e9:6.2f} GB/s  questionable {conditions}")
print("replays:", rack.query(f"SENS:LINK:COUN:REPL? '{LINK}'"))
print("events since the start:", rack.query("STAT:QUES?"))
rack.write("ABOR")
print("errors:", rack.query("SYST:ERR?"))
