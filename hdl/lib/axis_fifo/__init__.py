"""The FIFO: RTL and bench; its golden is a queue."""
