"""Time and energy of ten rounds under falling power limits.

python power_cap.py                # in this process
python power_cap.py @py RESOURCE   # as `rackwright panel rack.toml --tcp 0 --hislip 0` names it
"""

import sys
from pathlib import Path

import pyvisa

library, resource = sys.argv[1:] or (f"{Path(__file__).with_name('rack.toml')}@rackwright",
                                     "TCPIP::bench::rack::INSTR")
rack = pyvisa.ResourceManager(library).open_resource(resource, read_termination="\n",
                                                     timeout=60_000)
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
