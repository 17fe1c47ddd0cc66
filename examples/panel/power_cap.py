"""Time and energy of ten rounds under falling power limits."""

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
rack.write("SOUR:WORK:SEL 'train'")
print("limit W   time ms   energy J of h0/gpu0")
for watts in (700, 600, 500, 400, 300):
    rack.write(f"SOUR:POW:LIM {watts} W; :SENS:ENER:RES; :INIT")
    rack.query("*OPC?")
    seconds = float(rack.query('FETC:METR? "elapsed_s"'))
    joules = float(rack.query('MEAS:ENER? "h0/gpu0"'))
    print(f"{watts:7d} {seconds * 1e3:9.2f} {joules:10.2f}")
print("errors:", rack.query("SYST:ERR?"))
