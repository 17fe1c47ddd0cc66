"""`compare`: everything that differs is named, nothing else is."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import rackwright


def replayed(fake: ModuleType, **options: object) -> rackwright.Result:
    return rackwright.replay("fake", fake.FABRIC, fake.TRACE, **options)


def test_equal_runs_do_not_differ(fake: ModuleType) -> None:
    found = replayed(fake).compare(replayed(fake))
    assert found.same and found.unmoved == 3
    assert found.text() == "no difference: same inputs, same 3 metrics\n"


def test_an_option_that_moves_metrics_is_named(fake: ModuleType) -> None:
    found = replayed(fake).compare(replayed(fake, service="4ms"))
    assert [(entry.name, entry.ours, entry.theirs) for entry in found.inputs] == [
        ("option service", "0.002s", "0.004s")]
    assert {entry.name: entry.ratio for entry in found.moved} == {
        "energy_j": 2.0, "latency_mean_s": 2.0, "throughput_requests_per_s": 0.5}
    assert found.unmoved == 0


def test_an_option_without_effect_is_told_from_one_that_moves(fake: ModuleType) -> None:
    found = replayed(fake).compare(replayed(fake, order="lifo"))
    assert len(found.inputs) == 1 and not found.moved and not found.same
    assert "all 3 metrics are the same" in found.text()


def test_every_kind_of_input_is_compared(fake: ModuleType) -> None:
    ours = replayed(fake)
    theirs = dataclasses.replace(
        ours, seed=9, code="9.9", kernels={"fake": "j" * 64}, complete=False,
        inputs=dataclasses.replace(ours.inputs, topology_hash="e" * 64, trace_hash="d" * 64,
                                   parts={"box": "c" * 64}, tables={"crc": "a" * 64}))
    assert [entry.name for entry in ours.compare(theirs).inputs] == [
        "topology", "trace", "seed", "part box", "kernel fake", "rackwright", "complete",
        "table crc"]


def test_a_metric_of_one_side_has_no_ratio(fake: ModuleType) -> None:
    ours = replayed(fake)
    theirs = dataclasses.replace(ours, metrics={**ours.metrics, "extra_s": 1.0, "energy_j": 0.0})
    moved = {entry.name: (entry.ours, entry.theirs, entry.ratio)
             for entry in ours.compare(theirs).moved}
    assert moved["extra_s"] == (None, 1.0, None)
    assert moved["energy_j"] == (0.075, 0.0, 0.0)
    back = {entry.name: entry.ratio for entry in theirs.compare(ours).moved}
    assert back["energy_j"] is None


def test_two_bottlenecks_stand_side_by_side(fake: ModuleType) -> None:
    ours = replayed(fake)
    theirs = dataclasses.replace(ours, bottleneck=dataclasses.replace(
        ours.bottleneck, text="the wire is full"), seed=1)
    text = ours.compare(theirs).text("old", "new")
    assert "  old  box/cpu is busy all the time" in text
    assert "  new  the wire is full" in text
