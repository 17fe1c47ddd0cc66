"""A system of one queue, small enough to know its answers by heart; registered by `conftest`.

Every request takes `service` on one device. `fault` makes it misbehave as real models may.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from rackwright.errors import Interrupted, Stalled
from rackwright.models.options import Options, Time, option
from rackwright.models.outcome import Bottleneck, Outcome, Parameter, Spans
from rackwright.models.registry import Model

FABRIC = SimpleNamespace(content_hash="f" * 64, parts={"box": "b" * 64},
                         graph=SimpleNamespace(graph={"name": "one-box"}))
TRACE = SimpleNamespace(content_hash="7" * 64, name="three requests", count=3)


class FakeOptions(Options):
    service: Time = option("2ms", "time of one request", gt=0)
    order: Literal["fifo", "lifo"] = option("fifo", "order of service")
    workers: int = option(1, "servers", unit="servers", ge=1, le=8)
    fault: Literal["none", "nan", "stall", "stop", "sleep", "bug"] = option("none", "misbehave")


def read_trace(path: Any, limit: int | None = None) -> Any:
    count = len(Path(path).read_text().splitlines())
    return SimpleNamespace(content_hash="8" * 64, name=str(path), count=min(count, limit or count))


def replay(fabric: Any, trace: Any, options: FakeOptions, seed: int = 0,
           progress: Any = None) -> Outcome:
    if options.fault == "stall":
        raise Stalled("nothing can progress at 1 s of virtual time: request 3 waits for box")
    if options.fault == "bug":
        raise ZeroDivisionError("division by zero")
    done = 0
    try:
        for done in range(trace.count):
            if progress:
                progress(done, trace.count, f"{done} requests")
            if options.fault == "sleep" and done == 1:
                Path(os.environ["FAKE_SLEEPING"]).touch()  # a test waits for it
                time.sleep(30)
            if options.fault == "stop" and done == 1:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise Interrupted("interrupted after 1 request",
                          partial=outcome(done, options, False)) from None
    return outcome(trace.count, options, True)


def outcome(count: int, options: FakeOptions, complete: bool) -> Outcome:
    took = count * options.service / options.workers
    metrics = {"throughput_requests_per_s": count / took if took else float("nan"),
               "latency_mean_s": took / 2, "energy_j": 12.5 * took}
    if options.fault == "nan":
        metrics["latency_mean_s"] = float("nan")
    step = round(options.service * 1e12)
    start = np.arange(count, dtype=np.int64) * step
    return Outcome(
        metrics=metrics, undefined={"latency_p99_s": f"needs 100 requests, had {count}"},
        bottleneck=Bottleneck("box/cpu", "device", 1.0, True, "box/cpu is busy all the time"),
        device_utilisation={"box/cpu": 1.0, "box/idle": 0.0},
        link_utilisation={"in->box/cpu": 0.25},
        breakdown={"queue": 0.4, "service": 0.6},
        parameters=(Parameter("service", "2 ms", "assumed", "made up for tests"),),
        bands={"gemm": ("calibrated", 0.03, 0.08)}, notes=("a toy",),
        kernels={"fake": "k" * 64},
        spans=Spans(("box/cpu", "in"), ("serve",), np.zeros(count, np.int32),
                    np.zeros(count, np.int32), start, start + step,
                    np.ones(count, np.int64), dropped=2),
        complete=complete)


MODEL = Model(
    name="fake", title="a queue before one server", options=FakeOptions, replay=replay,
    read_trace=read_trace, baselines={"slow": {"service": "4ms"}, "pair": {"workers": 2}},
    headline=("throughput_requests_per_s", "latency_mean_s", "latency_p99_s"),
    sample_topology="dgx-a100", sample_trace="requests_medium")
