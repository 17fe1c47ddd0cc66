"""Throughput before, during and after a link fault, and what the status registers say.

python link_fault.py                # in this process
python link_fault.py @py RESOURCE   # as `rackwright panel rack.toml --tcp 0 --hislip 0` names it
"""

import sys
from pathlib import Path

import pyvisa

library, resource = sys.argv[1:] or (f"{Path(__file__).with_name('rack.toml')}@rackwright",
                                     "TCPIP::bench::rack::INSTR")
rack = pyvisa.ResourceManager(library).open_resource(resource, read_termination="\n",
                                                     timeout=60_000)
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
