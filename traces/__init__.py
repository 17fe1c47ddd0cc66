"""Traces: what a replay is driven by, read strictly, generated with a seed, written exactly.

Requests: `RequestTrace`, `read_requests`, `write_requests`, `generate_requests`, the length laws
(`SHORT`, `MEDIUM`, `REASONABLE`, `fitted_lengths`) and packaged samples (`sample`). Routing of
mixture-of-experts tokens: `ExponentialRouting`, the kernel `draw_experts`, `RoutingTrace`,
`read_routing`, `write_routing`, `generate_routing`. Documents that queries fetch: `DocumentTrace`,
`read_documents`, `write_documents`, `generate_documents`. `read_trace` reads any of them. Schemas:
the README of this folder.
"""

from __future__ import annotations

from rackwright.traces.detect import read_trace
from rackwright.traces.documents import MAX_DOCUMENT, DocumentTrace
from rackwright.traces.documents_file import read_documents, write_documents
from rackwright.traces.documents_generate import generate_documents, zipf_shares
from rackwright.traces.generate import generate_requests
from rackwright.traces.lengths import (
    MEDIUM,
    REASONABLE,
    SHORT,
    FittedLengths,
    Lengths,
    Uniform,
    UniformLengths,
    fitted_lengths,
)
from rackwright.traces.packaged import make_samples, sample, sample_names, sample_path
from rackwright.traces.read import read_requests
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.routing import (
    DEFAULT_SKEW,
    TOTAL_WEIGHT,
    ExponentialRouting,
    draw_experts,
)
from rackwright.traces.routing_file import read_routing, write_routing
from rackwright.traces.routing_trace import RoutingTrace, generate_routing
from rackwright.traces.write import write_requests

__all__ = [
    "DEFAULT_SKEW",
    "DocumentTrace",
    "ExponentialRouting",
    "FittedLengths",
    "Lengths",
    "MAX_DOCUMENT",
    "MAX_TOKENS",
    "MEDIUM",
    "REASONABLE",
    "RequestTrace",
    "RoutingTrace",
    "SHORT",
    "TOTAL_WEIGHT",
    "Uniform",
    "UniformLengths",
    "draw_experts",
    "fitted_lengths",
    "generate_documents",
    "generate_requests",
    "generate_routing",
    "make_samples",
    "read_documents",
    "read_requests",
    "read_routing",
    "read_trace",
    "sample",
    "sample_names",
    "sample_path",
    "write_documents",
    "write_requests",
    "write_routing",
    "zipf_shares",
]
