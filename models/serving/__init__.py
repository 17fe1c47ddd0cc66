"""What every serving system shares: requests, admission by free KV blocks, windows, metrics."""
