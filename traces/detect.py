"""`read_trace`: any trace file, its kind told by its header line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from rackwright.traces.documents import DocumentTrace
from rackwright.traces.documents_file import DOCUMENTS_HEADER, documents_from
from rackwright.traces.read import requests_from
from rackwright.traces.requests import RequestTrace
from rackwright.traces.routing_file import ROUTING_HEADER, routing_from
from rackwright.traces.routing_trace import RoutingTrace
from rackwright.traces.table import open_table

__all__ = ["read_trace"]


def read_trace(path: str | PathLike[str], limit: int | None = None
               ) -> DocumentTrace | RequestTrace | RoutingTrace:
    """Read a request, routing or document file, or its first `limit` rows.

    Raises InputError (cannot be opened), TraceError (line, column, value), UsageError (limit).
    """
    table = open_table(Path(path))  # opened once: a pipe cannot be read again
    if table.header == DOCUMENTS_HEADER:
        return documents_from(table, limit)
    return (routing_from if table.header == ROUTING_HEADER else requests_from)(table, limit)
