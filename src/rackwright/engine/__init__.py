"""The engine: compiled kernels, their driver, events, flows, ports, seeded streams.

Hot loops are kernels (`kernel`, `status`, `driver`, `heap`, `ports`, `flows`); scripts write
generator processes on `Simulation` (`process`). Time is int64 picoseconds everywhere inside.
"""
