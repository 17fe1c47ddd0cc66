"""The engine: compiled kernels, their driver, events, flows, ports, seeded streams.

Hot loops are kernels (`kernel`, `status`, `driver`, `heap`, `ports`, `flows`); scripts write
generator processes on `Simulation`. Time is int64 picoseconds everywhere inside. Names are
imported when they are first asked for; numba at the first call of a kernel.

A kernel imports what it calls from the module where it lives (``from rackwright.engine.heap
import heap_push``) or from here, by name, never through a module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# not lazily: the decorator must win over the module of its name
from rackwright.engine.kernel import Kernel, cache_folder, kernel

if TYPE_CHECKING:
    from rackwright.engine.certificate import maxmin_faults
    from rackwright.engine.driver import SLICE_SECONDS, drive
    from rackwright.engine.events import AllOf, AnyOf, Event, Interrupt, Timeout
    from rackwright.engine.flow_state import Flows, grown_flows, new_flows, with_routes
    from rackwright.engine.flows import (
        flow_close,
        flow_left,
        flow_next_ps,
        flow_open,
        flow_room,
        flow_set_bandwidth,
        flow_take,
    )
    from rackwright.engine.hashing import hash31, mix64
    from rackwright.engine.heap import (
        EventHeap,
        grown_heap,
        heap_pop,
        heap_push,
        heap_room,
        new_heap,
    )
    from rackwright.engine.histogram import HIST_BUCKETS, hist_add, hist_percentile, new_histogram
    from rackwright.engine.ports import Ports, new_ports, port_cross
    from rackwright.engine.process import Process
    from rackwright.engine.record import SpanLog, new_span_log, span_add, span_kept, span_lost
    from rackwright.engine.resources import Request, Resource, Store
    from rackwright.engine.rng import stream, streams
    from rackwright.engine.rules import kernel_faults, scan_package
    from rackwright.engine.share import share_flows
    from rackwright.engine.simulation import Simulation
    from rackwright.engine.stalls import stalled_text
    from rackwright.engine.status import (
        DONE,
        FAULT,
        FOREVER_PS,
        GROW,
        RUNNING,
        STALLED,
        Control,
        new_control,
    )
    from rackwright.engine.transfers import ScriptFlows, ScriptPort

__all__ = [
    "AllOf",
    "AnyOf",
    "Control",
    "DONE",
    "Event",
    "EventHeap",
    "FAULT",
    "FOREVER_PS",
    "Flows",
    "GROW",
    "HIST_BUCKETS",
    "Interrupt",
    "Kernel",
    "Ports",
    "Process",
    "RUNNING",
    "Request",
    "Resource",
    "SLICE_SECONDS",
    "STALLED",
    "ScriptFlows",
    "ScriptPort",
    "Simulation",
    "SpanLog",
    "Store",
    "Timeout",
    "cache_folder",
    "drive",
    "flow_close",
    "flow_left",
    "flow_next_ps",
    "flow_open",
    "flow_room",
    "flow_set_bandwidth",
    "flow_take",
    "grown_flows",
    "grown_heap",
    "hash31",
    "heap_pop",
    "heap_push",
    "heap_room",
    "hist_add",
    "hist_percentile",
    "kernel",
    "kernel_faults",
    "maxmin_faults",
    "mix64",
    "new_control",
    "new_flows",
    "new_heap",
    "new_histogram",
    "new_ports",
    "new_span_log",
    "port_cross",
    "scan_package",
    "share_flows",
    "span_add",
    "span_kept",
    "span_lost",
    "stalled_text",
    "stream",
    "streams",
    "with_routes",
]

_HOMES = {
    "certificate": "maxmin_faults",
    "driver": "SLICE_SECONDS drive",
    "events": "AllOf AnyOf Event Interrupt Timeout",
    "flow_state": "Flows grown_flows new_flows with_routes",
    "flows": "flow_close flow_left flow_next_ps flow_open flow_room flow_set_bandwidth flow_take",
    "hashing": "hash31 mix64",
    "heap": "EventHeap grown_heap heap_pop heap_push heap_room new_heap",
    "histogram": "HIST_BUCKETS hist_add hist_percentile new_histogram",
    "ports": "Ports new_ports port_cross",
    "process": "Process",
    "record": "SpanLog new_span_log span_add span_kept span_lost",
    "resources": "Request Resource Store",
    "rng": "stream streams",
    "rules": "kernel_faults scan_package",
    "share": "share_flows",
    "simulation": "Simulation",
    "stalls": "stalled_text",
    "status": "DONE FAULT FOREVER_PS GROW RUNNING STALLED Control new_control",
    "transfers": "ScriptFlows ScriptPort",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
