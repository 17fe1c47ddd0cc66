"""Generated query traces: seeds, scales, days; and traces of hosts."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.errors import UsageError
from rackwright.traces import (
    generate_queries,
    generate_training,
    generate_transfers,
    tpch_templates,
)


def test_seeds_and_parameters_are_kept() -> None:
    one, again, other = (generate_queries(1.0, 30, seed=seed) for seed in (1, 1, 2))
    assert one.content_hash == again.content_hash != other.content_hash
    assert "Poisson 1.0/s" in one.source and "seed 1" in one.source
    more = generate_queries(2.0, 30, seed=1)
    assert more.template == one.template  # the mix does not depend on the rate
    assert more.arrival_time == pytest.approx(one.arrival_time / 2)


def test_a_query_is_its_template_at_scale() -> None:
    base, trace = tpch_templates(), generate_queries(1.0, 50, scale=20.0, seed=3)
    for number in range(trace.queries):
        rows = slice(*trace.offsets[number:number + 2])
        source = base.template.index(trace.template[rows.start])
        which = int(np.searchsorted(base.offsets, source, side="right")) - 1
        taken = slice(*base.offsets[which:which + 2])
        assert trace.bytes_in[rows].tolist() == (base.bytes_in[taken] * 200).tolist()
        assert trace.core_seconds[rows] == pytest.approx(base.core_seconds[taken] * 200)
        assert trace.stage[rows].tolist() == base.stage[taken].tolist()


def test_a_day_is_busiest_at_noon() -> None:
    trace = generate_queries(0.02, 1700, swing=0.8, seed=0)
    at = trace.arrival_time[trace.offsets[:-1]]
    noon = ((at > 9 * 3600) & (at < 15 * 3600)).sum()
    night = (at < 3 * 3600).sum() + ((at > 21 * 3600) & (at < 86400)).sum()
    assert noon > 2.5 * night
    assert len(at) / at[-1] == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("arguments", [
    {"rate_per_s": 0.0}, {"rate_per_s": float("inf")}, {"queries": 0}, {"scale": -1.0},
    {"swing": 1.0}, {"period_time": 0.0}, {"seed": -1}, {"scale": 1e12}])
def test_what_cannot_be_generated(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        generate_queries(**{"rate_per_s": 1.0, "queries": 5, **arguments})  # type: ignore[arg-type]


def test_a_training_run_is_one_job_of_stages() -> None:
    trace = generate_training(steps=6, checkpoint_every=3)
    assert trace.queries == 1 and int(trace.stage[-1]) == 5
    assert trace.summary()["operators_by_class"] == {
        **dict.fromkeys(("scan", "partition", "shuffle", "join", "aggregate", "sort"), 0),
        "filter": 6, "io": 8, "accel": 6, "net": 6}
    assert trace.operator.count("checkpoint") == 2
    with pytest.raises(UsageError, match="steps = 0"):
        generate_training(steps=0)
    with pytest.raises(UsageError, match="sample_bytes = -1"):
        generate_training(sample_bytes=-1)


def test_transfers() -> None:
    trace = generate_transfers(10.0, 2000, nbytes=100, read_share=0.7, seed=4)
    reads = trace.template.count("read") / 2000
    assert reads == pytest.approx(0.7, abs=0.05)
    assert (trace.bytes_in + trace.bytes_out == 100).all()
    with pytest.raises(UsageError, match="read_share = 2"):
        generate_transfers(10.0, 5, read_share=2)
