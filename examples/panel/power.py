"""Power of a board idle and at work, and the energy of ten rounds.

python power.py                # in this process
python power.py @py RESOURCE   # as `rackwright panel rack.toml --tcp 0 --hislip 0` names it
"""

import sys
from pathlib import Path

import pyvisa

library, resource = sys.argv[1:] or (f"{Path(__file__).with_name('rack.toml')}@rackwright",
                                     "TCPIP::bench::rack::INSTR")
rack = pyvisa.ResourceManager(library).open_resource(resource, read_termination="\n",
                                                     timeout=60_000)
rack.write("*RST;*CLS")
board = '"h0/gpu0"'
print(f"idle: {float(rack.query(f'MEAS:POW? {board}')):.0f} W")

rack.write("SOUR:WORK:SEL 'train'; :SENS:ENER:RES; :INIT")
rack.write("SYST:TIME:STEP 1 ms")                     # into the first computation
print(f"computing: {float(rack.query(f'MEAS:POW? {board}')):.0f} W")
assert rack.query("*OPC?") == "1"                     # ten rounds
seconds = float(rack.query('FETC:METR? "elapsed_s"'))
joules = float(rack.query(f"MEAS:ENER? {board}"))
mean = float(rack.query(f"MEAS:POW:AVER? {board}"))
print(f"ten rounds: {seconds * 1e3:.2f} ms, {joules:.2f} J, {mean:.0f} W on average")
print("errors:", rack.query("SYST:ERR?"))
