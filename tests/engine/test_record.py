"""Spans recorded in kernels: bounded, counted, off at cap 0."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.engine import kernel, new_span_log, span_add, span_kept, span_lost
from rackwright.errors import UsageError


@kernel
def add_many(log, count):  # type: ignore[no-untyped-def]
    for at in range(count):
        span_add(log, at % 3, at % 2, 10 * at, 10 * at + 5, at * at)


@pytest.mark.parametrize(("cap", "count"), [(8, 5), (8, 8), (8, 100), (0, 100)])
def test_what_fits_is_kept_and_the_rest_is_counted(cap: int, count: int) -> None:
    log = new_span_log(cap)
    add_many(log, count)
    kept = min(cap, count)
    at = np.arange(kept)
    assert (span_kept(log), span_lost(log), log.count[0]) == (kept, count - kept, count)
    assert log.track[:kept].tolist() == (at % 3).tolist()
    assert log.label[:kept].tolist() == (at % 2).tolist()
    assert log.start_ps[:kept].tolist() == (10 * at).tolist()
    assert log.end_ps[:kept].tolist() == (10 * at + 5).tolist()
    assert log.amount[:kept].tolist() == (at * at).tolist()


def test_codes_are_small_and_times_are_wide() -> None:
    log = new_span_log(1)
    assert [field.dtype for field in log] == [np.int32, np.int32, *[np.dtype(np.int64)] * 4]


def test_a_negative_cap_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot keep -1 spans; 0 turns recording off"):
        new_span_log(-1)
