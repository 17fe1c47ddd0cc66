"""The skid buffer: RTL and bench; its golden is a queue."""
