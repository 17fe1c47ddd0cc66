"""A toy system for studies: a closed form of its options, seed and the fabric's first link.

``throughput_requests_per_s = workers x 100 / (1 + load)``; a seed moves it by a thousandth. The
option `fault` makes a replay fail, kill its process, or sleep.
"""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any, Literal

from rackwright.errors import Stalled
from rackwright.models import registry
from rackwright.models.options import Options, Rate, option
from rackwright.models.outcome import Bottleneck, Outcome
from rackwright.models.registry import Model
from rackwright.study import code_hash

TRACE = SimpleNamespace(content_hash="7" * 64, name="three requests")


class ToyOptions(Options):
    workers: int = option(1, "servers", unit="servers", ge=1, le=64)
    load: float = option(0.5, "offered load", unit="1", ge=0)
    line: Rate = option("100Gbps", "speed of a line", gt=0)
    policy: Literal["fast", "slow"] = option("fast", "which of two")
    fault: Literal["none", "stall", "bug", "kill"] = option("none", "misbehave")


def replay(fabric: Any, trace: Any, options: ToyOptions, seed: int = 0, progress: Any = None
           ) -> Outcome:
    if log := os.environ.get("FAKE_LOG"):
        with open(log, "a", encoding="utf-8") as file:  # one write: lines never mix
            file.write(f"{options.workers} {options.load} {options.policy} {seed}\n")
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    if options.fault == "stall":
        raise Stalled("nothing can progress: request 3 waits for\nbox")
    if options.fault == "bug":
        raise ZeroDivisionError("division by zero")
    if options.fault == "kill":
        os._exit(9)
    slow = 2.0 if options.policy == "slow" else 1.0
    rate = options.workers * 100.0 / (1.0 + options.load) / slow * (1 + seed / 1000)
    metrics = {"throughput_requests_per_s": rate, "latency_mean_s": slow * options.load / 100,
               "energy_j": 5.0 * options.workers, "line_bps": options.line,
               "links": float(len(fabric.link_names))}
    undefined = {}
    if options.load == 0:
        del metrics["latency_mean_s"]
        undefined["latency_mean_s"] = "nothing waited"
    return Outcome(
        metrics=metrics, undefined=undefined,
        bottleneck=Bottleneck("box/cpu", "device", min(1.0, options.load), options.load >= 1,
                              f"box/cpu is busy {options.load:g}"),
        device_utilisation={}, link_utilisation={}, breakdown={}, kernels={"toy": "k" * 64})


MODEL = Model(
    name="toy", title="a closed form", options=ToyOptions, replay=replay,
    read_trace=lambda path, limit=None: TRACE,
    baselines={"slow": {"policy": "slow"}, "single": {"workers": 1}},
    headline=("throughput_requests_per_s", "latency_mean_s"),
    sample_topology="star:hosts=2", sample_trace="requests_short")


def install() -> None:
    """Register the toy system; the package counts as unchanged, whoever edits it meanwhile."""
    registry._SYSTEMS["toy"] = "study_system"
    code_hash._package = package_hash  # type: ignore[assignment]


def package_hash(*_: object) -> str:
    return "c" * 64
