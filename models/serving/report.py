"""From the arrays of a finished (or interrupted) replay of the engine to an `Outcome`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rackwright.engine.histogram import hist_percentile
from rackwright.models.outcome import Outcome, Series
from rackwright.models.serving.bills import put_costs, put_energy
from rackwright.models.serving.costs import Costs
from rackwright.models.serving.kernel import advance
from rackwright.models.serving.limits import limit_of
from rackwright.models.serving.links import link_shares
from rackwright.models.serving.metrics import counted_percentile, request_metrics, serving_metrics
from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.parameters import parameters
from rackwright.models.serving.placement import Placement
from rackwright.models.serving.snapshots import ACTIVE, TOKENS
from rackwright.models.serving.state import OUTSIDE_TABLE, PIECES, EngineState
from rackwright.models.serving.steps import LABELS
from rackwright.models.serving.windows import Window, busy_shares, window_notes
from rackwright.models.spans import spans_of
from rackwright.topologies.fabric import Fabric

__all__ = ["batch_histogram", "outcome", "progress_of", "series", "words_of_fault",
           "words_of_stall"]

Ints = npt.NDArray[np.int64]
PS = 1e-12


def series(state: EngineState) -> dict[str, Series]:
    """Levels at equal steps over the span of the arrivals, by `time_s` from the first of them.

    `waiting_requests`, `running_requests` (admitted and not finished), `handed_out_tokens`,
    `kv_use_share` (of all pages).
    """
    taken = int(state.snapshots.taken[0])
    counts = state.snapshots.counts[:taken]
    time = (state.snapshots.time_ps[:taken] - state.snapshots.time_ps[0]) * PS
    pages = state.fixed.pages * len(state.admission.kv_free)
    levels = {"waiting_requests": state.work.queue[:taken],
              "running_requests": counts[:, ACTIVE], "handed_out_tokens": counts[:, TOKENS],
              "kv_use_share": state.work.pages[:taken] / pages}
    return {name: Series("time_s", tuple(time.tolist()), tuple(level.astype(float).tolist()))
            for name, level in levels.items()}


def batch_histogram(state: EngineState) -> Ints:
    """Steps by the number of requests in them: entry i counts steps with i requests."""
    return state.work.batch.copy()


def progress_of(state: EngineState) -> tuple[float, float, str]:
    """(tokens done, tokens in all, text) for a progress bar."""
    done, total = int(state.admission.tokens[0]), int(state.requests.output_tokens.sum())
    return done, total, f"{state.admission.finished[0]}/{len(state.requests.arrival_ps)} requests"


def words_of_fault(state: EngineState) -> str:
    code, tokens, rows = (int(value) for value in state.control.code[:3])
    if code == OUTSIDE_TABLE:
        return f"a step of {tokens} tokens of {rows} requests is outside its cost tables"
    return f"fault {code}"


def words_of_stall(state: EngineState) -> str:
    """What waits for what, when nothing runs although requests are left."""
    admission = state.admission
    r = int(admission.admitted[0])
    return (f"request {r + 1} waits for KV-cache pages; {admission.kv_free[0]} of "
            f"{state.fixed.pages} are free, {state.step.running[0]} requests run")


def outcome(fabric: Fabric, placed: Placement, options: ServingOptions, costs: Costs,
            state: EngineState, *, complete: bool) -> Outcome:
    """What a replay found out."""
    end_ps = int(state.control.now_ps[0])
    metrics, undefined, window = serving_metrics(state.requests, state.admission,
                                                 state.snapshots, end_ps)
    more, missing = request_metrics(state.requests, state.admission, end_ps)
    metrics |= more
    undefined |= missing
    _engine_metrics(metrics, undefined, state)
    put_energy(metrics, undefined, placed, state, end_ps)
    put_costs(metrics, undefined, placed, options)
    spent = {name: float(value) for name, value in zip(PIECES, state.work.spent, strict=True)}
    total = sum(spent.values())
    breakdown = {name: value / total for name, value in spent.items() if value} if total else {}
    devices = busy_shares(state.snapshots.device_busy, state.snapshots, window,
                          state.work.busy_ps, end_ps)
    links = link_shares(fabric, placed, options, state, end_ps)
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete, breakdown=breakdown,
        bottleneck=limit_of(state, float(devices.mean()), links, breakdown, metrics),
        device_utilisation=dict(zip(placed.gpus, (float(d) for d in devices), strict=True)),
        link_utilisation=links, parameters=parameters(options, costs.errors),
        notes=_notes(placed, metrics, breakdown, window),
        bands={name: placed.gpu.band(name) for name in ("gemm", "attention", "moe", "norm")},
        parts=dict(fabric.parts), tables=costs.hashes(),
        kernels={advance.name: advance.source_hash},
        spans=spans_of(state.spans, placed.gpus, LABELS))


def _engine_metrics(metrics: dict[str, float], undefined: dict[str, str], state: EngineState
                    ) -> None:
    """What only the engine knows: steps, batches, queue, pages, preemptions."""
    work, steps = state.work, int(state.work.steps[0])
    metrics |= {"steps": float(steps), "steps_decode_only": float(work.steps[1]),
                "steps_graph": float(work.steps[2]), "preemptions": float(work.preemptions[0]),
                "prompt_tokens_computed": float(work.prompt_tokens[0]),
                "prompt_tokens_repeated": float(work.repeated_tokens[0]),
                **_prefix_metrics(state, undefined),
                "kv_pages": float(state.fixed.pages)}
    lasted = float(state.control.now_ps[0] - state.requests.arrival_ps[0])
    if not steps or lasted <= 0:
        undefined["batch_mean"] = "no step ran"
        return
    sizes = np.arange(len(work.batch))
    metrics["batch_mean"] = float((work.batch * sizes).sum()) / steps
    for share in (0.5, 0.9, 0.99):
        metrics[f"batch_p{share * 100:.0f}"] = counted_percentile(work.batch, share)
    metrics["batch_max"] = float(np.flatnonzero(work.batch).max())
    metrics["step_tokens_p50"] = hist_percentile(work.tokens, 0.5)
    metrics["step_tokens_p99"] = hist_percentile(work.tokens, 0.99)
    pages, engines = float(state.fixed.pages), len(state.admission.kv_free)
    for name, row, unit in (("waiting", 0, 1.0), ("running", 1, 1.0), ("kv_use", 2, pages)):
        metrics[f"{name}_mean"] = float(work.sums[row]) / lasted / unit
        if name == "kv_use":
            metrics[f"{name}_mean"] /= engines
        metrics[f"{name}_max"] = float(work.most[row]) / unit


def _prefix_metrics(state: EngineState, undefined: dict[str, str]) -> dict[str, float]:
    """What the prefix cache has spared."""
    hit, asked, evicted = (float(count) for count in state.prefix.counts)
    if not state.fixed.caching or not asked:
        why = "prefix_caching is off" if not state.fixed.caching else "no request was admitted"
        undefined |= dict.fromkeys(("prefix_hit_share", "prefix_hit_tokens",
                                    "prefix_evicted_pages"), why)
        return {}
    return {"prefix_hit_share": hit / asked, "prefix_hit_tokens": hit,
            "prefix_evicted_pages": evicted}


def _notes(placed: Placement, metrics: Mapping[str, float], breakdown: Mapping[str, float],
           window: Window | None) -> tuple[str, ...]:
    notes = [f"{len(placed.groups)} engine{'s' * (len(placed.groups) > 1)} of {placed.ranks} "
             f"GPU{'s' * (placed.ranks > 1)}: {', '.join(placed.gpus)}"]
    exchange = breakdown.get("exchange", 0.0)
    if exchange < 0.05:
        notes.append(f"nearly insensitive to the fabric: {exchange:.1%} of a request's time is "
                     "spent in exchanges between GPUs")
    notes += window_notes(window)
    if metrics.get("preemptions", 0.0):
        notes.append(f"{metrics['preemptions']:.0f} preemptions: "
                     f"{metrics['prompt_tokens_repeated']:.0f} tokens were computed again")
    if "prefix_hit_share" in metrics:
        notes.append(f"prefix cache: {metrics['prefix_hit_share']:.1%} of the prompts' tokens were "
                     f"known and not computed, {metrics['prefix_evicted_pages']:.0f} known pages "
                     "were given up for others")
    notes.append("host times are assumed: no version of the engine was measured for them")
    notes.append("energy counts GPU boards only")
    return tuple(notes)
