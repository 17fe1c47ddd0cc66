"""What the blocks share: small RTL parts; the benches' AXI-Stream ends, seeds and reports."""

from rackwright.hdl.lib.axis import AxisSink, AxisSource, Beat
from rackwright.hdl.lib.session import Coverage, publish, seed, stream
from rackwright.hdl.lib.stream_bench import PERIOD, StreamBench

__all__ = ["PERIOD", "AxisSink", "AxisSource", "Beat", "Coverage", "StreamBench", "publish",
           "seed", "stream"]
