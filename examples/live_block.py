"""How often does a skewed write wait because a NIC's witness holds its key already? Every batch of
writes is played to the witness's RTL, simulated with Icarus in the middle of the replay; a batch
ends with a sync, so the next one meets an empty table."""

from rackwright import hdl, traces
from rackwright.engine import Simulation, mix64
from rackwright.hdl.witness_table.golden import ACCEPT, STATUS_MASK
from rackwright.hdl.witness_table.words import RECORD, Request, Widths

CLOCK_HZ = 250e6                      # assumed: no block was placed and routed
ROUND_TRIP, SYNC = 5e-6, 9e-6         # s, of the order of RAMCloud's: chosen here


def write(sim, answered, first, waits):
    yield sim.timeout(ROUND_TRIP + (answered.cycle - first) / CLOCK_HZ)
    if answered.data & STATUS_MASK != ACCEPT:
        waits.append(answered)
        yield sim.timeout(SYNC)


def client(sim, keys, batch, waits):
    for start in range(0, len(keys), batch):
        words = [Widths().request(Request(RECORD, int(mix64(int(key))), 1, start + at), at)
                 for at, key in enumerate(keys[start:start + batch])]
        live = hdl.run_live("witness_table", words)
        yield sim.all_of([sim.process(write(sim, answered, live.taken[0].cycle, waits))
                          for answered in live.answers])


for theta in (0.5, 0.99):
    keys = traces.generate_operations("writes", 150, keys=10_000, theta=theta, seed=3).key
    sim, waits = Simulation(), []
    sim.run(until=sim.process(client(sim, keys, 50, waits)))
    print(f"Zipf {theta}: {len(waits)} of {len(keys)} writes wait for a sync, in batches of 50; "
          f"{sim.now * 1e6:.2f} us in all")
