"""Traces: what a replay is driven by, read strictly, generated with a seed, written exactly.

Requests: `RequestTrace`, `read_requests`, `write_requests`, `generate_requests`, the length laws
(`SHORT`, `MEDIUM`, `REASONABLE`, `fitted_lengths`) and packaged samples (`sample`). Routing of
mixture-of-experts tokens: `ExponentialRouting`, the kernel `draw_experts`, `RoutingTrace`,
`read_routing`, `write_routing`, `generate_routing`. Documents that queries fetch: `DocumentTrace`,
`read_documents`, `write_documents`, `generate_documents`. Jobs of operators: `QueryTrace`,
`read_queries`, `write_queries`, `generate_queries`, `tpch_templates`, `read_duckdb`,
`generate_training`, `generate_transfers`. Times of a network's layers:
`LayerProfile`, `read_profile`, `write_profile`. Trainings that arrive at a cluster: `JobTrace`,
`read_jobs`, `write_jobs`, `generate_jobs`. Operations of a key-value store: `OperationTrace`,
`read_operations`, `read_ycsb`, `write_operations`, `generate_operations`. `read_trace` reads any
of them. Schemas: the README of this folder.
"""

from __future__ import annotations

from rackwright.traces.chakra import ExecutionNode, ExecutionTrace
from rackwright.traces.chakra_file import read_execution, write_execution
from rackwright.traces.conversations import generate_conversations
from rackwright.traces.detect import read_trace
from rackwright.traces.documents import MAX_DOCUMENT, DocumentTrace
from rackwright.traces.documents_file import read_documents, write_documents
from rackwright.traces.documents_generate import generate_documents, zipf_shares
from rackwright.traces.generate import generate_requests
from rackwright.traces.host_phases import generate_training, generate_transfers
from rackwright.traces.jobs import JobTrace
from rackwright.traces.jobs_file import read_jobs, write_jobs
from rackwright.traces.jobs_generate import generate_jobs
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
from rackwright.traces.operations import OperationTrace
from rackwright.traces.operations_file import read_operations, read_ycsb, write_operations
from rackwright.traces.operations_generate import generate_operations
from rackwright.traces.packaged import make_samples, sample, sample_names, sample_path
from rackwright.traces.prefixes import PrefixBlocks
from rackwright.traces.profiles import LayerProfile
from rackwright.traces.profiles_file import read_profile, write_profile
from rackwright.traces.queries import Operator, QueryTrace
from rackwright.traces.queries_duckdb import read_duckdb
from rackwright.traces.queries_file import read_queries, write_queries
from rackwright.traces.queries_generate import generate_queries, tpch_templates
from rackwright.traces.read import read_requests
from rackwright.traces.requests import MAX_TOKENS, RequestTrace
from rackwright.traces.routing import (
    DEFAULT_SKEW,
    TOTAL_WEIGHT,
    ExponentialRouting,
    draw_experts,
)
from rackwright.traces.routing_file import read_routing, write_routing
from rackwright.traces.routing_fit import fit_routing
from rackwright.traces.routing_fitted import FittedRouting
from rackwright.traces.routing_trace import RoutingTrace, generate_routing
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_file import read_bandwidth_trace, write_bandwidth_trace
from rackwright.traces.wan_generate import generate_bandwidth
from rackwright.traces.write import write_requests

__all__ = [
    "BandwidthTrace",
    "DEFAULT_SKEW",
    "DocumentTrace",
    "ExecutionNode",
    "ExecutionTrace",
    "ExponentialRouting",
    "FittedLengths",
    "FittedRouting",
    "JobTrace",
    "LayerProfile",
    "Lengths",
    "MAX_DOCUMENT",
    "MAX_TOKENS",
    "MEDIUM",
    "OperationTrace",
    "Operator",
    "PrefixBlocks",
    "QueryTrace",
    "REASONABLE",
    "RequestTrace",
    "RoutingTrace",
    "SHORT",
    "TOTAL_WEIGHT",
    "Uniform",
    "UniformLengths",
    "draw_experts",
    "fit_routing",
    "fitted_lengths",
    "generate_bandwidth",
    "generate_conversations",
    "generate_documents",
    "generate_jobs",
    "generate_operations",
    "generate_queries",
    "generate_requests",
    "generate_routing",
    "generate_training",
    "generate_transfers",
    "make_samples",
    "read_bandwidth_trace",
    "read_documents",
    "read_duckdb",
    "read_execution",
    "read_jobs",
    "read_operations",
    "read_profile",
    "read_queries",
    "read_requests",
    "read_routing",
    "read_trace",
    "read_ycsb",
    "sample",
    "sample_names",
    "sample_path",
    "tpch_templates",
    "write_bandwidth_trace",
    "write_documents",
    "write_execution",
    "write_jobs",
    "write_operations",
    "write_profile",
    "write_queries",
    "write_requests",
    "write_routing",
    "zipf_shares",
]
