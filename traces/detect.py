"""`read_trace`: any trace file, its kind told by its header line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from rackwright.traces.chakra import ExecutionTrace
from rackwright.traces.chakra_file import is_execution, read_execution
from rackwright.traces.documents import DocumentTrace
from rackwright.traces.documents_file import DOCUMENTS_HEADER, documents_from
from rackwright.traces.jobs import JobTrace
from rackwright.traces.jobs_file import JOBS_HEADER, jobs_from
from rackwright.traces.operations import OperationTrace
from rackwright.traces.operations_file import OPERATIONS_HEADER, is_ycsb, operations_from, read_ycsb
from rackwright.traces.profiles import LayerProfile
from rackwright.traces.profiles_file import is_profile, profile_from
from rackwright.traces.pytorch_profiler import read_export
from rackwright.traces.pytorch_profiler_file import is_export
from rackwright.traces.queries import QueryTrace
from rackwright.traces.queries_file import QUERIES_HEADER, queries_from
from rackwright.traces.read import requests_from
from rackwright.traces.requests import RequestTrace
from rackwright.traces.routing_file import ROUTING_HEADER, routing_from
from rackwright.traces.routing_trace import RoutingTrace
from rackwright.traces.table import open_table
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_file import BANDWIDTH_HEADER, bandwidth_from

__all__ = ["read_trace"]


def read_trace(
    path: str | PathLike[str], limit: int | None = None
) -> (BandwidthTrace | DocumentTrace | ExecutionTrace | JobTrace | LayerProfile | OperationTrace
      | QueryTrace | RequestTrace | RoutingTrace):
    """Read a trace of any kind that we know, or its first `limit` rows.

    Raises InputError (cannot be opened), TraceError (line, column, value), UsageError (limit).
    """
    if is_execution(Path(path)):
        return read_execution(path, limit)
    if is_export(Path(path)):
        return read_export(path, limit)
    table = open_table(Path(path))  # opened once: a pipe cannot be read again
    if table.header == BANDWIDTH_HEADER:
        return bandwidth_from(table, limit)
    if table.header == DOCUMENTS_HEADER:
        return documents_from(table, limit)
    if table.header == QUERIES_HEADER:
        return queries_from(table, limit)
    if table.header == JOBS_HEADER:
        return jobs_from(table, limit)
    if table.header == OPERATIONS_HEADER:
        return operations_from(table, limit)
    if is_ycsb(table.header):
        table.lines.close()
        return read_ycsb(path, limit)
    if is_profile(table.header):
        return profile_from(table, limit)
    routing = table.header.startswith(ROUTING_HEADER)
    return (routing_from if routing else requests_from)(table, limit)
