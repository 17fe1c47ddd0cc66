"""Safety: fault schedules are linearizable, and broken rules are found."""

from __future__ import annotations

import functools

import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.models.curp.schedules import Findings, history_of, run_schedules
from rackwright.models.curp.world import RULES
from rackwright.models.protocols import NEVER, first_bad_key

# rule -> schedules that find it for sure; those of which fewer than one in 500 does are slow
COMMON = {"accept_conflicts": 300, "no_rifl": 5, "answer_unsynced": 300, "no_fence": 500,
          "collect_early": 500, "complete_short": 300, "skip_probe": 300, "first_object": 2000}
RARE = tuple(rule for rule in RULES if rule not in COMMON)


@functools.cache
def sound(replicas: int) -> Findings:
    return run_schedules(100, replicas=replicas)


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_linearizable_under_faults(replicas: int) -> None:
    found = sound(replicas)
    assert found.bad == ()
    assert found.counts["finished"] > 0.9 * found.operations


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_faults_do_happen(replicas: int) -> None:
    counts = sound(replicas).counts
    for name in ("fast", "tagged", "recoveries", "replayed", "duplicates", "deposed", "suspects",
                 "dropped", "near", "near_refused", "several"):
        assert counts[name] > 0, name


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_invariants_of_schedules(replicas: int) -> None:
    """No gc of what is unsynced, no record after a freeze, no stale list in one round trip."""
    counts = sound(replicas).counts
    assert counts["collected_unsynced"] == counts["frozen_accepts"] == counts["stale_fast"] == 0


@pytest.mark.parametrize("rule", COMMON)
def test_a_broken_rule_is_found(rule: str) -> None:
    assert run_schedules(COMMON[rule], broken=[rule]).bad


def test_a_bad_history_can_be_looked_at() -> None:
    seed = run_schedules(20, broken=["no_rifl"]).bad[0]
    history = history_of(seed, broken=["no_rifl"])
    assert first_bad_key(history) is not None
    assert (history.end[history.end < NEVER] > history.start[history.end < NEVER]).all()
    assert first_bad_key(history_of(seed)) is None


def test_seed_decides() -> None:
    first, again, other = history_of(5), history_of(5), history_of(6)
    assert first.end.tolist() == again.end.tolist() != other.end.tolist()
    whole = run_schedules(10)
    assert run_schedules(5, first=5).counts["finished"] \
        + run_schedules(5).counts["finished"] == whole.counts["finished"]


def test_plans_are_checked() -> None:
    with pytest.raises(UnknownName, match="rule 'no_riffle'"):
        run_schedules(1, broken=["no_riffle"])
    with pytest.raises(UsageError, match="at least one schedule"):
        run_schedules(0)
    with pytest.raises(UsageError, match="1 to 62 in all"):
        run_schedules(1, clients=15, operations=10)


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_ten_thousand_schedules(replicas: int) -> None:
    found = run_schedules(10_000, first=1000, replicas=replicas)
    assert found.bad == ()
    assert found.counts["finished"] > 0.9 * found.operations
    assert found.counts["collected_unsynced"] == found.counts["stale_fast"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("clients", "operations", "keys", "batch"), [
    (2, 20, 1, 1), (8, 5, 3, 10), (4, 8, 1, 50), (3, 10, 6, 2)])
def test_other_shapes(clients: int, operations: int, keys: int, batch: int) -> None:
    assert run_schedules(2000, clients=clients, operations=operations, keys=keys,
                         batch=batch).bad == ()


@pytest.mark.slow
@pytest.mark.parametrize("rule", RARE)
def test_a_rarely_felt_rule_is_found(rule: str) -> None:
    assert run_schedules(20_000, broken=[rule]).bad
