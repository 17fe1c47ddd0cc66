"""A system under replay, second by second, while links are late for two of them.

python replay_fault.py                # in this process
python replay_fault.py @py RESOURCE   # as `rackwright panel rack.toml --tcp 0 --hislip 0` names it
"""

import sys
from pathlib import Path

import pyvisa

library, resource = sys.argv[1:] or (f"{Path(__file__).with_name('rack.toml')}@rackwright",
                                     "TCPIP::bench::rack::INSTR")
rack = pyvisa.ResourceManager(library).open_resource(resource, read_termination="\n",
                                                     timeout=600_000)
rack.write("*RST;*CLS")
LINKS = "h*/gpu*->h*/nvswitch"

rack.write("SOUR:WORK:SEL 'serving'; :INIT")
before, second = 0.0, 0
while float(rack.query("FETC:PROG?")) < 1:
    second += 1
    if second == 3:
        rack.write(f"INJ:LINK:LAT '{LINKS}', 1 ms")
    if second == 5:
        rack.write("INJ:CLE")
    rack.write("SYST:TIME:STEP 1 s")
    tokens = float(rack.query("FETC:METR? 'tokens'"))
    conditions = int(rack.query("STAT:QUES:COND?"))
    print(f"second {second}: {tokens - before:4.0f} tokens  questionable {conditions}")
    before = tokens
end = float(rack.query("FETC:METR? 'makespan_s'"))
print(f"the last token after {end:.2f} s")
print("errors:", rack.query("SYST:ERR?"))
