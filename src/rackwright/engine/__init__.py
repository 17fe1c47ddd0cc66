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
    from rackwright.engine.capacity import Changes, new_changes
    from rackwright.engine.certificate import maxmin_faults
    from rackwright.engine.counters import (
        Counters,
        Gauges,
        counter_add,
        counter_rates,
        gauge_add,
        gauge_levels,
        gauge_means,
        gauge_set,
        gauge_span,
        gauges_at,
        new_counters,
        new_gauges,
    )
    from rackwright.engine.driver import SLICE_SECONDS, drive
    from rackwright.engine.events import AllOf, AnyOf, Event, Interrupt, Timeout
    from rackwright.engine.flow_state import Flows, grown_flows, new_flows, with_routes
    from rackwright.engine.flows import (
        flow_close,
        flow_left,
        flow_next_ps,
        flow_open,
        flow_open_as,
        flow_reroute,
        flow_room,
        flow_set_bandwidth,
        flow_take,
    )
    from rackwright.engine.fluid_state import Fluids, grown_fluids, new_fluids
    from rackwright.engine.fluids import (
        fluid_close,
        fluid_left_ps,
        fluid_next_ps,
        fluid_open,
        fluid_room,
        fluid_set_capacity,
        fluid_take,
        fluid_use,
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
    from rackwright.engine.priority import priority_arrive, priority_done, priority_room
    from rackwright.engine.priority_state import (
        PriorityServers,
        grown_priority_servers,
        new_priority_servers,
    )
    from rackwright.engine.process import Process
    from rackwright.engine.processor_sharing import ps_arrive, ps_complete, ps_next_ps, ps_room
    from rackwright.engine.ps_state import NO_LIMIT, PsServers, grown_ps_servers, new_ps_servers
    from rackwright.engine.record import SpanLog, new_span_log, span_add, span_kept, span_lost
    from rackwright.engine.resources import Request, Resource, Store
    from rackwright.engine.rng import stream, streams
    from rackwright.engine.rules import kernel_faults, scan_package
    from rackwright.engine.serve import serve_jobs
    from rackwright.engine.servers import Servers, new_servers, server_arrive, servers_busy
    from rackwright.engine.share import ShareReport, share_flows, share_report
    from rackwright.engine.sharing import resource_rates, share_resources
    from rackwright.engine.simulation import Simulation
    from rackwright.engine.stalls import stalled_text
    from rackwright.engine.stations import Station
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
    from rackwright.engine.tally import Tally, new_tally, tally_at, tally_move
    from rackwright.engine.transfers import ScriptFlows, ScriptPort
    from rackwright.engine.windows import Windows, new_windows, window_add, window_spread

__all__ = [
    "AllOf",
    "AnyOf",
    "Changes",
    "Control",
    "Counters",
    "DONE",
    "Event",
    "EventHeap",
    "FAULT",
    "FOREVER_PS",
    "Flows",
    "Fluids",
    "GROW",
    "Gauges",
    "HIST_BUCKETS",
    "Interrupt",
    "Kernel",
    "NO_LIMIT",
    "Ports",
    "PriorityServers",
    "Process",
    "PsServers",
    "RUNNING",
    "Request",
    "Resource",
    "SLICE_SECONDS",
    "STALLED",
    "ScriptFlows",
    "ScriptPort",
    "Servers",
    "ShareReport",
    "Simulation",
    "SpanLog",
    "Station",
    "Store",
    "Tally",
    "Timeout",
    "Windows",
    "cache_folder",
    "counter_add",
    "counter_rates",
    "drive",
    "flow_close",
    "flow_left",
    "flow_next_ps",
    "flow_open",
    "flow_open_as",
    "flow_reroute",
    "flow_room",
    "flow_set_bandwidth",
    "flow_take",
    "fluid_close",
    "fluid_left_ps",
    "fluid_next_ps",
    "fluid_open",
    "fluid_room",
    "fluid_set_capacity",
    "fluid_take",
    "fluid_use",
    "gauge_add",
    "gauge_levels",
    "gauge_means",
    "gauge_set",
    "gauge_span",
    "gauges_at",
    "grown_flows",
    "grown_fluids",
    "grown_heap",
    "grown_priority_servers",
    "grown_ps_servers",
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
    "new_changes",
    "new_control",
    "new_counters",
    "new_flows",
    "new_fluids",
    "new_gauges",
    "new_heap",
    "new_histogram",
    "new_ports",
    "new_priority_servers",
    "new_ps_servers",
    "new_servers",
    "new_span_log",
    "new_tally",
    "new_windows",
    "port_cross",
    "priority_arrive",
    "priority_done",
    "priority_room",
    "ps_arrive",
    "ps_complete",
    "ps_next_ps",
    "ps_room",
    "resource_rates",
    "scan_package",
    "serve_jobs",
    "server_arrive",
    "servers_busy",
    "share_flows",
    "share_report",
    "share_resources",
    "span_add",
    "span_kept",
    "span_lost",
    "stalled_text",
    "stream",
    "streams",
    "tally_at",
    "tally_move",
    "window_add",
    "window_spread",
    "with_routes",
]

_HOMES = {
    "capacity": "Changes new_changes",
    "certificate": "maxmin_faults",
    "counters": "Counters Gauges counter_add counter_rates gauge_add gauge_levels gauge_means "
        "gauge_set gauge_span gauges_at new_counters new_gauges",
    "driver": "SLICE_SECONDS drive",
    "events": "AllOf AnyOf Event Interrupt Timeout",
    "flow_state": "Flows grown_flows new_flows with_routes",
    "flows": "flow_close flow_left flow_next_ps flow_open flow_open_as flow_reroute flow_room "
        "flow_set_bandwidth flow_take",
    "fluid_state": "Fluids grown_fluids new_fluids",
    "fluids": "fluid_close fluid_left_ps fluid_next_ps fluid_open fluid_room fluid_set_capacity "
        "fluid_take fluid_use",
    "hashing": "hash31 mix64",
    "heap": "EventHeap grown_heap heap_pop heap_push heap_room new_heap",
    "histogram": "HIST_BUCKETS hist_add hist_percentile new_histogram",
    "ports": "Ports new_ports port_cross",
    "priority": "priority_arrive priority_done priority_room",
    "priority_state": "PriorityServers grown_priority_servers new_priority_servers",
    "process": "Process",
    "processor_sharing": "ps_arrive ps_complete ps_next_ps ps_room",
    "ps_state": "NO_LIMIT PsServers grown_ps_servers new_ps_servers",
    "record": "SpanLog new_span_log span_add span_kept span_lost",
    "resources": "Request Resource Store",
    "rng": "stream streams",
    "rules": "kernel_faults scan_package",
    "serve": "serve_jobs",
    "servers": "Servers new_servers server_arrive servers_busy",
    "share": "ShareReport share_flows share_report",
    "sharing": "resource_rates share_resources",
    "simulation": "Simulation",
    "stalls": "stalled_text",
    "stations": "Station",
    "status": "DONE FAULT FOREVER_PS GROW RUNNING STALLED Control new_control",
    "tally": "Tally new_tally tally_at tally_move",
    "transfers": "ScriptFlows ScriptPort",
    "windows": "Windows new_windows window_add window_spread",
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
