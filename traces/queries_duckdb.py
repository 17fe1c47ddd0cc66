"""Query traces from DuckDB's profiling JSON: one file a query, one operator tree a file.

How to record the files: ``docs/guides/query-traces.md``. What is measured there: of each operator
its time on one thread, the rows that it gave, the bytes of its result, the rows that a scan read.
**What a single process does not have is put in by rule**, so the trace says what the same plan
would exchange on a cluster:

* a table scan reads its bytes from storage first (``io``);
* both inputs of every join, and the result of every grouping, are hash-partitioned
  (``partition``, `PARTITION_ROW_TIME` a row) and exchanged (``shuffle``), and a new stage begins;
* a projection, and a filter behind a scan, run in the pipeline of the operator below and are added
  to its row;
* a scan's bytes read are its rows read times the width of its result: columns that only a
  predicate needs are not counted.

Absolute times are one process's on the recording machine; only their shares mean something.
Leaves out: broadcast joins (an upper bound of the exchange), partial aggregates that come once
from every node (a lower one), operators that overlap, spilling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from rackwright.errors import InputError, TraceError
from rackwright.traces.queries import Operator, QueryTrace

__all__ = ["PARTITION_ROW_TIME", "read_duckdb"]

# seconds of a core for each row that is hashed and written to its partition: assumed, the order of
# radix partitioning without write-combining on one core
PARTITION_ROW_TIME = 5e-9
_WIDTH = 8        # bytes of a column of which no row came out (a 64-bit value; assumed)
_JOINS = re.compile(r"JOIN|CROSS_PRODUCT")
_KINDS = {"FILTER": "filter", "PROJECTION": "scan", "ORDER_BY": "sort", "TOP_N": "sort",
          "UNGROUPED_AGGREGATE": "aggregate", "HASH_GROUP_BY": "aggregate", "WINDOW": "sort",
          "PERFECT_HASH_GROUP_BY": "aggregate", "PARTITIONED_AGGREGATE": "aggregate",
          "LIMIT": "scan", "STREAMING_LIMIT": "scan", "UNION": "scan", "CTE": "scan",
          "RESULT_COLLECTOR": "scan", "STREAMING_WINDOW": "scan"}
_GROUPS = ("HASH_GROUP_BY", "PERFECT_HASH_GROUP_BY", "PARTITIONED_AGGREGATE")


def read_duckdb(paths: Iterable[str | PathLike[str]], name: str = "duckdb", source: str = ""
                ) -> QueryTrace:
    """A trace of one query a profile, each alone: query i arrives at i hours.

    The template is the file's stem. Raises InputError for a file that cannot be read, TraceError
    for one that is no profile of a query or has an operator that is not known here.
    """
    jobs = []
    for number, path in enumerate(map(Path, paths)):
        plan = _Plan(path)
        plan.add(_root(path))
        jobs.append((_template(path), 3600.0 * number, plan.rows))
    if not jobs:
        raise TraceError("no profiles; give at least one file")
    return QueryTrace.of(jobs, name, source or f"DuckDB profiles {jobs[0][0]} to {jobs[-1][0]}")


class _Plan:
    """Collects the operators of one plan, children first."""

    def __init__(self, path: Path) -> None:
        self.path, self.stage = path, 0
        self.rows: list[Operator] = []

    def add(self, node: Mapping[str, Any]) -> tuple[int, int]:
        """Append the operators under `node` and itself; rows and bytes that it gives."""
        kind = str(_get(self.path, node, "operator_type", str))
        rows, nbytes = (int(_get(self.path, node, key, int))
                        for key in ("operator_cardinality", "result_set_size"))
        work = float(_get(self.path, node, "operator_timing", float))
        # the right child of a join is what its table is built from: it runs first
        inputs = [self.add(child) for child in reversed(_children(self.path, node))]
        taken = (sum(each[0] for each in inputs), sum(each[1] for each in inputs))
        if kind.endswith("SCAN"):
            self._scan(node, kind, rows, nbytes, work)
        elif _JOINS.search(kind):
            for side_rows, side_bytes in inputs:
                self._exchange(side_rows, side_bytes)
            self.stage += bool(inputs)
            self._append(kind, "join", taken, rows, nbytes, work)
        elif self._folds(kind, inputs):
            last = self.rows[-1]
            self.rows[-1] = last._replace(
                kind="filter" if kind == "FILTER" else last.kind, rows_out=rows,
                bytes_out=nbytes, core_seconds=last.core_seconds + work)
        elif kind in _KINDS:
            self._append(kind, _KINDS[kind], taken, rows, nbytes, work)
            if kind in _GROUPS:
                self._exchange(rows, nbytes)
                self.stage += 1
        else:
            raise TraceError(f"operator {kind!r} is not known here; known: scans, joins, "
                             f"{', '.join(sorted(_KINDS))}", place=self.path)
        return rows, nbytes

    def _folds(self, kind: str, inputs: list[tuple[int, int]]) -> bool:
        """Whether an operator runs in the pipeline of the row above."""
        if len(inputs) != 1 or not self.rows or self.rows[-1].kind == "shuffle":
            return False
        return kind == "PROJECTION" or kind == "FILTER" and self.rows[-1].kind in ("scan", "filter")

    def _scan(self, node: Mapping[str, Any], kind: str, rows: int, nbytes: int,
              work: float) -> None:
        if kind != "TABLE_SCAN":   # of an intermediate result
            return self._append(kind, "scan", (rows, nbytes), rows, nbytes, work)
        read = max(int(_get(self.path, node, "operator_rows_scanned", int)), rows)
        info = node.get("extra_info", {})
        columns = info.get("Projections", "one")
        width = nbytes / rows if rows else _WIDTH * (
            len(columns) if isinstance(columns, list) else 1)
        stored = round(read * width)
        self._append("READ", "io", (0, stored), 0, 0, 0.0)
        predicate = "filter" if info.get("Filters") else "scan"
        return self._append(kind, predicate, (read, stored), rows, nbytes, work)

    def _exchange(self, rows: int, nbytes: int) -> None:
        self._append("HASH_PARTITION", "partition", (rows, nbytes), rows, nbytes,
                     rows * PARTITION_ROW_TIME)
        self._append("EXCHANGE", "shuffle", (rows, nbytes), rows, nbytes, 0.0)

    def _append(self, operator: str, kind: str, taken: tuple[int, int], rows: int, nbytes: int,
                work: float) -> None:
        stage = min(self.stage, self.rows[-1].stage + 1) if self.rows else 0
        self.rows.append(Operator(stage, operator.lower(), kind, taken[0], rows, taken[1],
                                  nbytes, work))


def _root(path: Path) -> Mapping[str, Any]:
    """The topmost operator of a profile."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
    except json.JSONDecodeError as problem:
        raise TraceError(f"no JSON: {problem.msg}", place=path, line=problem.lineno) from None
    if not isinstance(document, dict) or "query_name" not in document:
        raise TraceError("no profile of DuckDB; expected an object with query_name and children "
                         "(PRAGMA enable_profiling='json')", place=path)
    node: Mapping[str, Any] = document
    while node.get("operator_type", "EXPLAIN_ANALYZE") == "EXPLAIN_ANALYZE":
        node = next(iter(_children(path, node)), {"operator_type": "", "children": []})
    return node


def _children(path: Path, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = node.get("children", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TraceError(f"children of {node.get('operator_type')} are no list of operators",
                         place=path)
    return found


def _get(path: Path, node: Mapping[str, Any], key: str, kind: type) -> Any:
    value = node.get(key)
    numbers = (int, float) if kind is float else kind
    fine = isinstance(value, numbers) and not isinstance(value, bool)
    if not fine or kind is not str and not 0 <= value < float("inf"):  # type: ignore[operator]
        raise TraceError(f"operator {node.get('operator_type', '?')}: {key} is {value!r}; "
                         f"expected {'text' if kind is str else 'a number >= 0'}", place=path)
    return value


def _template(path: Path) -> str:
    return "".join(_marks(path.stem)) or "query"


def _marks(stem: str) -> Iterator[str]:
    for mark in stem[:64]:
        yield mark if mark.isascii() and (mark.isalnum() or mark in "._-") else "-"
