"""Nothing is lost, doubled or out of order: the engine is inspected after every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.errors import ModelFault
from rackwright.models.serving import ServingOptions, replay
from rackwright.models.serving.checks import Checks
from rackwright.models.serving.kernel import advance
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


@pytest.mark.parametrize("fields", [
    {}, {"pages": 60}, {"pages": 60, "most_tokens": 64}, {"chunked": False}, {"prefix_tokens": 64},
    {"prefilled": True}, {"full_groups": 1, "window_groups": 2, "window_blocks": 3, "pages": 90}])
def test_every_step(small: Callable[..., Any], busy_trace: RequestTrace,
                    fields: dict[str, Any]) -> None:
    state = small(busy_trace, **fields)
    end = drive(advance, state, check=Checks(state))
    assert end.admission.finished[0] == len(busy_trace)
    assert end.admission.tokens[0] == busy_trace.output_tokens.sum()
    assert end.admission.kv_free[0] == end.fixed.pages
    assert end.step.running[0] == end.step.returned[0] == 0


def test_every_prompt_token_is_computed_once(small: Callable[..., Any], busy_trace: RequestTrace
                                             ) -> None:
    """Without preemption: prompts but for those that came in chunks of one token."""
    end = drive(advance, small(busy_trace))
    assert end.work.repeated_tokens[0] == 0
    assert end.work.prompt_tokens[0] == busy_trace.input_tokens.sum()


def test_preempted_work_is_counted(small: Callable[..., Any], busy_trace: RequestTrace) -> None:
    end = drive(advance, small(busy_trace, pages=60))
    assert end.work.preemptions[0] == end.sequences.preemptions.sum() > 0
    assert end.work.repeated_tokens[0] > 0
    assert end.work.prompt_tokens[0] > busy_trace.input_tokens.sum()


def test_time_is_fully_accounted_for(small: Callable[..., Any], busy_trace: RequestTrace) -> None:
    """Every request is either waiting or in the batch of each step until it ends, if all fit."""
    end = drive(advance, small(busy_trace, frontend_ps=0))
    rows = end.work.batch * np.arange(len(end.work.batch))
    inside = float((end.requests.finish_ps - end.requests.admitted_ps).sum())
    assert end.work.sums[1] == pytest.approx(inside, rel=1e-12)
    assert int(rows.sum()) >= int(end.admission.tokens[0])
    assert float(end.work.spent[:8].sum()) <= end.work.sums[1] * (1 + 1e-12)


def test_debug_mode_changes_nothing(dgx: Fabric, busy_trace: RequestTrace) -> None:
    plain, checked = (replay(dgx, busy_trace, ServingOptions.checked({"debug_checks": debug}))
                      for debug in (False, True))
    assert plain.metrics == checked.metrics


@pytest.mark.parametrize(("part", "name", "words"), [
    ("requests", "kv_blocks", "pages held and"), ("admission", "tokens", "tokens are lost"),
    ("sequences", "running", "lost or have ended|twice"), ("control", "now_ps", "time went back")])
def test_what_is_broken_is_said(small: Callable[..., Any], busy_trace: RequestTrace, part: str,
                                name: str, words: str) -> None:
    state = small(busy_trace)
    check = Checks(state)
    while state.step.running[0] < 3:
        advance(state, 2**62, 1)
        check(state)
    getattr(getattr(state, part), name)[0] -= 1
    with pytest.raises(ModelFault, match=f"({words}).*after step"):
        check(state)
