"""Ctrl-C keeps what is done: a partial result, and the baselines already computed."""

from __future__ import annotations

from types import ModuleType

import pytest

import rackwright
from rackwright import run
from rackwright.errors import Interrupted
from rackwright.replays import Replays


def test_a_replay_hands_back_its_partial_result(fake: ModuleType) -> None:
    with pytest.raises(Interrupted, match="after 1 request") as caught:
        rackwright.replay("fake", fake.FABRIC, fake.TRACE, fault="stop")
    partial = caught.value.partial
    assert isinstance(partial, rackwright.Result)
    assert not partial.complete
    assert partial.metrics["throughput_requests_per_s"] == pytest.approx(500.0)


def test_baselines_already_done_are_kept(fake: ModuleType, monkeypatch: pytest.MonkeyPatch
                                         ) -> None:
    monkeypatch.setitem(fake.MODEL.baselines, "pair", {"fault": "stop"})
    monkeypatch.setitem(fake.MODEL.baselines, "last", {})
    with pytest.raises(Interrupted) as caught:
        run.replay_baselines("fake", fake.FABRIC, fake.TRACE)
    partial = caught.value.partial
    assert isinstance(partial, Replays)
    assert [(found.label, found.complete) for found in partial] == [
        ("fake", True), ("slow", True), ("pair", False)]
    assert partial.missing == ("last",)
    assert not partial.complete


def test_a_metric_without_a_value_yet_is_undefined(fake: ModuleType) -> None:
    state = fake.outcome(0, fake.FakeOptions(), complete=False)
    metrics, undefined = run._split(state, "fake", complete=False)
    assert "throughput_requests_per_s" not in metrics
    assert "interrupted" in undefined["throughput_requests_per_s"]


def test_an_interruption_before_the_first_event_has_nothing(
        fake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "outcome", stop)
    with pytest.raises(Interrupted) as caught:
        rackwright.replay("fake", fake.FABRIC, fake.TRACE)
    assert caught.value.partial is None
