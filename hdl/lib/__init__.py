"""What the blocks share: small RTL parts; the benches' AXI-Stream ends, seeds and reports."""

from rackwright.hdl.lib.axis import AxisSink, AxisSource, Beat
from rackwright.hdl.lib.load import LOADS, load_sweep, size_sweep
from rackwright.hdl.lib.resets import reset_sweep
from rackwright.hdl.lib.session import Coverage, publish, seed, stream
from rackwright.hdl.lib.stream_bench import PERIOD, StreamBench
from rackwright.hdl.lib.suite import Suite

__all__ = ["LOADS", "PERIOD", "AxisSink", "AxisSource", "Beat", "Coverage", "StreamBench",
           "Suite", "load_sweep", "publish", "reset_sweep", "seed", "size_sweep", "stream"]
