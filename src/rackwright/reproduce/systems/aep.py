"""AEP's published claims (arXiv 2505.08944), simulated: the rows of models/aep/targets.toml.

Replays stand behind most rows and are shared between them. Maximum throughput is the highest
steady rate over the rates of the paper's scripts, up to the first one that overloads the system;
`MAXIMA` says where that is, which the tests check. Requests are generated with seed 1 plus the
context's, routing is drawn with the context's own. The closed-form bound is in `aep_bound`.

Units: rates in requests/s, lengths of arrivals in seconds, host times in microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rackwright import topologies, traces
from rackwright.devices import catalog
from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.models.aep import MODEL, AepOptions, replay
from rackwright.models.aep.costs import Costs, build_costs
from rackwright.models.llm import shape
from rackwright.reproduce.context import Context
from rackwright.reproduce.systems.aep_bound import share_of_bound
from rackwright.topologies.fabric import Fabric

__all__ = ["LAST", "MAXIMA", "OVERLOADS", "SIMULATIONS", "run"]

LENGTHS = {"short": traces.SHORT, "medium": traces.MEDIUM, "reasonable": traces.REASONABLE}
ONE, ONE_40, TWO_40 = "dgx-a100", "p4d:hosts=1", "p4d:hosts=2"
MODELS = {ONE: "mixtral-8x7b-mqa", ONE_40: "mixtral-8x7b-mqa", TWO_40: "mixtral-16x7b-mqa"}
STEADY = "throughput_steady_tokens_per_s"
MIDDLE = "throughput_middle_tokens_per_s"
ITL = "itl_mean_s"
HOST_TIMES = ("attention_fixed_time", "attention_token_time", "expert_fixed_time",
              "sampler_fixed_time", "sampler_token_time")
MORE_SEEDS = 2   # besides the first, where a lead is small

# the last rate of the paper's scripts, requests/s
LAST = {(ONE, "short"): 500, (ONE, "medium"): 250, (ONE, "reasonable"): 100,
        (TWO_40, "medium"): 400}
# how AEP grows with a second host cannot be seen at those rates, which offer 60k tokens/s: for each
# machine the first rate beyond them, in their steps, that overloads it, and for how many seconds
# requests arrive
OVERLOADS = {ONE_40: (280, 260), TWO_40: (440, 260)}
# where defrag's maximum over those rates is found, by machine, workload, top_k: the last rate, or
# the first that overloads; and for how many seconds requests arrive
MAXIMA = {
    (ONE, "short", 1): (500, 80), (ONE, "medium", 1): (250, 92), (ONE, "reasonable", 1): (100, 190),
    (ONE, "short", 2): (300, 64), (ONE, "medium", 2): (200, 150),
    (ONE, "reasonable", 2): (100, 188),
    (TWO_40, "medium", 1): (400, 133)}


def fabric(context: Context, machine: str) -> Fabric:
    return context.once(("fabric", machine),
                        lambda: topologies.compile(topologies.preset(machine)))


def stand_ins(context: Context, policy: str, host: bool = True) -> dict[str, Any]:
    """The options that no datasheet gives, each taken so that its sensitivity can be measured."""
    found: dict[str, Any] = {
        # from the hottest share that would explain the published stalls to nearly even
        "routing_skew": context.parameter("routing_skew", 0.8, 0.59, 0.9)}
    if policy == "ep_framework":
        cap = context.parameter("ep_max_running", 170)
        return found | {"ep_max_running": cap,
                        "ep_step_time": _us(context.parameter("ep_step_us", 540.0, 0.0, 5000.0))}
    if policy == "ep_ideal":
        return found
    if not host:
        return found | dict.fromkeys(HOST_TIMES, "0us")
    for name, value in (("attention_fixed", 540.0), ("attention_token", 2.3),
                        ("expert_fixed", 60.0)):
        found[f"{name}_time"] = _us(context.parameter(f"{name}_us", value))
    found["message_time"] = _us(context.parameter("message_us", 60.0, 10.0, 120.0))
    return found


def _us(value: float) -> str:
    return f"{value:.9g}us"


def run(context: Context, policy: str, rate: float, seconds: float, workload: str = "medium",
        top_k: int = 1, machine: str = ONE, *, more_seed: int = 0, host: bool = True
        ) -> Mapping[str, float]:
    """Metrics of a replay; without `host`, AEP's steps cost what the GPUs take and no more."""
    def simulate() -> Mapping[str, float]:
        context.progress(f"{policy}, {workload}, top-{top_k}, {rate:g} requests/s, {machine}")
        options = {"top_k": top_k, "timeline_spans": 0, "model": MODELS[machine],
                   **MODEL.baselines.get(policy, {"policy": policy}),
                   **stand_ins(context, policy, host)}
        trace = traces.generate_requests(rate, duration_time=seconds, lengths=LENGTHS[workload],
                                         seed=1 + context.seed + more_seed)
        return replay(fabric(context, machine), trace, AepOptions.checked(options),
                      context.seed).metrics

    return context.once(("replay", policy, rate, seconds, workload, top_k, machine, more_seed,
                         host), simulate)


def maximum(context: Context, policy: str, workload: str = "medium", top_k: int = 1,
            machine: str = ONE) -> float:
    """Tokens/s where the paper's rates end, or at the first of them that is too much."""
    last = LAST[machine, workload]
    if policy == "ep_framework":   # overloaded far below, and its cap fixes the throughput
        return run(context, policy, last, 30, workload, top_k, machine)[STEADY]
    rate, seconds = MAXIMA[machine, workload, top_k]
    return run(context, policy, rate, seconds, workload, top_k, machine)[STEADY]


def gain(context: Context, workload: str = "medium", top_k: int = 1, machine: str = ONE) -> float:
    return (maximum(context, "defrag", workload, top_k, machine)
            / maximum(context, "ep_framework", workload, top_k, machine))


def tables(context: Context) -> Costs:
    """Step times of AEP on an A100-80GB for up to 1,024 tokens."""
    def build() -> Costs:
        options = AepOptions.checked(stand_ins(context, "defrag"))
        return build_costs(catalog.gpu("a100-sxm-80"), shape(options.model), options,
                           most_tokens=1024, most_context=1024)

    return context.once("tables", build)


def attention_step(context: Context) -> float:
    """Seconds of a step of 810 tokens with 175 tokens of context each."""
    return int(table2_ps(tables(context).attention, 810, 175.0)) * 1e-12


def expert_step(context: Context) -> float:
    return int(table1_ps(tables(context).expert, 240)) * 1e-12


def knee(context: Context) -> float:
    """Tokens: highest throughput of an expert over that of a single token."""
    tokens = np.arange(1, 4097)
    time = catalog.gpu("a100-sxm-40").expert_time(tokens, 4096, 14336)
    return float((tokens / time).max() * time[0])


def smallest_gain(context: Context) -> float:
    return min(gain(context, each, 2) for each in LENGTHS)


def change_of_gain(context: Context) -> float:
    """Gain at top-2 over that at top-1, of the workload where it is largest."""
    return max(gain(context, each, 2) / gain(context, each) for each in LENGTHS)


def growth(context: Context) -> float:
    """Defrag's maximum on two hosts over that on one."""
    one, two = (run(context, "defrag", *OVERLOADS[machine], machine=machine)[STEADY]
                for machine in (ONE_40, TWO_40))
    return two / one


def growth_of_the_baseline(context: Context) -> float:
    one, two = (run(context, "ep_framework", LAST[TWO_40, "medium"], 30, machine=machine)[STEADY]
                for machine in (ONE_40, TWO_40))
    return two / one


def policies(context: Context, top_k: int, metric: str, more_seed: int = 0) -> dict[str, float]:
    rate, seconds = (250, 80) if top_k == 1 else (150, 40)
    return {policy: run(context, policy, rate, seconds, top_k=top_k, more_seed=more_seed)[metric]
            for policy in ("defrag", "mtfs", "flfs")}


def latency_lead(context: Context) -> float:
    """The better of the others over defrag, at the top_k where that is less."""
    def lead(top_k: int) -> float:
        found = policies(context, top_k, ITL)
        return min(found["mtfs"], found["flfs"]) / found["defrag"]

    return min(lead(1), lead(2))


def throughput_lead(context: Context) -> float:
    """Defrag over the better of the others, at the top_k where that is less."""
    def lead(top_k: int, more_seed: int = 0) -> float:
        found = policies(context, top_k, MIDDLE, more_seed)
        return found["defrag"] / max(found["mtfs"], found["flfs"])

    # a small lead at top-1: the mean over seeds
    leads = [lead(1, more) for more in range(1 + MORE_SEEDS)]
    return min(sum(leads) / len(leads), lead(2))


def completions(context: Context) -> float:
    """Completions over arrivals from 60 to 80 s, when the first requests ended long ago."""
    return run(context, "flfs", 250, 80)["completion_ratio"]


def latency_at_low_load(context: Context) -> float:
    return min(run(context, "defrag", rate, 20)[ITL] / run(context, baseline, rate, 20)[ITL]
               for rate in (25, 50) for baseline in ("ep_ideal", "ep_framework"))


def stall(context: Context) -> float:
    return run(context, "ep_ideal", 100, 30, machine=ONE_40)["expert_stall_share"]


def against_a_barrier(policy: str, rate: float, seconds: float) -> Callable[[Context], float]:
    """Maximum with AEP's host costs over that of a barrier system that `rate` overloads."""
    return lambda context: (maximum(context, "defrag", "short")
                            / run(context, policy, rate, seconds, "short")[STEADY])


def neither_has_host_costs(context: Context) -> float:
    """The same with 800 requests/s of the short workload, which overload both."""
    return (run(context, "defrag", 800, 30, "short", host=False)[STEADY]
            / run(context, "ep_ideal", 800, 30, "short")[STEADY])


SIMULATIONS: Mapping[str, Callable[[Context], float]] = {
    "aep-1": lambda context: gain(context, "medium"),
    "aep-2": attention_step,
    "aep-3": expert_step,
    "aep-4": lambda context: gain(context, "short"),
    "aep-5": lambda context: gain(context, "reasonable"),
    "aep-6/ahead": smallest_gain,
    "aep-6/smaller gain": change_of_gain,
    "aep-7": lambda context: gain(context, machine=TWO_40),
    "aep-8/defrag": growth,
    "aep-8/baseline": growth_of_the_baseline,
    "aep-9/latency": latency_lead,
    "aep-9/throughput": throughput_lead,
    "aep-10": completions,
    "aep-11": latency_at_low_load,
    "aep-12": knee,
    "aep-13": stall,
    "aep-14/same host costs": against_a_barrier("ep_same_host", 500, 80),
    "aep-14/no host costs": neither_has_host_costs,
    "aep-14/host costs against none": against_a_barrier("ep_ideal", 800, 30),
    "aep-15/top-1": lambda context: maximum(context, "defrag", "short"),
    "aep-15/top-2": lambda context: maximum(context, "defrag", "medium", 2),
    "aep-bound": share_of_bound,
}
