"""AEP's published claims (arXiv 2505.08944), measured: the rows of models/aep/targets.toml.

A row without `known_miss` must hold; one with it must not: when the model changes the state of a
row, its text is to be changed too. ``pytest -m slow -rP tests/papers/test_aep.py`` prints every
simulated value. Traces have seed 1, routing seed 0.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rackwright.models.aep
from rackwright import topologies, traces
from rackwright.devices import catalog
from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.driver import drive
from rackwright.models.aep import MODEL, AepOptions
from rackwright.models.aep.barrier import advance_barrier
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.report import barrier_outcome, outcome
from rackwright.models.aep.state import AepState, grow
from rackwright.models.aep.workload import prepare
from rackwright.models.serving.snapshots import ARRIVED, FINISHED, SNAPSHOTS

FOLDER = Path(rackwright.models.aep.__file__).parent
ROWS: list[dict[str, Any]] = tomllib.loads((FOLDER / "targets.toml").read_text())["row"]
KINDS = ("predicted", "fitted", "stand-in", "check")
LENGTHS = {"short": traces.SHORT, "medium": traces.MEDIUM, "reasonable": traces.REASONABLE}
TOP_RATE = {"short": 500, "medium": 250, "reasonable": 100}   # requests/s, the paper's scripts
QUICK = {"aep-2", "aep-3", "aep-12"}

# where each maximum is found: (requests/s, seconds of arrivals)
ONE_HOST, TWO_HOSTS = "p4d:hosts=1", "p4d:hosts=2"
MAXIMUM = {
    ("dgx-a100", "short", 1): (500, 80), ("dgx-a100", "medium", 1): (250, 92),
    ("dgx-a100", "reasonable", 1): (100, 190), ("dgx-a100", "short", 2): (300, 64),
    ("dgx-a100", "medium", 2): (200, 150), ("dgx-a100", "reasonable", 2): (100, 188),
    (ONE_HOST, "medium", 1): (320, 142), (TWO_HOSTS, "medium", 1): (400, 133)}


def name_of(row: dict[str, Any]) -> str:
    return f"{row['id']} {row['part']}" if "part" in row else str(row["id"])


@functools.cache
def fabric(machine: str) -> Any:
    return topologies.compile(topologies.preset(machine))


def run(policy: str, rate: float, seconds: float, workload: str = "medium", top_k: int = 1,
        machine: str = "dgx-a100") -> dict[str, float]:
    """Metrics of a replay, and completions over arrivals in the last quarter of the arrivals."""
    return _run(policy, rate, seconds, workload, top_k, machine)


@functools.cache
def _run(policy: str, rate: float, seconds: float, workload: str, top_k: int, machine: str
         ) -> dict[str, float]:
    options = {"top_k": top_k, "timeline_spans": 0, "model": "mixtral-8x7b-mqa",
               **MODEL.baselines.get(policy, {"policy": policy})}
    if machine == TWO_HOSTS:
        options["model"] = "mixtral-16x7b-mqa"
    trace = traces.generate_requests(rate, duration_time=seconds, lengths=LENGTHS[workload],
                                     seed=1)
    checked = AepOptions.checked(options)
    state, placed, costs = prepare(fabric(machine), trace, checked, 0)
    asynchronous = isinstance(state, AepState)
    kernel: Any = advance if asynchronous else advance_barrier
    more: Any = grow
    end: Any = drive(kernel, state, grow=more)
    words: Any = outcome if asynchronous else barrier_outcome
    metrics = dict(words(fabric(machine), placed, checked, costs, end, complete=True).metrics)
    late = end.snapshots.counts[-1] - end.snapshots.counts[3 * SNAPSHOTS // 4]
    return {**metrics, "finished_over_arrived": float(late[FINISHED] / late[ARRIVED])}


def maximum(policy: str, workload: str = "medium", top_k: int = 1,
            machine: str = "dgx-a100") -> float:
    """Tokens/s where the paper's rates end, or at the first of them that is too much."""
    last = 400 if machine in (ONE_HOST, TWO_HOSTS) else TOP_RATE[workload]
    if policy == "ep_framework":  # overloaded far below, and its cap fixes the throughput
        rate, seconds = last, 30
    else:
        rate, seconds = MAXIMUM[machine, workload, top_k]
    metrics = run(policy, rate, seconds, workload, top_k, machine)
    assert rate == last or metrics["overloaded"] == 1.0
    return metrics["throughput_steady_tokens_per_s"]


def gain(workload: str = "medium", top_k: int = 1, machine: str = "dgx-a100") -> float:
    return (maximum("defrag", workload, top_k, machine)
            / maximum("ep_framework", workload, top_k, machine))


def attention_step() -> float:
    """Seconds of a step of 810 tokens with 175 tokens of context each."""
    return int(table2_ps(tables().attention, 810, 175.0)) * 1e-12


def expert_step() -> float:
    return int(table1_ps(tables().expert, 240)) * 1e-12


@functools.cache
def tables() -> Any:
    trace = traces.generate_requests(1000.0, count=1000, lengths=traces.MEDIUM, seed=1)
    return prepare(fabric("dgx-a100"), trace, AepOptions(), 0)[0].fixed


def knee() -> float:
    """Tokens: highest throughput over that of a single token."""
    tokens = np.arange(1, 4097)
    time = catalog.gpu("a100-sxm-40").expert_time(tokens, 4096, 14336)
    return float((tokens / time).max() * time[0])


def policies(top_k: int, metric: str) -> dict[str, float]:
    rate, seconds = (250, 80) if top_k == 1 else (150, 40)
    return {policy: run(policy, rate, seconds, top_k=top_k)[metric]
            for policy in ("defrag", "mtfs", "flfs")}


def latency_lead(top_k: int) -> float:
    found = policies(top_k, "itl_mean_s")
    return min(found["mtfs"], found["flfs"]) / found["defrag"]


def throughput_lead(top_k: int) -> float:
    found = policies(top_k, "throughput_middle_tokens_per_s")
    return found["defrag"] / max(found["mtfs"], found["flfs"])


def completions(policy: str) -> float:
    """Completions over arrivals from 60 to 80 s, when the first requests ended long ago."""
    return run(policy, 250, 80)["finished_over_arrived"]


def latency_at_low_load() -> float:
    return min(run("defrag", rate, 20)["itl_mean_s"] / run(baseline, rate, 20)["itl_mean_s"]
               for rate in (25, 50) for baseline in ("ep_ideal", "ep_framework"))


def against_a_barrier(policy: str, rate: float, seconds: float) -> float:
    """Both overloaded by the short workload."""
    found = run(policy, rate, seconds, "short")
    assert found["overloaded"] == 1.0
    return maximum("defrag", "short") / found["throughput_steady_tokens_per_s"]


MEASURES: dict[str, Callable[[], float]] = {
    "aep-1": lambda: gain("medium"),
    "aep-2": attention_step,
    "aep-3": expert_step,
    "aep-4": lambda: gain("short"),
    "aep-5": lambda: gain("reasonable"),
    "aep-6 ahead": lambda: min(gain(each, 2) for each in LENGTHS),
    "aep-6 smaller gain": lambda: max(gain(each, 2) / gain(each) for each in LENGTHS),
    "aep-7": lambda: gain(machine=TWO_HOSTS),
    "aep-8 defrag": lambda: (maximum("defrag", machine=TWO_HOSTS)
                             / maximum("defrag", machine=ONE_HOST)),
    "aep-8 baseline": lambda: (maximum("ep_framework", machine=TWO_HOSTS)
                               / maximum("ep_framework", machine=ONE_HOST)),
    "aep-9 latency": lambda: min(latency_lead(1), latency_lead(2)),
    "aep-9 throughput": lambda: min(throughput_lead(1), throughput_lead(2)),
    "aep-10": lambda: completions("flfs"),
    "aep-11": latency_at_low_load,
    "aep-12": knee,
    "aep-13": lambda: run("ep_ideal", 100, 30, machine=ONE_HOST)["expert_stall_share"],
    "aep-14 same host costs": lambda: against_a_barrier("ep_same_host", 500, 80),
    "aep-14 no host costs": lambda: against_a_barrier("ep_ideal", 800, 30),
    "aep-15 top-1": lambda: maximum("defrag", "short"),
    "aep-15 top-2": lambda: maximum("defrag", "medium", 2),
}


def bounds(row: dict[str, Any]) -> tuple[float, float]:
    """What the row allows, both ends included."""
    if "tolerance" in row:
        return (row["published"] * (1 - row["tolerance"]),
                row["published"] * (1 + row["tolerance"]))
    return row.get("low", -np.inf), row.get("high", np.inf)


@pytest.mark.parametrize("row", [
    pytest.param(row, id=name_of(row), marks=[] if row["id"] in QUICK else pytest.mark.slow)
    for row in ROWS])
def test_row(row: dict[str, Any]) -> None:
    simulated = MEASURES[name_of(row)]()
    low, high = bounds(row)
    state = "holds" if low <= simulated <= high else "misses"
    said = f"{name_of(row)}: published {row.get('published', 'an order')}, allowed {low:.4g} to " \
           f"{high:.4g} {row['unit']}, simulated {simulated:.4g}: {state}"
    print(said)
    assert state == ("misses" if "known_miss" in row else "holds"), said


@pytest.mark.slow
def test_defrag_and_mtfs_and_flfs_in_this_order() -> None:
    """Mean inter-token latency at 250 requests/s, top-1."""
    found = policies(1, "itl_mean_s")
    print({policy: round(latency * 1e3, 1) for policy, latency in found.items()}, "ms")
    assert found["defrag"] < found["mtfs"] < found["flfs"]


@pytest.mark.slow
def test_completions_keep_up_under_the_other_policies() -> None:
    """So that aep-10 is about FLFS, not about a run that starts empty."""
    found = {policy: completions(policy) for policy in ("defrag", "mtfs")}
    print({policy: round(share, 2) for policy, share in found.items()})
    assert min(found.values()) > 0.9


@pytest.mark.slow
def test_250_requests_a_second_are_sustained() -> None:
    """What `expert_fixed_time` was fitted on."""
    metrics = run("defrag", *MAXIMUM["dgx-a100", "medium", 1])
    assert metrics["stable"] == 1.0
    assert metrics["throughput_steady_tokens_per_s"] == pytest.approx(250 * 150, rel=0.03)


def test_every_claim_has_its_row() -> None:
    assert {row["id"] for row in ROWS} == {f"aep-{number}" for number in range(1, 16)}
    assert [name_of(row) for row in ROWS] == list(MEASURES)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_row_says_what_is_allowed(row: dict[str, Any]) -> None:
    known = {"id", "part", "figure", "claim", "configuration", "published", "unit", "tolerance",
             "low", "high", "kind", "fits", "fitted_on", "known_miss"}
    assert set(row) <= known and {"figure", "claim", "configuration", "unit"} <= set(row)
    assert row["kind"] in KINDS
    assert ("tolerance" in row) != ("low" in row or "high" in row)
    assert "published" in row or "tolerance" not in row
    assert (row["kind"] == "fitted") == ("fits" in row) == ("fitted_on" in row)
    assert "fits" not in row or row["fits"] in AepOptions.model_fields
    low, high = bounds(row)
    assert low < high


def test_the_model_reads_none_of_it() -> None:
    for path in FOLDER.parent.rglob("*.py"):
        assert "targets" not in path.read_text(), path


def test_the_card_shows_every_row_and_every_miss() -> None:
    card = (FOLDER / "README.md").read_text()
    for row in ROWS:
        lines = [line for line in card.splitlines() if line.startswith(f"| {name_of(row)} |")]
        assert len(lines) == 1, name_of(row)
        assert f"| {row['kind']} |" in lines[0]
        assert ("MISS" in lines[0]) == ("known_miss" in row), lines[0]
