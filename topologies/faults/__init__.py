"""Faults and changes in time: events, what they leave, sweeps over failures, bandwidth traces."""

from rackwright.topologies.faults.apply import apply, capacity_changes, epochs
from rackwright.topologies.faults.bandwidth_traces import bandwidth_changes, read_bandwidth
from rackwright.topologies.faults.events import FaultEvent, parse_event, read_events
from rackwright.topologies.faults.jitter import jitter, stragglers
from rackwright.topologies.faults.sweeps import Failure, failures

__all__ = [
    "Failure",
    "FaultEvent",
    "apply",
    "bandwidth_changes",
    "capacity_changes",
    "epochs",
    "failures",
    "jitter",
    "parse_event",
    "read_bandwidth",
    "read_events",
    "stragglers",
]
