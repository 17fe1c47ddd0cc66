"""Figures for people: the unit is read off a metric's name."""

from __future__ import annotations

import pytest

from rackwright.report import figures


@pytest.mark.parametrize(("metric", "number", "title", "text"), [
    ("throughput_tokens_per_s", 34804.2, "throughput", "34.8k tok/s"),
    ("goodput_requests_per_s", 3.2, "goodput", "3.2 req/s"),
    ("itl_p99_s", 0.1034, "itl p99", "103.4 ms"),
    ("read_bytes_per_s", 3e9, "read", "3 GB/s"),
    ("uplink_bps", 4e11, "uplink", "400 Gb/s"),
    ("kv_bytes", 2**33, "kv", "8 GiB"),
    ("energy_per_token_j", 0.3, "energy per token", "300 mJ"),
    ("energy_j_per_token", 0.3, "energy", "300 mJ/tok"),
    ("rack_usd_per_hour", 3.2, "rack", "$3.20/hour"),
    ("stall_share", 0.214, "stall", "21 %"),
    ("stall_share", 0.0042, "stall", "0.4 %"),
    ("ops_per_s", 0.25, "ops", "0.25 ops/s"),
    ("reads_per_s_per_core", 3e5, "reads", "300k reads/s/core"),
    ("batch_mean", 104.25, "batch mean", "104.2"),
    ("requests", 12_345_678, "requests", "12.3M")])
def test_a_metric_is_shown_in_its_unit(metric: str, number: float, title: str, text: str) -> None:
    assert figures.title(metric) == title
    assert figures.value(metric, number) == text


@pytest.mark.parametrize(("above", "below", "text"), [
    (3.0, 2.0, "1.50x"), (1e6, 1.0, "1000000x"), (1.0, 0.0, "-"), (None, 1.0, "-"),
    (1.0, None, "-"), (0.0, 2.0, "0.00x")])
def test_a_ratio_without_a_value_is_a_dash(above: float | None, below: float | None, text: str
                                           ) -> None:
    assert figures.ratio(above, below) == text
