"""`RoutingTrace`: which experts every token visited in every layer, and its seeded generator.

One row a (token, layer), experts in the order of the gate, rows in order of step. A step is one
pass of the engine that produced the rows. Gate weights are optional. What it leaves out: prefill
and decode told apart, experts shared by all tokens, what a token's text is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import TraceError, UsageError
from rackwright.traces.checked_columns import check_lines, hash_of
from rackwright.traces.routing import MAX_EXPERTS, ExponentialRouting, draw_experts
from rackwright.traces.routing_fitted import FittedRouting, draw_coupled

__all__ = ["HIGHEST", "RoutingTrace", "generate_routing"]

_MAX_ID = (1 << 31) - 1  # what the hash behind the draws tells apart
HIGHEST = {"step": _MAX_ID, "request": _MAX_ID, "token": _MAX_ID, "layer": 9_999}  # layer: ours
_MOST_ROWS = 50_000_000  # generated at a time: our bound, about 3 GB
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RoutingTrace:
    """Rows of (step, request, token, layer) with their experts; read-only int64 columns.

    The four keys have shape (n,), `expert_ids` (n, k), n >= 1: distinct ids below `n_experts`.
    `step` never goes back and no (request, token, layer) comes twice. `model` and `source`: one
    line each. `gate_weights`: float64 (n, k), 0 to 1, what each expert's output is multiplied
    with; None: not known. Columns are copied; raises TraceError naming the first wrong row (from
    0).
    """

    step: _Ints
    request: _Ints
    token: _Ints
    layer: _Ints
    expert_ids: _Ints
    n_experts: int
    model: str = ""
    source: str = ""
    gate_weights: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in (*HIGHEST, "expert_ids"):
            object.__setattr__(self, name, _column(name, getattr(self, name)))
        if len({len(column) for column in (*self._keys, self.expert_ids)}) > 1 or not len(self):
            raise TraceError("the columns of a routing trace need one common length, at least 1")
        if not 1 <= self.top_k <= self.n_experts <= MAX_EXPERTS:
            raise TraceError(f"{self.top_k} experts a token of n_experts = {self.n_experts}; "
                             f"expected 1 <= k <= n_experts <= {MAX_EXPERTS}")
        check_lines("model or source of a routing trace", self.model, self.source)
        if self.gate_weights is not None:
            object.__setattr__(self, "gate_weights", self._weights(self.gate_weights))
        row, problem = self._first_fault()
        if problem:
            raise TraceError(f"row {row}: {problem}")

    def __len__(self) -> int:
        return len(self.step)

    def __repr__(self) -> str:
        return (f"<RoutingTrace {self.model!r}: {len(self)} rows, top-{self.top_k} of "
                f"{self.n_experts} experts>")

    @property
    def top_k(self) -> int:
        """Experts a token visits in a layer."""
        return int(self.expert_ids.shape[1])

    @property
    def layers(self) -> int:
        """Highest layer number plus one."""
        return int(self.layer.max()) + 1

    @property
    def _keys(self) -> tuple[_Ints, ...]:
        return self.step, self.request, self.token, self.layer

    @cached_property
    def load(self) -> _Ints:
        """Visits of each expert, shape (layers, n_experts)."""
        cells = self.layer[:, None] * self.n_experts + self.expert_ids
        counts = np.bincount(cells.ravel(), minlength=self.layers * self.n_experts)
        return counts.reshape(self.layers, self.n_experts).astype(np.int64)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the columns and of n_experts; model and source do not count."""
        weights = () if self.gate_weights is None else (self.gate_weights,)
        return hash_of(f"routing 1 {self.expert_ids.shape} {self.n_experts}", *self._keys,
                       self.expert_ids, *weights)

    def summary(self) -> dict[str, Any]:
        """Counts and skew as plain numbers; hottest_share is the mean over the layers seen."""
        seen = self.load[self.load.sum(axis=1) > 0]
        shares = [int(layer.max()) / int(layer.sum()) for layer in seen]
        return {"model": self.model, "source": self.source, "content_hash": self.content_hash,
                "rows": len(self), "requests": len(np.unique(self.request)),
                "layers": len(seen), "experts": self.n_experts, "top_k": self.top_k,
                "hottest_share": math.fsum(shares) / len(shares)}

    def _weights(self, given: object) -> npt.NDArray[np.float64]:
        weights = np.asarray(given)
        if weights.dtype.kind != "f" or weights.shape != self.expert_ids.shape:
            raise TraceError(f"column gate_weights: {weights.dtype} of shape {weights.shape}; "
                             f"expected float64 of shape {self.expert_ids.shape}")
        weights = weights.astype(np.float64) + 0.0
        weights.setflags(write=False)
        return weights

    def _first_fault(self) -> tuple[int, str]:
        """Row and words of a fault, or (0, "")."""
        ids = np.sort(self.expert_ids, axis=1, kind="mergesort")
        back = np.diff(self.step, prepend=self.step[0]) < 0
        checks = [(f"{name} is not from 0 to {high}", (column < 0) | (column > high))
                  for (name, high), column in zip(HIGHEST.items(), self._keys, strict=True)]
        checks += [
            (f"an expert id is not from 0 to {self.n_experts - 1}",
             (ids[:, 0] < 0) | (ids[:, -1] >= self.n_experts)),
            ("an expert comes twice", (ids[:, 1:] == ids[:, :-1]).any(axis=1)),
            ("step is lower than in the row above; sort the rows by step", back),
            ("this (request, token, layer) has come before", self._repeated()),
        ]
        if self.gate_weights is not None:
            good = (self.gate_weights >= 0) & (self.gate_weights <= 1)  # false for nan
            checks.append(("a gate weight is not from 0 to 1", np.asarray(~good.all(axis=1))))
        found = [(int(np.argmax(bad)), words) for words, bad in checks if bad.any()]
        return min(found, default=(0, ""), key=lambda fault: fault[0])

    def _repeated(self) -> npt.NDArray[np.bool_]:
        """True where a row has the (request, token, layer) of an earlier one."""
        order = np.lexsort((self.layer, self.token, self.request))  # stable: first row leads
        same = np.ones(len(self) - 1, dtype=np.bool_)
        for column in (self.request, self.token, self.layer):
            same &= np.diff(column[order]) == 0
        repeated = np.zeros(len(self), dtype=np.bool_)
        repeated[order[1:]] = same
        return repeated


def generate_routing(routing: ExponentialRouting | FittedRouting, tokens: Sequence[int] | _Ints,
                     model: str = "") -> RoutingTrace:
    """The routing of requests 0, 1, ...: request i has `tokens[i]` tokens, 0 to tokens[i] - 1.

    Steps are lock-step decoding: step s holds token s of every request that has one, then its
    layers. The experts are those that a replay draws (`draw_experts`) for the same request,
    token and layer numbers; with `FittedRouting` first choices also follow the layer above. Raises
    UsageError.
    """
    counts = np.asarray(tokens)
    if counts.ndim != 1 or not len(counts) or counts.dtype.kind not in "iu" or counts.min() < 1:
        raise UsageError(f"tokens = {tokens!r}: expected a whole number >= 1 for every request")
    if int(counts.sum()) * routing.blocks > _MOST_ROWS:
        raise UsageError(f"{int(counts.sum()) * routing.blocks} rows of routing; at most "
                         f"{_MOST_ROWS} are generated at a time")
    token, request = np.nonzero(np.arange(int(counts.max()))[:, None] < counts[None, :])
    token, request = (np.repeat(column, routing.blocks) for column in (token, request))
    layer = np.tile(np.arange(routing.blocks), len(token) // routing.blocks)
    chosen = np.zeros((len(token), routing.top_k), dtype=np.int64)
    if isinstance(routing, FittedRouting):
        draw_coupled(routing.weights, routing.by_rank, routing.ranks, routing.thresholds,
                     routing.top_k, routing.seed, request, token, layer, chosen)
    else:
        draw_rows(routing.weights, routing.top_k, routing.seed, request, token, layer, chosen)
    return RoutingTrace(token, request, token, layer, chosen, routing.experts, model,
                        f"generate_routing: {routing.text}")


@kernel
def draw_rows(weights, top_k, seed, request, token, layer, chosen):  # type: ignore[no-untyped-def]
    """Fill each row of `chosen` (rows, top_k) with the experts of its (request, token, layer)."""
    for row in range(len(chosen)):
        draw_experts(weights, layer[row], top_k, seed, request[row], token[row], chosen[row])


def _column(name: str, values: object) -> npt.NDArray[Any]:
    given = np.asarray(values)
    dimensions = 2 if name == "expert_ids" else 1
    if given.ndim != dimensions or not np.can_cast(given.dtype, np.int64, "safe"):
        raise TraceError(f"column {name}: {given.dtype} of shape {given.shape}; expected int64 of "
                         f"{dimensions} dimension{'s' * (dimensions > 1)}")
    column = given.astype(np.int64)
    column.setflags(write=False)
    return column
