"""One replay: a system, a fabric, a trace, options and a seed in; a `Result` out.

The models do the work; this module reads names and files into objects, hands the options over,
adds the hashes of everything that went in, and keeps what is done when the user stops a replay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import rackwright
from rackwright.errors import (
    InputError,
    Interrupted,
    ModelFault,
    RackwrightError,
    TraceError,
    UnknownName,
    UsageError,
)
from rackwright.models import registry
from rackwright.models.outcome import Outcome
from rackwright.outdir import load, prepare, save
from rackwright.replays import Replays
from rackwright.result import Inputs, Result

__all__ = [
    "Progress",
    "Replays",
    "baseline_names",
    "load",
    "load_fabric",
    "load_trace",
    "prepare",
    "replay",
    "replay_baselines",
    "save",
]

_KINDS = {"BandwidthTrace": "bandwidths of sites", "DocumentTrace": "queries for documents",
          "ExecutionTrace": "executed operators", "JobTrace": "jobs",
          "LayerProfile": "times of layers", "OperationTrace": "operations of a store",
          "QueryTrace": "operators of queries", "RequestTrace": "requests",
          "RoutingTrace": "routed tokens"}

Progress = Callable[[float, float, str], None]
"""Called between slices with (done, total, text); total 0 means unknown."""


class _Loaded(NamedTuple):
    """A model with what it is about to replay."""

    model: registry.Model
    fabric: Any
    trace: Any
    seed: int
    progress: Progress | None
    options: Mapping[str, Any]


def replay(system: str, fabric: Any = None, trace: Any = None, seed: int = 0,
           progress: Progress | None = None, **options: Any) -> Result:
    """Replay `system` once.

    `fabric`: a compiled Fabric, a networkx graph, or a topology's name or file; `trace`: a trace
    object or a file. None takes the system's packaged sample. `options`: by name, quantities as
    text with a unit or `units.Quantity`; `rackwright replay SYSTEM --options` lists them.

    Raises UnknownName, InputError (options, files, a graph, a workload that does not fit), and
    ReplayError. Ctrl-C raises Interrupted whose `partial` is the Result so far, or None.
    """
    return _run(_loaded(system, fabric, trace, seed, progress, options), None)


def replay_baselines(system: str, fabric: Any = None, trace: Any = None,
                     names: Iterable[str] | None = None, seed: int = 0,
                     progress: Progress | None = None, **options: Any) -> Replays:
    """Replay `system` and its baselines (`names`; None: all) on the same inputs.

    A baseline's own options override `options`. Raises as `replay` does; Interrupted carries the
    Replays so far, or None.
    """
    work = _loaded(system, fabric, trace, seed, progress, options)
    wanted = baseline_names(work.model, names)
    done: dict[str, Result] = {}
    for name in (None, *wanted):
        try:
            found = _run(work, name)
        except Interrupted as stop:
            if stop.partial is not None:
                done[name or ""] = stop.partial
            raise Interrupted(str(stop), partial=_gathered(done, wanted)) from None
        except RackwrightError as problem:
            if name:
                problem.add_note(f"while replaying the baseline {name}; leave it out with "
                                 "--baseline=NAME,...")
            raise
        done[name or ""] = found
    return Replays(done.pop(""), done)


def baseline_names(model: registry.Model, names: Iterable[str] | None) -> tuple[str, ...]:
    """`names`, checked and without repeats; all of the model's for None. Raises UnknownName."""
    wanted = tuple(model.baselines) if names is None else tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in model.baselines:
            raise UnknownName(f"baseline of {model.name}", name, model.baselines)
    return wanted


def load_fabric(fabric: Any) -> Any:
    """A Fabric from a Fabric, a graph, or text that `topologies.resolve` understands."""
    if hasattr(fabric, "content_hash"):
        return fabric
    from rackwright import topologies

    graph = topologies.resolve(fabric) if isinstance(fabric, str) else fabric
    return topologies.compile(graph)


def load_trace(model: registry.Model, trace: Any = None, limit: int | None = None) -> Any:
    """What `model` replays: a file, a packaged trace by name, or its sample for None.

    Reads at most `limit` rows; a trace object is cut to its first ones. Raises InputError.
    """
    if isinstance(trace, Path):
        return _read(model, trace, limit)
    if trace is None or isinstance(trace, str):
        from rackwright.traces.packaged import file_of, sample_path

        file = sample_path(model.sample_trace) if trace is None else file_of(trace)
        return _read(model, file, limit)
    return trace if limit is None else trace.first(limit)


def _read(model: registry.Model, file: Path, limit: int | None) -> Any:
    """The trace in a file; one of another kind is called so. Raises InputError."""
    try:
        return model.read_trace(file, limit)
    except TraceError as problem:
        raise (_of_another_kind(model, file) or problem) from None


def _of_another_kind(model: registry.Model, file: Path) -> InputError | None:
    """What to say of a sound trace that is not what `model` replays; None of any other file."""
    from rackwright.traces.detect import read_trace
    from rackwright.traces.packaged import sample_path

    if not file.is_file():  # what comes through a pipe is gone
        return None
    try:
        found, own = (_KINDS.get(type(trace).__name__) for trace in (
            read_trace(file, 1), model.read_trace(sample_path(model.sample_trace), 1)))
    except RackwrightError:
        return None
    if found is None or own is None or found == own:
        return None
    return InputError(f"is a trace of {found}; {model.name} replays {own}", place=file)


def _loaded(system: str, fabric: Any, trace: Any, seed: int, progress: Progress | None,
            options: Mapping[str, Any]) -> _Loaded:
    model = registry.get(system)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise UsageError(f"seed is {seed!r}; it must be an integer from 0 to 2**31 - 1")
    model.options.checked(options)  # before anything slow
    return _Loaded(model, load_fabric(model.sample_topology if fabric is None else fabric),
                   load_trace(model, trace), seed, progress, options)


def _run(work: _Loaded, baseline: str | None) -> Result:
    """Replay the system, or one baseline; an interruption carries a partial Result."""
    model = work.model
    changed = model.baselines[baseline] if baseline else {}
    options = model.options.checked({**work.options, **changed})
    started = time.perf_counter()

    def result(outcome: Outcome, complete: bool = True) -> Result:
        return _result(work, baseline, options.plain(), outcome,
                       time.perf_counter() - started, complete)

    try:
        return result(model.replay(work.fabric, work.trace, options, work.seed,
                                   _titled(work.progress, baseline or model.name)))
    except Interrupted as stop:
        partial = stop.partial if isinstance(stop.partial, Outcome) else None
        raise Interrupted(str(stop), partial=partial and result(partial, False)) from None
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was anything to report") from None


def _titled(progress: Progress | None, title: str) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total, text: progress(done, total, f"{title}: {text}" if text else title)


def _result(work: _Loaded, baseline: str | None, options: Mapping[str, Any], outcome: Outcome,
            seconds: float, complete: bool) -> Result:
    metrics, undefined = _split(outcome, work.model.name, complete)
    return Result(
        system=work.model.name, baseline=baseline, options=options, seed=work.seed,
        inputs=_inputs(work, outcome), code=rackwright.__version__,
        kernels=dict(outcome.kernels), headline=work.model.headline,
        metrics=metrics, undefined=undefined, bottleneck=outcome.bottleneck,
        device_utilisation=dict(outcome.device_utilisation),
        link_utilisation=dict(outcome.link_utilisation), breakdown=dict(outcome.breakdown),
        parameters=tuple(outcome.parameters), bands=dict(outcome.bands),
        notes=tuple(outcome.notes), series=dict(outcome.series),
        complete=complete and outcome.complete,
        spans=outcome.spans, wall_time=seconds)


def _split(outcome: Outcome, system: str, complete: bool
           ) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics that have a value, and why the others have none."""
    metrics = {name: float(value) for name, value in outcome.metrics.items()}
    undefined = dict(outcome.undefined)
    for name, value in list(metrics.items()):
        if not math.isfinite(value):
            if complete and outcome.complete:
                raise ModelFault(f"{system}: metric {name} is {value}; a metric without a value "
                                 "belongs into `undefined`, with the reason")
            undefined[name] = "the replay was interrupted before it had a value"
            del metrics[name]
    return metrics, undefined


def _inputs(work: _Loaded, outcome: Outcome) -> Inputs:
    graph = getattr(getattr(work.fabric, "graph", None), "graph", {})
    parts = {**getattr(work.fabric, "parts", {}), **outcome.parts}
    return Inputs(
        topology=str(graph.get("name", "")), topology_hash=work.fabric.content_hash,
        trace=Path(str(getattr(work.trace, "name", ""))).name,
        trace_hash=work.trace.content_hash,
        parts=parts, tables=dict(outcome.tables))


def _gathered(done: dict[str, Result], wanted: tuple[str, ...]) -> Replays | None:
    """What an interrupted call of `replay_baselines` has to show."""
    if "" not in done:
        return None
    missing = tuple(name for name in wanted if name not in done)
    return Replays(done.pop(""), done, missing)
